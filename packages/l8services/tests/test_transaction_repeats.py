# SPDX-License-Identifier: Apache-2.0
"""A command that is asked for again is made once, also by a leader that has just begun."""

from __future__ import annotations

from l8services._transactions.effects import Effect, Resolve, Send
from l8services._transactions.leader import Leader
from l8services._transactions.messages import (
    Command,
    Order,
    Ordered,
    Outcome,
    Pending,
    Promise,
    Promised,
)
from l8services._transactions.office import Phase
from l8services._transactions.queue import CommandQueue
from l8services._transactions.timing import Timing
from l8services._transactions.views import View
from l8types.enums import Quorum

TIMING = Timing()
VIEW = View("first", 4, ("a#1", "b#1"))


def command(name: str) -> Command:
    """A write."""
    return Command(name, 1, "", b"")


def promised(member: str, ballot: tuple[int, str], *open_ids: str) -> Promised:
    """What a member answers that has prepared a batch of these commands."""
    pending = Pending(8, (1, "z"), open_ids, tuple(False for _ in open_ids)) if open_ids else None
    return Promised(True, ballot, member, VIEW, None, Outcome(7), pending)


def campaigning(happened: set[str]) -> tuple[Leader, list[Effect]]:
    """A node that wants to lead."""
    leader = Leader("a#1", "a", Quorum.MAJORITY, TIMING, happened=happened.__contains__)
    return leader, leader.campaign(2, ["a", "b"], 0.0)


def elect(leader: Leader, sends: list[Effect], happened: set[str], *open_ids: str) -> list[Effect]:
    """Let it have the office; members close what was open before."""
    orders: list[Effect] = []
    for send in sends:
        assert isinstance(send, Send)
        assert isinstance(send.message, Promise)
        reply = promised(f"{send.address}#1", leader.ballot, *open_ids)
        orders += leader.received(send.address, send.message, reply, 0.0)
    # Its own member is one of those: what is closed is known here before it leads.
    happened.update(open_ids)
    effects: list[Effect] = []
    for order in orders:
        assert isinstance(order, Send)
        assert leader.phase is Phase.CAMPAIGNING
        effects += leader.received(order.address, order.message, Ordered(0), 0.0)
    assert leader.phase is Phase.LEADING
    return effects


def ordered(effects: list[Effect]) -> list[str]:
    """Ids of the commands that are sent to members."""
    sent = [effect.message for effect in effects if isinstance(effect, Send)]
    batches = [message.batch for message in sent if isinstance(message, Order)]
    return [one.id for batch in batches if batch is not None for one in batch.commands]


def test_a_command_of_the_batch_that_was_open_is_not_made_again() -> None:
    """A client repeats it during the campaign that commits it: its result is the answer."""
    happened: set[str] = set()
    leader, sends = campaigning(happened)
    assert leader.submit([(command("open"), 9.0)], 0.0) == []
    assert leader.submit([(command("new"), 9.0)], 0.0) == []
    effects = elect(leader, sends, happened, "open")
    assert Resolve("open") in effects
    assert set(ordered(effects)) == {"new"}


def test_a_command_that_was_committed_long_ago_is_not_made_again() -> None:
    """Its answer was lost with the leader that committed it."""
    happened = {"old"}
    leader, sends = campaigning(happened)
    leader.submit([(command("old"), 9.0)], 0.0)
    effects = elect(leader, sends, happened)
    assert Resolve("old") in effects
    assert ordered(effects) == []


def test_a_command_that_is_removed_from_the_queue_may_come_again() -> None:
    """What is taken out leaves nothing behind, whichever way it waited."""
    queue = CommandQueue(TIMING)
    for name in "abc":
        queue.add(command(name), 9.0)
    queue.add_alone([(command("d"), 9.0)])
    queue.remove(["b", "d", "unknown"])
    assert set(queue.waiting()) == {"a", "c"}
    assert "b" not in queue
    assert [one.id for one, _ in queue.take()] == ["a", "c"]
    assert queue.waiting() == ()
    queue.add(command("b"), 9.0)
    assert [one.id for one, _ in queue.take()] == ["b"]
