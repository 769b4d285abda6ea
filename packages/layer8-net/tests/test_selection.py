# SPDX-License-Identifier: Apache-2.0
"""Picking one provider."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.enums import MulticastMode
from layer8_net._core.selection import Picker

SERVICE = (b"Books", 0)


def _pick(picker: Picker, mode: MulticastMode, providers: str, nearby: str = "") -> str | None:
    return picker.pick(mode, SERVICE, tuple(providers), tuple(nearby), "b")


@pytest.mark.feature("NET-08")
@given(st.sets(st.characters(codec="ascii"), min_size=1), st.integers(1, 4))
def test_round_robin_is_even(providers: set[str], rounds: int) -> None:
    """In n times the number of providers each is picked n times."""
    picker = Picker()
    names = "".join(sorted(providers))
    picked = [_pick(picker, MulticastMode.ROUND_ROBIN, names) for _ in range(rounds * len(names))]
    assert all(picked.count(name) == rounds for name in names)


def test_the_turn_survives_departures() -> None:
    """A provider that leaves does not give another a second turn."""
    picker = Picker()
    assert _pick(picker, MulticastMode.ROUND_ROBIN, "abcd") == "a"
    assert _pick(picker, MulticastMode.ROUND_ROBIN, "abcd") == "b"
    assert _pick(picker, MulticastMode.ROUND_ROBIN, "acd") == "c"


def test_areas_have_turns_of_their_own() -> None:
    """Two areas of one service do not share a turn."""
    picker = Picker()
    for area in (0, 1):
        assert picker.pick(MulticastMode.ALL, (b"S", area), ("a", "b"), (), "") == "a"


@pytest.mark.feature("NET-08")
def test_rules() -> None:
    """Proximity prefers the near ones, local is the sender, the leader has the highest id."""
    picker = Picker()
    assert _pick(picker, MulticastMode.PROXIMITY, "abc", "c") == "c"
    assert _pick(picker, MulticastMode.PROXIMITY, "xyz") == "x"
    assert _pick(picker, MulticastMode.LOCAL, "abc") == "b"
    assert _pick(picker, MulticastMode.LOCAL, "ac") is None
    assert _pick(picker, MulticastMode.LEADER, "abc") == "c"
    assert _pick(picker, MulticastMode.ALL, "") is None


def test_leader_rule_is_replaceable() -> None:
    """Whoever knows better who leads brings a rule."""
    picker = Picker(lambda providers: providers[0])
    assert _pick(picker, MulticastMode.LEADER, "abc") == "a"


def test_forget() -> None:
    """A service that nobody offers any more is forgotten."""
    picker = Picker()
    _pick(picker, MulticastMode.ALL, "abc")
    picker.forget(SERVICE)
    assert _pick(picker, MulticastMode.ALL, "abc") == "a"
