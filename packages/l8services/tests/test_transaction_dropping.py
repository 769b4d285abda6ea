# SPDX-License-Identifier: Apache-2.0
"""A node that replaces its items by a copy says what is lost, and says nothing when nothing is."""

from __future__ import annotations

import logging

import pytest

from l8services._transactions.dropping import dropped
from l8services._transactions.member import Member
from l8services._transactions.messages import Outcome, Page, Result
from l8services._transactions.records import Base
from l8services._transactions.timing import Timing
from l8services._transactions.views import View
from l8types.enums import Quorum

from .groups import GroupNet
from .virtual import run

LIMIT = 4


def having(number: int, *commands: str, lineage: str = "one") -> Member:
    """A member with so many batches, and the results of some commands."""
    member = Member("a#1", Timing(remembered=LIMIT))
    member.replay(Base(Outcome(number), tuple(map(Result, commands)), lineage))
    return member


def page(number: int, *commands: str, lineage: str = "one") -> Page:
    """The last page of a copy."""
    view = View(lineage, 1, ("b#1",))
    results = tuple(map(Result, commands))
    return Page((), False, number, view, Outcome(number), results)


@pytest.mark.parametrize(
    ("member", "copy", "lost"),
    [
        (having(0), page(9, "x"), ""),
        (having(2, "x", "y"), page(5, "x", "y", "z"), ""),
        (having(5, "x", "y"), page(3, "x"), "2 batches"),
        # As many batches there, or more: the commands tell.
        (having(2, "x", "y"), page(2, "x", "z"), "1 command"),
        (having(3, "x", "y", "q"), page(7, "x", "z", "w"), "2 commands"),
        # What is older than all that both know is forgotten there, not lost.
        (having(4, "p", "x", "y"), page(9, "x", "y", "z", "w"), ""),
        (having(4, "p", "x", "q"), page(9, "x", "y", "z", "w"), "1 command"),
        (having(4, "p", "q"), page(90, "s", "t", "u", "v"), ""),
        # Another beginning: all is lost, whatever the numbers say.
        (having(1, "x", lineage="other"), page(9, "y"), "1 batch"),
        (having(4, "x", lineage="other"), page(900, "s", "t", "u", "v"), "4 batches"),
        (having(0, lineage="other"), page(9, "y"), ""),
        # Journals of earlier versions do not tell the line.
        (having(2, "x", lineage=""), page(9, "x"), ""),
    ],
)
def test_what_is_lost(member: Member, copy: Page, lost: str) -> None:
    """Batches that the other one cannot have, else commands that it does not know."""
    assert dropped(member, copy, LIMIT) == lost


def test_a_command_that_failed_is_no_loss() -> None:
    """It changed nothing."""
    member = having(1)
    member.results.add([Result("x", error="conflict: no")])
    assert dropped(member, page(3, "y"), LIMIT) == ""


async def meet(quorum: Quorum, *, together: bool) -> None:
    """Two sides write without seeing each other, the lesser one more seldom, then they meet."""
    async with GroupNet(*"abcde", quorum=quorum) as net:
        if together:
            await net.settle()
        net.partition("ab", "cde")
        await net["a"].write(("x", 1))
        for value in range(6):
            await net["c"].write(("y", value))
        net.partition()
        await net.settle()
        copies = {str(sorted(member.handler.values.items())) for member in net.members}
        assert len(copies) == 1


@pytest.mark.parametrize("together", [True, False])
def test_a_dropped_write_is_loud(caplog: pytest.LogCaptureFixture, together: bool) -> None:
    """Who wrote less than the others does not lose it in silence."""
    with caplog.at_level(logging.ERROR):
        run(meet(Quorum.AVAILABLE, together=together))
    lost = [r.getMessage() for r in caplog.records if "and dropped" in r.message]
    assert len(lost) == 2, caplog.text
    assert all(line.endswith((": 1 batch", ": 1 command")) for line in lost)


async def come_back() -> None:
    """A member misses writes, comes back and takes a copy; so does one that is new."""
    async with GroupNet(*"abc") as net:
        await net.settle()
        await net["a"].write(("x", 1))
        net["b"].kill()
        for value in range(6):
            await net["a"].write(("y", value))
        await net["b"].start()
        await net.settle()


def test_nothing_is_told_when_nothing_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    """A member that was away for a while gets what it missed, without a word."""
    with caplog.at_level(logging.ERROR):
        run(come_back())
    assert caplog.records == []
