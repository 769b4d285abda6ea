# SPDX-License-Identifier: Apache-2.0
"""The parts of transaction groups: quorums, bytes, journals, staged items."""

from __future__ import annotations

import contextlib
import errno
import os
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8services._transactions.frames import frame, frames, read_frames
from l8services._transactions.journal import open_journal
from l8services._transactions.messages import Outcome, Pending, Promised, decode
from l8services._transactions.records import Base, Decided, Items, Record, decode_record
from l8services._transactions.takeover import inquire, verdict
from l8services._transactions.views import View, has_quorum
from l8types.enums import Quorum
from l8types.errors import DecodeError, UnavailableError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("size", range(1, 7))
def test_quorums_meet(size: int) -> None:
    """Any two quorums of a view share a member."""
    view = View("l", 1, tuple("abcdef"[:size]))
    groups = [set(g) for n in range(size + 1) for g in combinations(view.members, n)]
    quorums = [group for group in groups if has_quorum(view, group, Quorum.MAJORITY)]
    assert quorums
    assert all(one & other for one in quorums for other in quorums)
    assert all(has_quorum(view, g, Quorum.AVAILABLE) == bool(g) for g in groups)


@given(st.lists(st.binary(min_size=1, max_size=40)), st.data())
def test_torn_tail(records: list[bytes], data: st.DataObject) -> None:
    """A file that ends anywhere, or whose rest is zeros, gives its whole records."""
    whole = frames(records)
    cut = data.draw(st.integers(0, len(whole)))
    found, size = read_frames(whole[:cut])
    rest = bytes(data.draw(st.integers(8, 40)))
    assert read_frames(frames(found) + rest) == (found, size)
    assert found == records[: len(found)]
    assert size == len(frames(found)) <= cut
    assert len(found) == len(records) or cut < size + len(frame(records[len(found)]))


@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    """Bytes are a message and a record, or an error of the decoder."""
    for decoder in (decode, decode_record):
        with contextlib.suppress(DecodeError):
            decoder(data)


def test_verdict() -> None:
    """A batch is good when all members judge alike, also when all refuse a command."""
    assert verdict([[False, True], [False, True]])
    assert not verdict([[False, True], [False, False]])


VIEW = View("l", 3, ("a#1", "b#1", "c#1"))


def promised(name: str, *, number: int = 4, ids: tuple[str, ...] | None = None) -> Promised:
    """What a member of the view says; ``ids`` are those of the batch it has prepared."""
    pending = Pending(number + 1, (1, "c"), ids, (False,) * len(ids)) if ids else None
    return Promised(True, (2, "a"), f"{name}#1", VIEW, None, Outcome(number), pending)


def test_prepared_by_all() -> None:
    """A new leader commits what all members he hears have prepared, and nothing else."""
    both = {"a": promised("a", ids=("x",)), "b": promised("b", ids=("x",))}
    assert inquire(both, Quorum.MAJORITY).outcome == Outcome(5)
    one = both | {"b": promised("b")}
    assert inquire(one, Quorum.MAJORITY).outcome == Outcome(4)
    other = both | {"b": promised("b", ids=("y",))}
    assert inquire(other, Quorum.MAJORITY).outcome == Outcome(4)
    knows = both | {"b": promised("b", number=5)}
    assert inquire(knows, Quorum.MAJORITY).outcome == Outcome(5)


def test_no_quorum() -> None:
    """W-07: a new leader that hears too few says who is missing."""
    findings = inquire({"a": promised("a")}, Quorum.MAJORITY)
    assert not findings.quorum
    assert findings.missing == ("b", "c")


def test_view_that_may_be_agreed() -> None:
    """A view that an earlier leader may have got agreed on is completed first."""
    next_view = View("l", 4, ("a#1", "c#1"))
    accepted = Promised(True, (2, "a"), "a#1", VIEW, ((1, "c"), next_view), Outcome(4))
    replies = {"a": accepted, "b": promised("b")}
    assert inquire(replies, Quorum.MAJORITY).proposed == next_view


RECORDS: list[Record] = [Base(Outcome(3), ()), Items((("x", b"1"),)), Decided(Outcome(4))]


async def test_journal(tmp_path: Path) -> None:
    """What was committed is there again; what a crash tore off at the end is not."""
    journal = await open_journal(tmp_path, "books")
    assert await journal.load() == []
    journal.note(RECORDS[:1])
    await journal.commit(RECORDS[1:])
    journal.close()
    with (tmp_path / "books.journal").open("ab") as file:
        file.write(frame(b"torn")[:-1])
    journal = await open_journal(tmp_path, "books")
    assert await journal.load() == RECORDS
    await journal.commit(RECORDS[2:])
    await journal.replace(RECORDS[:2])
    await journal.commit(RECORDS[2:])
    journal.close()
    journal = await open_journal(tmp_path, "books")
    assert await journal.load() == RECORDS
    journal.close()


async def test_two_nodes_in_one_directory(tmp_path: Path) -> None:
    """Nodes that share a directory have journals of their own."""
    one, other = [await open_journal(tmp_path, "books") for _ in range(2)]
    await one.commit(RECORDS)
    assert await other.load() == []
    one.close()
    other.close()


async def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is an error; what was noted is written when there is room again."""
    journal = await open_journal(tmp_path, "books")
    journal.note(RECORDS[:1])

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(UnavailableError, match="No space left"):
            await journal.commit(RECORDS[1:2])
    await journal.commit(RECORDS[1:])
    journal.close()
    journal = await open_journal(tmp_path, "books")
    assert await journal.load() == RECORDS
    journal.close()
