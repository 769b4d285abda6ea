# SPDX-License-Identifier: Apache-2.0
"""Program of a process that offers a transactional service in default settings."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from l8services import BaseService
from l8types.constants import Plugin
from l8types.enums import Action, DecoratorType
from l8types.settings import NodeSettings
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey
from l8utils import NodeResources

if TYPE_CHECKING:
    from l8test.faults import Control
    from l8types.protocols.net import VNic

LEDGER: Final = ServiceKey("Ledger")


@dataclass
class Entry:
    """An item."""

    id: str
    value: int = 0


class Member:
    """What can be asked of the process.

    Args:
        vnic: Its way into the network.
        count: How many nodes are to hold each item, all by default.
    """

    def __init__(self, vnic: VNic, count: int | None = None) -> None:
        self._vnic = vnic
        self._count = count

    async def start(self) -> None:
        """Offer the service."""
        resources = self._vnic.resources
        resources.register(Entry)
        resources.introspector.decorate(Entry, DecoratorType.PRIMARY, "id")
        agreement = ServiceLevelAgreement(
            name=LEDGER.name,
            handler=BaseService,
            model=Entry,
            primary_keys=("id",),
            transactional=True,
            replication_count=self._count,
        )
        await resources.services.activate(agreement, self._vnic)

    async def leader(self) -> dict[str, Any]:
        """Its own id, the leader, and how many take part."""
        services = self._vnic.resources.services
        return {
            "me": self._vnic.uuid,
            "leader": services.leader(LEDGER),
            "participants": len(services.participants(LEDGER)),
        }

    async def write(self, key: str, value: int) -> None:
        """Write an item."""
        resources = self._vnic.resources
        elements = resources.elements.of(Entry(key, value))
        await resources.services.call(LEDGER, Action.PUT, elements, self._vnic)

    async def write_many(self, first: int, last: int) -> None:
        """Write items with these numbers, a hundred at a time."""
        resources = self._vnic.resources
        for start in range(first, last, 100):
            numbers = range(start, min(start + 100, last))
            elements = resources.elements.of(*(Entry(f"e{n}", n) for n in numbers))
            await resources.services.call(LEDGER, Action.PUT, elements, self._vnic)

    async def held(self) -> list[str]:
        """Keys of the items that are here."""
        handler = self._vnic.resources.services.handler(LEDGER)
        return list(cast("BaseService", handler).collect(lambda item: item))

    async def read(self) -> dict[str, int]:
        """All items."""
        resources = self._vnic.resources
        query = resources.elements.query("select * from Entry")
        answer = await resources.services.call(LEDGER, Action.GET, query, self._vnic)
        return {item.id: item.value for item in cast("list[Entry]", list(answer.values))}


async def live(
    control: Control, *, alias: str, port: int, directory: str, count: int | None = None
) -> None:
    """Take part until the test is over."""
    settings = NodeSettings(
        alias=alias,
        port=port,
        insecure=True,
        plugins={Plugin.SECURITY: "shallow"},
        data_directory=Path(directory),
    )
    resources = NodeResources(settings)
    async with AsyncExitStack() as stack:
        opened = resources.create(Plugin.VNIC)
        vnic = cast("VNic", await stack.enter_async_context(cast("Any", opened)))
        stack.push_async_callback(resources.services.aclose)
        member = Member(vnic, count)
        await member.start()
        await control.serve(
            {
                "leader": member.leader,
                "write": member.write,
                "write_many": member.write_many,
                "held": member.held,
                "read": member.read,
            }
        )
