# SPDX-License-Identifier: Apache-2.0
"""Conformance of elections: one leader per service, whatever happens to nodes and messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import pytest

from l8test.conformance._assembly import Assembly, ElectionMaker, elector_id, every_message
from l8types.enums import Action
from l8types.protocols.services import ElectionEvent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from l8types.protocols.services import ElectionEffect

__all__ = ["ElectionConformance", "ElectionMaker"]

FIVE: Final = [True] * 5
FIRST, SECOND, THIRD = (elector_id(number) for number in (1, 2, 3))
STRANGER: Final = elector_id(99)


class ElectionConformance:
    """What every ``ElectionStrategy`` promises.

    Nodes run in virtual time, so that nothing here waits.

    Fixture:
        make_election: An ``ElectionMaker``.
    """

    terms: ClassVar[bool] = True
    """Capability: messages carry epochs, by which an old leader is told from a new one (nodes of
    the ``go`` profile have none)."""
    settles_within: ClassVar[float] = 20.0
    """Capability: seconds after the last trouble until all agree."""

    def assembly(
        self, make: ElectionMaker, voters: Sequence[bool] = FIVE, *, loss: float = 0.0
    ) -> Assembly:
        """Nodes that were started and had the time to agree."""
        found = Assembly(make, voters, loss=loss)
        found.start()
        found.run(self.settles_within)
        return found

    def needs_terms(self) -> None:
        """Skip a test that an election without epochs cannot pass."""
        if not self.terms:
            pytest.skip("the messages carry no epochs")

    def agreed(self, assembly: Assembly) -> str:
        """The leader of all; there has to be one that runs and may lead."""
        leader = assembly.leader()
        if not self.terms:
            [leader] = {name for name, _ in assembly.known()}
        assert leader, f"nodes know {assembly.known()}"
        assert assembly[leader].alive
        assert assembly[leader].voter
        return leader

    def test_alone(self, make_election: ElectionMaker) -> None:
        """A node that takes part alone leads, in an epoch above zero."""
        assembly = self.assembly(make_election, [True])
        assert self.agreed(assembly) == FIRST
        assert assembly[FIRST].epoch > 0

    def test_one_leader(self, make_election: ElectionMaker) -> None:
        """Nodes that start at the same time come to agree on one of them, and stay with it."""
        assembly = self.assembly(make_election)
        leader = self.agreed(assembly)
        told = [list(one.told) for one in assembly.electors.values()]
        assembly.run(120.0)
        assert self.agreed(assembly) == leader
        assert [one.told for one in assembly.electors.values()] == told

    def test_lost_messages(self, make_election: ElectionMaker) -> None:
        """They come to agree although every fifth message is lost."""
        assembly = Assembly(make_election, FIVE, loss=0.2)
        assembly.start()
        assembly.run(5.0)
        assembly.loss = 0.0
        assembly.run(self.settles_within)
        self.agreed(assembly)

    def test_newcomer(self, make_election: ElectionMaker) -> None:
        """Who comes later learns who leads."""
        assembly = Assembly(make_election, [True, False, True])
        assembly.start(SECOND, THIRD)
        assembly.run(self.settles_within)
        assembly.start(FIRST)
        assembly.run(self.settles_within)
        self.agreed(assembly)

    def test_leader_dies(self, make_election: ElectionMaker) -> None:
        """When the leader is gone, another one leads, in a greater epoch."""
        assembly = self.assembly(make_election)
        first = self.agreed(assembly)
        epoch = assembly[first].epoch
        assembly.kill(first)
        assembly.run(self.settles_within)
        second = self.agreed(assembly)
        assert second != first
        assert assembly[second].epoch > epoch

    def test_leader_leaves(self, make_election: ElectionMaker) -> None:
        """A leader that takes part no longer does not lead, and another one does."""
        assembly = self.assembly(make_election)
        first = self.agreed(assembly)
        assembly.leave(first)
        assert assembly[first].leader != first
        assembly.run(self.settles_within)
        assert self.agreed(assembly) != first

    def test_silent_leader(self, make_election: ElectionMaker) -> None:
        """A leader that says nothing for long is replaced, and follows when it is back."""
        assembly = self.assembly(make_election)
        first = self.agreed(assembly)
        assembly.freeze(first)
        assembly.run(self.settles_within)
        others = [name for name in assembly.electors if name != first]
        assert first not in {leader for leader, _ in assembly.known(*others)}
        assembly.thaw(first)
        assembly.run(self.settles_within)
        self.agreed(assembly)

    def test_partition(self, make_election: ElectionMaker) -> None:
        """Parts that do not see each other have a leader each, and one again when they do."""
        assembly = self.assembly(make_election)
        parts = [list(assembly.electors)[:2], list(assembly.electors)[2:]]
        assembly.split(*parts)
        assembly.run(self.settles_within)
        for part in parts:
            [leader] = {leader for leader, _ in assembly.known(*part)}
            assert leader in part
        assembly.split()
        assembly.run(self.settles_within)
        self.agreed(assembly)

    def test_epochs_are_unique(self, make_election: ElectionMaker) -> None:
        """No two leaders have one epoch, not even in parts that do not see each other."""
        self.needs_terms()
        assembly = Assembly(make_election, FIVE)
        assembly.split(*([name] for name in assembly.electors))
        assembly.start()
        assembly.run(self.settles_within)
        assert len(assembly.claims) >= len(FIVE)
        assembly.split()
        assembly.run(self.settles_within)
        self.agreed(assembly)
        assert all(len(leaders) == 1 for leaders in assembly.claims.values())

    def test_epochs_rise(self, make_election: ElectionMaker) -> None:
        """No node is told of a leader with an epoch below that of one it knew."""
        assembly = self.assembly(make_election)
        for _ in range(3):
            leader = self.agreed(assembly)
            assembly.kill(leader)
            assembly.run(self.settles_within)
            assembly.start(leader)
            assembly.run(self.settles_within)
        for one in assembly.electors.values():
            epochs = [epoch for leader, epoch in one.told if leader]
            assert epochs == sorted(epochs)

    def test_kept_first(self, make_election: ElectionMaker) -> None:
        """An epoch is to be kept before anybody hears of it."""
        assembly = self.assembly(make_election)
        assembly.kill(self.agreed(assembly))
        assembly.run(self.settles_within)
        assert assembly.unkept == []
        assert all(one.kept > 0 for one in assembly.electors.values())

    def test_restart(self, make_election: ElectionMaker) -> None:
        """Who starts again after all were away leads in an epoch above all that were."""
        assembly = self.assembly(make_election)
        before = max(one.kept for one in assembly.electors.values())
        for name in assembly.electors:
            assembly.kill(name)
        assembly.run(self.settles_within)
        assembly.start()
        assembly.run(self.settles_within)
        assert assembly[self.agreed(assembly)].epoch > before

    def test_greater_epoch(self, make_election: ElectionMaker) -> None:
        """A leader that learns of a greater epoch steps down at once."""
        self.needs_terms()
        assembly = self.assembly(make_election)
        leader = self.agreed(assembly)
        other = next(name for name in assembly.electors if name != leader)
        greater = assembly[leader].epoch + (1 << 32)
        effects = assembly.tell(leader, ElectionEvent(Action.LEADER_HEARTBEAT, other, greater))
        assert self.told(effects) not in {None, leader}
        assembly.run(self.settles_within)
        assert assembly[self.agreed(assembly)].epoch >= greater

    def test_stale_claim(self, make_election: ElectionMaker) -> None:
        """A claim with an epoch of the past changes nobody's leader."""
        self.needs_terms()
        assembly = self.assembly(make_election)
        leader = self.agreed(assembly)
        for name in assembly.electors:
            other = next(other for other in assembly.electors if other not in {name, leader})
            for action in (Action.LEADER_ANNOUNCEMENT, Action.LEADER_HEARTBEAT):
                effects = assembly.tell(name, ElectionEvent(action, other, 1, other))
                assert self.told(effects) in {None, leader}
        assembly.run(self.settles_within)
        assert self.agreed(assembly) == leader

    def test_voters_only(self, make_election: ElectionMaker) -> None:
        """Only those who may lead do; the others follow, and wait while there is nobody."""
        assembly = self.assembly(make_election, [True, False, False])
        assert self.agreed(assembly) == FIRST
        assembly.kill(FIRST)
        assembly.run(self.settles_within)
        assert {leader for leader, _ in assembly.known()} == {""}
        assembly.start(FIRST)
        assembly.run(self.settles_within)
        assert self.agreed(assembly) == FIRST

    def test_hand_over(self, make_election: ElectionMaker) -> None:
        """A leader that is asked to hand over does, to one who may lead."""
        assembly = self.assembly(make_election, [True, True, False])
        first = self.agreed(assembly)
        assembly.tell(first, ElectionEvent(Action.LEADER_RESIGN, first))
        assembly.run(self.settles_within)
        assert self.agreed(assembly) != first

    def test_hand_over_alone(self, make_election: ElectionMaker) -> None:
        """When nobody else can lead, who was asked to hand over says that it leads on."""
        assembly = self.assembly(make_election, [True])
        told = len(assembly[FIRST].told)
        assembly.tell(FIRST, ElectionEvent(Action.LEADER_RESIGN, FIRST))
        assembly.run(self.settles_within)
        assert self.agreed(assembly) == FIRST
        assert len(assembly[FIRST].told) > told

    def test_spectator(self, make_election: ElectionMaker) -> None:
        """A node that takes no part can learn who leads."""
        assembly = self.assembly(make_election, [True, True])
        leader = self.agreed(assembly)
        looker = make_election(STRANGER, True, 0)
        seen = [ElectionEvent(source=name, joined=True) for name in (FIRST, SECOND)]
        asked = ElectionEvent(Action.LEADER_QUERY, STRANGER)
        sent = [e for event in (*seen, asked) for e in looker.step(event, assembly.now)]
        asks = next(effect for effect in sent if effect.action is Action.LEADER_QUERY)
        assembly[leader].sees.add(STRANGER)
        question = ElectionEvent(asks.action, STRANGER, asks.epoch, asks.named)
        answers = assembly[leader].election.step(question, assembly.now)
        answer = next(effect for effect in answers if effect.target == STRANGER)
        heard = ElectionEvent(answer.action, leader, answer.epoch, answer.named)
        assert self.told(looker.step(heard, assembly.now)) == leader

    def test_any_message(self, make_election: ElectionMaker) -> None:
        """No message stops an election, whoever sent it; afterwards all agree."""
        assembly = self.assembly(make_election, [True, True, True])
        for event in every_message((FIRST, SECOND, THIRD, STRANGER, "")):
            assembly.tell(SECOND, event)
            assembly.run(0.001)
        assembly.run(self.settles_within)
        self.agreed(assembly)

    @staticmethod
    def told(effects: Sequence[ElectionEffect]) -> str | None:
        """The leader that these effects tell of last, ``None`` when they do not."""
        found = [effect.leader for effect in effects if effect.leader is not None]
        return found[-1] if found else None
