# SPDX-License-Identifier: Apache-2.0
"""What the hosts of the standard network offer in the scenarios, and what can be asked of them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from typing_extensions import override

from l8services import BaseService
from l8test.models import SAMPLES, ModelKind
from l8test.replicated import ReplicatedCountingService, replicated_sla
from l8test.services import CountingService
from l8test.transactional import TransactionalCountingService, transactional_sla
from l8types.enums import Action, MulticastMode, WireProfile
from l8types.pb import L8ReplicationIndex, TestProto
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from l8test.topology import Member
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic

HOSTS: Final = 9
ORDERED: Final = ServiceKey("Tests", 1)
"""Transactional; networks of the go profile have none."""
SPREAD: Final = ServiceKey("Tests", 2)
"""Transactional, each item on two of the nodes."""
REPLICAS: Final = ServiceKey("Replicas")
MERGED: Final = ServiceKey("Merged")
"""One answer of all hosts."""
BASE: Final = ServiceKey("base")
"""The distributed cache."""
RECORD: Final = next(one for one in SAMPLES if one.kind is ModelKind.DATACLASS)


class MergingService(CountingService):
    """A counting service whose answers become one: the items of all, in the order of the nodes."""

    async def merge(self, answers: Mapping[str, Elements]) -> Elements:
        """All of them."""
        items = [item for node in sorted(answers) for item in answers[node].values]
        return self._factory.of(*items)

    @override
    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Count, and remember what makes answers."""
        await super().activate(sla, vnic)
        self._factory = vnic.resources.elements


