# SPDX-License-Identifier: Apache-2.0
"""How a group begins, and how a leader finds members that came back elsewhere; the cores alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from l8services._transactions.campaign import Campaign
from l8services._transactions.effects import Effect, Grant, Lead, Reject, Send
from l8services._transactions.leader import Leader
from l8services._transactions.member import Member
from l8services._transactions.messages import (
    Accept,
    Accepted,
    Command,
    Order,
    Outcome,
    Promise,
    Promised,
    Refused,
)
from l8services._transactions.office import Phase
from l8services._transactions.takeover import inquire
from l8services._transactions.timing import Timing
from l8services._transactions.views import View, may_found
from l8types.enums import Quorum
from l8types.errors import InvalidInputError
from l8types.sla import ServiceLevelAgreement

TIMING = Timing()
COMMAND = Command("1", 1, "", b"")
BLIND = View("blind", 1, ("x#1",), founded=False)
FOUNDED = View("first", 4, ("a#1", "b#1", "c#1"))


def promised(member: str, view: View | None, number: int = 0) -> Promised:
    """What a member answers that grants a promise."""
    return Promised(True, (1, "a"), member, view, None, Outcome(number))


def led(*, expected: int) -> Leader:
    """A leader that has just begun a line of its own."""
    leader = Leader("a#1", "a", Quorum.MAJORITY, TIMING, expected=expected)
    (send,) = leader.campaign(1, ["a"], 0.0)
    assert isinstance(send, Send)
    leader.received("a", send.message, promised("a#1", None), 0.0)
    assert leader.phase is Phase.LEADING
    return leader


def admit(leader: Leader, *names: str) -> list[Effect]:
    """Take in members, with the consent of those that it had."""
    effects: list[Effect] = []
    for name in names:
        assert leader.view is not None
        effects = leader.ready(f"{name}#1", name, leader.view.lineage, 0, 0.0)
        effects = agree(leader, effects, "a")
    return effects


def agree(leader: Leader, effects: list[Effect], *names: str) -> list[Effect]:
    """Let some members accept what is proposed."""
    found: list[Effect] = []
    for effect in effects:
        asks = isinstance(effect, Send) and isinstance(effect.message, Accept)
        if isinstance(effect, Send) and asks and effect.address in names:
            reply = Accepted(granted=True, promised=leader.ballot)
            found += leader.received(effect.address, effect.message, reply, 0.0)
    return found


@pytest.mark.feature("l8types:TYP-24")
def test_too_few_members_do_not_begin() -> None:
    """Before more than half of the expected nodes are members nothing is written or read."""
    leader = led(expected=5)
    refused = leader.submit([(COMMAND, 9.0)], 0.0)
    assert isinstance(refused[0], Reject)
    assert refused[0].error == "unavailable: the service begins with 3 members, there are 1 so far"
    (grant,) = leader.read(1, 0.0)
    assert isinstance(grant, Grant)
    assert grant.error == refused[0].error


def test_the_founders_agree_to_begin() -> None:
    """All of them have to know of the line before it takes writes; then it does."""
    leader = led(expected=5)
    effects = admit(leader, "b", "c")
    assert leader.view is not None
    assert not leader.view.founded
    assert agree(leader, effects, "a", "b") == []
    begun = agree(leader, effects, "c")
    assert any(isinstance(effect, Lead) and effect.view.founded for effect in begun)
    assert any(isinstance(effect, Send) for effect in leader.submit([(COMMAND, 9.0)], 1.0))


def test_one_expected_node_begins_at_once() -> None:
    """That is the default: whoever comes first."""
    assert any(isinstance(effect, Send) for effect in led(expected=1).submit([(COMMAND, 9.0)], 0.0))


def test_a_founded_line_is_preferred() -> None:
    """A line that may have writes wins against one that has none, whatever their names are."""
    replies = {"x": promised("x#1", BLIND), "a": promised("a#1", FOUNDED)}
    assert inquire(replies, Quorum.MAJORITY).view == FOUNDED
    # Its founding was agreed to here, whether by enough others is not known.
    growing = replace_founded(FOUNDED, founded=False)
    agreed = Promised(True, (1, "a"), "a#1", growing, ((1, "a"), FOUNDED), Outcome())
    assert inquire({"x": promised("x#1", BLIND), "a": agreed}, Quorum.MAJORITY).view == growing


def replace_founded(view: View, *, founded: bool) -> View:
    """The same view, otherwise."""
    return View(view.lineage, view.number, view.members, founded)


def test_a_member_of_a_founded_line_joins_no_other_without_writes() -> None:
    """Its answer makes such a leader give up, and ask around anew."""
    member = Member("a#1", TIMING)
    member.learn(FOUNDED)
    step = member.order(Order((7, "x"), 1, Outcome(), None, BLIND), 0.0)
    assert isinstance(step.reply, Refused)
    assert (step.reply.promised > (7, "x"), step.reply.behind) == (True, False)
    following = View("blind", 2, ("x#1", "a#1"), founded=False)
    assert not member.accept(Accept((7, "x"), BLIND, following)).granted
    assert member.view == FOUNDED
    leader = led(expected=3)
    order = Order(leader.ballot, 1, Outcome(), None, leader.view)
    leader.received("b", order, Refused((leader.ballot[0] + 1, ""), "conflict: no"), 0.0)
    assert leader.phase is Phase.FOLLOWING


def test_a_successor_founds_with_enough_only() -> None:
    """A quorum of a view that is not founded completes its founding only when it is enough."""
    growing = replace_founded(FOUNDED, founded=False)
    following = View("first", 5, FOUNDED.members)
    campaign = Campaign("a#1", (9, "a"), ["a", "b", "c"], Quorum.MAJORITY, TIMING, needed=3)
    campaign.begin()
    sends: list[Effect] = []
    for name in "ab":
        reply = Promised(True, (9, "a"), f"{name}#1", growing, ((1, "c"), following), Outcome())
        sends += campaign.received(name, Promise((9, "a")), reply)
    sends += campaign.received("c", Promise((9, "a")), None)
    assert len(sends) == 2
    for send in sends:
        assert isinstance(send, Send)
        campaign.received(send.address, send.message, Accepted(granted=True, promised=(9, "a")))
    assert campaign.failed == "too few of those are there who may have founded the group: c"
    assert not campaign.done
    assert may_found(growing, following, {"a#1", "b#1", "c#1"}, 3)


def test_a_leader_looks_for_members_that_are_back_elsewhere() -> None:
    """One without a quorum gives up its office when there are nodes that may be its members."""
    leader = led(expected=1)
    admit(leader, "b", "c")
    leader.participants(["a"], 0.0)
    assert leader.participants(["a"], 5.0) == []
    assert leader.participants(["a", "new"], 0.1) == []
    assert leader.wake_at() < TIMING.patience
    leader.participants(["a", "new"], TIMING.round_timeout + 0.1)
    assert leader.phase is Phase.FOLLOWING


def test_a_service_expects_a_node_at_least() -> None:
    """Anything else is refused by name."""
    good = ServiceLevelAgreement(name="S", handler=lambda: None, transactional=True)  # type: ignore[arg-type,return-value]
    with pytest.raises(InvalidInputError, match="expects 0 nodes, it has at least 1"):
        replace(good, expected=0)
