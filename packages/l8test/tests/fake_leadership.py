# SPDX-License-Identifier: Apache-2.0
"""The smallest service manager that knows leaders; its nodes share what they know."""

from __future__ import annotations

from collections import defaultdict
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from l8types.errors import NotFoundError
from l8types.values import ServiceKey

from .fake_data import Subscription
from .fake_network import FakeNetwork, FakeServices, FakeVNic

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Office:
    """Who leads, for all nodes of a network."""

    def __init__(self) -> None:
        self.leaders: dict[ServiceKey, tuple[str, int]] = {}
        self.groups: dict[ServiceKey, ServiceKey] = {}
        self.voters: dict[ServiceKey, dict[str, bool]] = defaultdict(dict)
        self.listeners: list[Any] = []

    def fill(self, key: ServiceKey, without: str = "") -> None:
        """Have somebody lead who may, and is not a certain one."""
        able = [node for node, voter in sorted(self.voters[key].items()) if voter]
        chosen = next((node for node in able if node != without), "")
        if chosen:
            epoch = self.leaders.get(key, ("", 0))[1] + 1
            self.leaders[key] = chosen, epoch
            for listener in tuple(self.listeners):
                listener(key, chosen, epoch)


class FakeLeadership(FakeServices):
    """The manager of one node."""

    office: Office
    vnic: FakeVNic
    turn = 0

    def elects(self, key: ServiceKey) -> ServiceKey:
        """What a service shares its leader under."""
        return self.office.groups.get(key, key)

    async def activate(self, sla: Any, vnic: Any) -> Any:
        handler = await super().activate(sla, vnic)
        if sla.stateful:
            key = ServiceKey(sla.election_group, 0) if sla.group else sla.key
            self.office.groups[sla.key] = key
            await vnic.announce(key)
            voters = self.office.voters[key]
            voters[vnic.uuid] = sla.voter or voters.get(vnic.uuid, False)
            if not self.office.leaders.get(key, ("", 0))[0]:
                self.office.fill(key)
        return handler

    async def deactivate(self, key: ServiceKey) -> None:
        await super().deactivate(key)
        shared = self.elects(key)
        if any(self.elects(other) == shared for other in self.running):
            return
        self.office.voters[shared].pop(self.vnic.uuid, None)
        await self.vnic.withdraw(shared)
        if self.leader(key) == self.vnic.uuid:
            self.resign(shared)

    def resign(self, key: ServiceKey) -> None:
        """This node leads no longer."""
        self.office.leaders[key] = "", self.epoch(key)
        self.office.fill(key, self.vnic.uuid)

    def leader(self, key: ServiceKey) -> str:
        return self.office.leaders.get(self.elects(key), ("", 0))[0]

    def epoch(self, key: ServiceKey) -> int:
        return self.office.leaders.get(self.elects(key), ("", 0))[1]

    def why(self, key: ServiceKey) -> str:
        return "it was the first one" if self.leader(key) else ""

    def watch_leader(self, listener: Any) -> Subscription:
        return Subscription(self.office.listeners, listener)

    async def hand_over(self, key: ServiceKey) -> str:
        if self.leader(key) == self.vnic.uuid:
            self.office.fill(self.elects(key), self.vnic.uuid)
        return self.leader(key)

    def participants(self, key: ServiceKey) -> tuple[str, ...]:
        return tuple(sorted(self.vnic.directory.providers(key)))

    def placement(self, key: ServiceKey, count: int) -> tuple[str, ...]:
        there = self.participants(key)
        picked = [there[(self.turn + n) % len(there)] for n in range(min(count, len(there)))]
        self.turn += len(picked)
        return tuple(picked)

    def handler(self, key: ServiceKey) -> Any:
        if key not in self.running:
            raise NotFoundError(f"{key} is not active")
        return super().handler(key)


def managers(**members: Any) -> dict[str, Any]:
    """Fixtures with service managers that differ in these members."""
    make = type("Mutant", (FakeLeadership,), members)

    @asynccontextmanager
    async def opened(count: int) -> AsyncIterator[list[Any]]:
        network, office = FakeNetwork(), Office()
        async with AsyncExitStack() as stack:
            nodes = []
            for number in range(count):
                services = make()
                vnic = FakeVNic(network, f"node-{number}", services)
                services.office, services.vnic = office, vnic
                nodes.append(await stack.enter_async_context(vnic))
            yield nodes

    return {"open_nodes": lambda: opened}
