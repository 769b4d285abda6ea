# SPDX-License-Identifier: Apache-2.0
"""Stamps of items and what they decide."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8services._versions import ORIGIN, Clockwork, Stamp, Verdict, Versions, pack, tag, unpack

STAMPS = st.builds(Stamp, st.integers(1, 2**44), st.sampled_from(["a", "b", "c"]))


@given(stamp=STAMPS, base=STAMPS)
def test_stamp_and_base_travel_in_one_number(stamp: Stamp, base: Stamp) -> None:
    """The receiver gets the time and can tell its own base from another."""
    number = pack(stamp, base)
    assert 0 < number < 2**63
    assert unpack(number) == (stamp.time, tag(base))
    assert Stamp.from_text(stamp.to_text()) == stamp
    assert pack(stamp, ORIGIN) & 0xFFFF == 0


@pytest.mark.parametrize("text", [None, 3, "", "x", "@a", "-1@a", "²@a", "9" * 30 + "@a"])
def test_other_keys_are_no_stamps(text: object) -> None:
    """The element key of an answer that does not stamp is no stamp."""
    assert Stamp.from_text(text) is None


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10_000)), max_size=50))
def test_clock_never_repeats_and_never_falls_behind(steps: list[tuple[bool, int]]) -> None:
    """Each own stamp is greater than all that were given or seen before."""
    clock, highest = Clockwork(), 0
    for own, time in steps:
        if own:
            tick = clock.tick(time / 1000)
            assert tick > highest
            highest = tick
        else:
            clock.observe(time)
            highest = max(highest, time)


@given(stamps=st.lists(STAMPS, unique=True, min_size=1, max_size=8), seed=st.integers())
def test_whole_states_end_with_the_greatest_stamp_in_any_order(
    stamps: list[Stamp], seed: int
) -> None:
    """Judged one after the other, the newest state wins whatever comes first."""
    random.Random(seed).shuffle(stamps)
    versions = Versions()
    for stamp in stamps:
        if versions.judge("1", stamp, 0, whole=True) is Verdict.APPLY:
            versions.write("1", stamp)
    assert versions.current("1") == max(stamps)


def test_change_needs_its_own_base() -> None:
    """On another base a change is no use, the whole item is needed."""
    versions, old, new = Versions(), Stamp(5, "a"), Stamp(9, "b")
    versions.write("1", old)
    assert versions.judge("1", new, tag(old), whole=False) is Verdict.APPLY
    assert versions.judge("1", new, tag(Stamp(6, "c")), whole=False) is Verdict.FETCH
    assert versions.judge("1", old, tag(old), whole=False) is Verdict.IGNORE


def test_deletions_are_remembered_for_a_while() -> None:
    """The newest ones by key, the others by the newest stamp among them."""
    versions = Versions(tombstones=2)
    for number in range(1, 5):
        versions.remove(str(number), Stamp(number, "a"))
    assert dict(versions.tombstones()) == {"3": Stamp(3, "a"), "4": Stamp(4, "a")}
    assert (versions.horizon, versions.removed) == (Stamp(2, "a"), 4)
    versions.write("4", Stamp(9, "a"))
    assert dict(versions.tombstones()) == {"3": Stamp(3, "a")}
