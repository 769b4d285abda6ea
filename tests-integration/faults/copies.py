# SPDX-License-Identifier: Apache-2.0
"""What nodes of a chaotic network do with a distributed cache: all write, and all copies follow."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from l8services import BaseService
from l8types.enums import Action, DecoratorType
from l8types.errors import L8Error
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from l8test.topology import Member

COPIES: Final = ServiceKey("Copies")
KEYS: Final = 40
PACE: Final = 0.05
"""Mean of the seconds between two writes of a node."""
_WRITES: Final = (Action.POST, Action.PUT, Action.PATCH, Action.PATCH, Action.DELETE)


@dataclass
class Item:
    """What is kept."""

    id: str
    left: int = 0
    right: int = 0


class Writer:
    """Offers the cache and writes to it at random; without transactions the newest write wins.

    Args:
        member: The node.
    """

    def __init__(self, member: Member) -> None:
        self._vnic = member.vnic
        self._handler = BaseService()
        self.working = asyncio.Event()
        self.written = 0

    async def start(self) -> None:
        """Offer the service."""
        resources = self._vnic.resources
        resources.register(Item)
        resources.introspector.decorate(Item, DecoratorType.PRIMARY, "id")
        agreement = ServiceLevelAgreement(
            name=COPIES.name, handler=lambda: self._handler, model=Item, primary_keys=("id",)
        )
        await resources.services.activate(agreement, self._vnic)

    async def run(self) -> None:
        """Write while it is told to."""
        while True:
            await self.working.wait()
            await asyncio.sleep(random.uniform(0.2, 1.8) * PACE)
            try:
                await self.write()
            except L8Error:
                # What is not there cannot be deleted: others write the same keys.
                continue
            self.written += 1

    async def write(self) -> None:
        """Make one change; a patch of one attribute leaves the other as it is."""
        action, key = random.choice(_WRITES), f"item-{random.randrange(KEYS)}"
        side = random.choice(("left", "right"))
        item = Item(key, **{side: random.randrange(1, 1_000_000)})
        elements = self._vnic.resources.elements.of(item)
        await self._vnic.resources.services.call(COPIES, action, elements, self._vnic)

    # What can be asked

    async def copy(self) -> dict[str, Any]:
        """All items of this node's copy, what it knows of differences, and how much it wrote."""
        items = {key: cast("Item", item) for key, item in self._handler.items()}
        return {
            "items": {key: [item.left, item.right] for key, item in sorted(items.items())},
            "divergence": self._handler.divergence,
            "written": self.written,
        }
