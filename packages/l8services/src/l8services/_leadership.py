# SPDX-License-Identifier: Apache-2.0
"""Who takes part in the services of a node, who leads them, and whose turn it is.

Participants are what the directory shows. The leader comes from an election, which the services of
a group share: the group is announced beside them, so that its participants are those of all its
services.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from l8services._election import Elections
from l8services._turns import RoundRobin
from l8types.enums import MulticastMode
from l8types.errors import L8Error, UnavailableError
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from l8types.protocols.data import Elements, Subscription
    from l8types.protocols.net import NodeDirectory, VNic
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import LeaderListener
    from l8types.sla import ServiceLevelAgreement
    from l8types.values import Message

__all__ = ["NodeLeadership", "election_key"]

_log = logging.getLogger(__name__)

LEADER_WAIT: Final = 5.0
"""Seconds that a message for the leader waits while there is none; an election takes less."""


def election_key(sla: ServiceLevelAgreement) -> ServiceKey:
    """What a service elects its leader under: its group, or itself."""
    return ServiceKey(sla.group) if sla.group else sla.key


class NodeLeadership:
    """Leaders, participants and turns, as one node knows them.

    Args:
        resources: The parts of the node.
    """

    def __init__(self, resources: Resources) -> None:
        self._directory: NodeDirectory | None = None
        self._elections = Elections(resources)
        self._turns = RoundRobin()
        self._voters: dict[ServiceKey, dict[ServiceKey, bool]] = {}
        """By election, the services of this node and whether they vote."""
        self._elects: dict[ServiceKey, ServiceKey] = {}
        """What the services of this node elect their leaders under."""

    def attach(self, directory: NodeDirectory) -> None:
        """Use this directory from now on."""
        self._directory = directory

    async def enter(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Take part with a service that was announced; one without state has no leader.

        Raises:
            L8Error: The network cannot be told of the group.
        """
        if not sla.stateful:
            return
        key = election_key(sla)
        members = self._voters.setdefault(key, {})
        before = any(members.values()) if members else None
        members[sla.key] = sla.voter
        self._elects[sla.key] = key
        if before is None and key != sla.key:
            await vnic.announce(key)
        if before is None or (sla.voter and not before):
            await self._elections.join(key, vnic, voter=sla.voter)

    async def hand_over_before_leaving(self, sla: ServiceLevelAgreement) -> None:
        """Let another node lead, when this service was what made this one a voter."""
        members = self._voters.get(election_key(sla), {})
        if sla.key in members and not self._votes_without(sla):
            await self._elections.hand_over(election_key(sla))

    async def leave(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Take part with a service no longer; it was withdrawn already."""
        key = election_key(sla)
        members = self._voters.get(key, {})
        if sla.key not in members:
            return
        votes = self._votes_without(sla)
        del members[sla.key], self._elects[sla.key]
        if not members:
            del self._voters[key]
            await self._elections.leave(key)
            if key != sla.key:
                await self._tell(vnic.withdraw(key))
            return
        if key == sla.key:
            # The group goes on under the name of the service that left it.
            await self._tell(vnic.announce(key))
        if sla.voter and not votes:
            await self._elections.join(key, vnic, voter=False)

    async def aclose(self) -> None:
        """Stop all elections."""
        await self._elections.aclose()
        self._voters.clear()
        self._elects.clear()

    # Messages

    def take(self, elements: Elements, message: Message) -> None:
        """Take a message of an election.

        Raises:
            PermissionDeniedError: The sender does not take part.
            InvalidInputError: The payload makes no sense.
        """
        self._elections.handle(elements, message, self._elects.get(message.key, message.key))

    async def elsewhere(self, message: Message, vnic: VNic) -> str:
        """The node to which a message for the leader has to go on, "" for this one.

        Waits for a while for an election to end.

        Raises:
            UnavailableError: There is no leader.
        """
        key = self._elects.get(message.key)
        if message.mode is not MulticastMode.LEADER or key is None:
            return ""
        limit = min(message.timeout or LEADER_WAIT, LEADER_WAIT)
        leader = await self._elections.wait_leader(key, limit)
        if not leader:
            raise UnavailableError(
                f"service {message.key} has had no leader for {limit:g} s; try again later"
            )
        return "" if leader == vnic.uuid else leader

    # Questions

    def leader(self, key: ServiceKey) -> str:
        """Node id of the leader; see ``Leadership.leader``."""
        return self._elections.leader(self._elects.get(key, key))

    def epoch(self, key: ServiceKey) -> int:
        """Term of the leader; see ``Leadership.epoch``."""
        return self._elections.epoch(self._elects.get(key, key))

    def why(self, key: ServiceKey) -> str:
        """Reason and time of the last change of the leader."""
        return self._elections.why(self._elects.get(key, key))

    def watch(self, listener: LeaderListener) -> Subscription:
        """Be told of changes of leaders."""
        return self._elections.watch(listener)

    async def hand_over(self, key: ServiceKey) -> str:
        """Let another participant lead; see ``Leadership.hand_over``."""
        return await self._elections.hand_over(self._elects.get(key, key))

    def participants(self, key: ServiceKey) -> tuple[str, ...]:
        """Node ids of the participants, sorted."""
        return self._directory.providers(key) if self._directory is not None else ()

    def placement(self, key: ServiceKey, count: int) -> tuple[str, ...]:
        """The next ``count`` participants in turn."""
        return self._turns.pick(key, self.participants(key), count)

    def _votes_without(self, sla: ServiceLevelAgreement) -> bool:
        members = self._voters[election_key(sla)]
        return any(voter for key, voter in members.items() if key != sla.key)

    @staticmethod
    async def _tell(telling: Awaitable[None]) -> None:
        try:
            await telling
        except L8Error as error:
            # Without a connection the network notices by itself.
            _log.info("the network is not told of a group: %s", error)