class Host:
    """A node of the scenarios.

    Args:
        member: The node.
    """

    def __init__(self, member: Member) -> None:
        self._member = member
        self._vnic = member.vnic
        self._resources = self._vnic.resources
        self._services = self._resources.services

    async def start(self) -> None:
        """Know the models, and offer the services on nodes that have some."""
        self._resources.register(TestProto, RECORD.model)
        if not self._member.serving:
            return
        await self._services.activate(
            ServiceLevelAgreement(name=MERGED.name, handler=MergingService), self._vnic
        )
        await self.serve_base()
        if self._resources.settings.profile is WireProfile.NATIVE:
            for agreement in (
                transactional_sla(name=ORDERED.name, area=ORDERED.area),
                replicated_sla(name=SPREAD.name, area=SPREAD.area, count=2),
            ):
                await self._services.activate(replace(agreement, expected=HOSTS), self._vnic)

    async def serve_base(self) -> None:
        """Offer the distributed cache."""
        agreement = ServiceLevelAgreement(
            name=BASE.name, handler=BaseService, model=TestProto, primary_keys=("myString",)
        )
        await self._services.activate(agreement, self._vnic)

    @property
    def commands(self) -> dict[str, Callable[..., Awaitable[object]]]:
        """What can be asked."""
        return {
            "counts": self.counts,
            "changed": self.changed,
            "reset": self.reset,
            "fail": self.fail,
            "standing": self.standing,
            "write": self.write,
            "find": self.find,
            "held": self.held,
            "index": self.index,
            "merged": self.merged,
            "cached": self.cached,
            "cache": self.cache,
            "seen": self.seen,
            "withdraw": self.withdraw,
            "providers": self.providers,
            "send": self.send,
            "send_many": self.send_many,
            "flood": self.flood,
        }

    # Counting services

    def _counting(self, service: str, area: int) -> CountingService:
        return cast("CountingService", self._services.handler(ServiceKey(service, area)))

    async def counts(self, service: str, area: int = 0) -> dict[str, int]:
        """Calls of a counting service, by verb, and the messages that came back."""
        counting = self._counting(service, area)
        calls = {verb.name: number for verb, number in counting.counts.items()}
        return {**calls, "undelivered": counting.undelivered}

    async def reset(self, service: str, area: int = 0) -> None:
        """Forget what was counted."""
        self._counting(service, area).reset()

    async def changed(self) -> dict[str, int]:
        """How often each item of the transactional service was changed here."""
        handler = self._counting(ORDERED.name, ORDERED.area)
        return dict(cast("TransactionalCountingService", handler).changed)

    async def fail(self, *, on: bool) -> None:
        """Have the transactional service refuse all writes, or take them again."""
        self._counting(ORDERED.name, ORDERED.area).failing = on

    async def standing(self, service: str, area: int = 0) -> dict[str, Any]:
        """Leader and participants of a service."""
        key = ServiceKey(service, area)
        return {
            "leader": self._services.leader(key),
            "participants": sorted(self._services.participants(key)),
        }

    async def write(
        self,
        key: str,
        value: int,
        action: str = "POST",
        area: int = ORDERED.area,
        *,
        asynchronous: bool = False,
    ) -> None:
        """Write an item of a transactional service, over the network, to whoever is nearest."""
        item = RECORD.model(my_string=key, my_int32=value)
        target, verb = MulticastMode.PROXIMITY, Action[action]
        if asynchronous:
            await self._vnic.send(target, ORDERED.name, area, verb, item)
            return
        await self._vnic.request(target, ORDERED.name, area, verb, item, timeout=10.0)

    async def find(self, key: str, area: int = ORDERED.area) -> list[int]:
        """Read an item of a transactional service; its value."""
        example = RECORD.model(my_string=key)
        answer = await self._vnic.request(
            MulticastMode.PROXIMITY, ORDERED.name, area, Action.GET, example, timeout=15.0
        )
        return [cast("Any", item).my_int32 for item in answer.values]

    async def held(self) -> dict[str, Any]:
        """Which items of the replicated service are here, and what was written as which replica."""
        handler = cast("ReplicatedCountingService", self._counting(SPREAD.name, SPREAD.area))
        return {
            "keys": sorted(handler.items),
            "replicas": [[key, number, n] for (key, number), n in handler.replicas.items()],
        }

    async def index(self) -> dict[str, list[str]]:
        """Nodes by the items of the replicated service, as the index of this node tells."""
        asked = L8ReplicationIndex(service_name=SPREAD.name, service_area=SPREAD.area)
        content = self._resources.elements.of(asked)
        answer = await self._services.call(REPLICAS, Action.GET, content, self._vnic)
        index = cast("L8ReplicationIndex", answer.first)
        return {key: sorted(place.location) for key, place in index.keys.items()}

    # One answer of all

    async def merged(self, text: str) -> list[object]:
        """Ask all hosts at once."""
        answer = await self._vnic.request(
            MulticastMode.PROXIMITY, MERGED.name, MERGED.area, Action.MAP_REDUCE_GET, [text]
        )
        return list(answer.values)

    # The distributed cache

    async def cached(self, action: str, items: list[str], value: int = 0) -> None:
        """Write items of the distributed cache at this node."""
        found = [TestProto(myString=key, myInt32=value) for key in items]
        elements = self._resources.elements.of(*found)
        await self._services.call(BASE, Action[action], elements, self._vnic)

    async def cache(self) -> dict[str, int]:
        """The items of the distributed cache that are here."""
        handler = cast("BaseService", self._services.handler(BASE))
        return {key: cast("Any", item).myInt32 for key, item in handler.items()}

    async def seen(self) -> dict[str, int]:
        """How many changes of each instance were seen here."""
        return dict(cast("BaseService", self._services.handler(BASE)).changes_seen())

    async def withdraw(self) -> None:
        """Offer the distributed cache no longer."""
        await self._services.deactivate(BASE)

    async def providers(self, service: str, area: int = 0) -> list[str]:
        """Who offers a service, as far as this node knows."""
        return list(self._vnic.directory.providers(ServiceKey(service, area)))

    # Messages

    async def send(self, text: str, target: str, *, request: bool = False) -> list[object]:
        """Send a text to the counting service of the network: to a node, or by name of a rule."""
        whom = MulticastMode[target] if target in MulticastMode.__members__ else target
        if request:
            answer = await self._vnic.request(whom, "Tests", 0, Action.POST, [text])
            return list(answer.values)
        await self._vnic.send(whom, "Tests", 0, Action.POST, [text])
        return []

    async def send_many(self, target: str, number: int) -> None:
        """Send so many messages to a node."""
        for count in range(number):
            await self._vnic.send(target, "Tests", 0, Action.POST, [f"message-{count}"])

    async def flood(self, target: str) -> None:
        """Send one message that is larger than any may be."""
        text = "x" * (self._resources.settings.max_frame_bytes + 1)
        await self._vnic.send(target, "Tests", 0, Action.POST, [text])


@asynccontextmanager
async def extend(member: Member) -> AsyncIterator[Mapping[str, Callable[..., Awaitable[object]]]]:
    """The extension of a node."""
    host = Host(member)
    await host.start()
    yield host.commands
