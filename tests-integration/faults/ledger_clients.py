# SPDX-License-Identifier: Apache-2.0
"""What nodes of a chaotic network do: offer a transactional service, use it, keep the history."""

from __future__ import annotations

import asyncio
import random
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from l8services import BaseService
from l8test.linearizability import Recorder
from l8types.enums import Action, DecoratorType, MulticastMode
from l8types.errors import L8Error, OverloadedError, UnavailableError
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

from .copies import Writer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from l8test.topology import Member
    from l8types.protocols.data import Elements

PAIRS: Final = ServiceKey("Pairs")
KEYS: Final = 6
SIDES: Final = ("left", "right")
"""Two items of a key, which are always written together."""
PACE: Final = 0.15
"""Mean of the seconds between two calls of a node."""
HISTORY: Final = "history"
"""Name of the file, in the directory that has those of all members."""


@dataclass
class Side:
    """One side of a key."""

    id: str
    value: str = ""


class Client:
    """Writes and reads, and writes down what it sees.

    Args:
        member: The node.
        nodes: How many there are that offer the service.
    """

    def __init__(self, member: Member, nodes: int) -> None:
        self._vnic = member.vnic
        self._nodes = nodes
        self._offers = member.serving
        self._handler = BaseService()
        directory = self._vnic.resources.data_directory
        # Each life is another client.
        self._name = f"{self._vnic.alias}#{uuid.uuid4().hex[:6]}"
        self._recorder = Recorder(Path(directory).parent / HISTORY, self._name)
        self._count = 0
        self.working = asyncio.Event()
        self.outcomes: dict[str, int] = {}

    async def start(self) -> None:
        """Offer the service, on nodes that have one."""
        resources = self._vnic.resources
        resources.register(Side)
        resources.introspector.decorate(Side, DecoratorType.PRIMARY, "id")
        if self._offers:
            agreement = ServiceLevelAgreement(
                name=PAIRS.name,
                handler=lambda: self._handler,
                model=Side,
                primary_keys=("id",),
                transactional=True,
                expected=self._nodes,
            )
            await resources.services.activate(agreement, self._vnic)

    def close(self) -> None:
        """Record nothing more."""
        self._recorder.close()

    async def run(self) -> None:
        """Write and read while it is told to."""
        while True:
            await self.working.wait()
            await asyncio.sleep(random.uniform(0.2, 1.8) * PACE)
            try:
                if random.random() < 0.5:
                    await self.write(random.randrange(KEYS))
                else:
                    await self.read()
            except L8Error as error:
                self._tally(type(error).__name__)
            else:
                self._tally("done")

    async def write(self, key: int) -> None:
        """Give both sides of a key a value that nobody else writes."""
        self._count += 1
        value = f"{self._name}/{self._count}"
        items = [Side(f"{key}-{side}", value) for side in SIDES]
        write = self._recorder.writing(str(key), value)
        try:
            await self._call(Action.PUT, self._vnic.resources.elements.of(*items))
        except L8Error as error:
            # Only of who asks a service of its own node it is certain that nothing was sent.
            if self._offers and type(error) in {UnavailableError, OverloadedError}:
                self._recorder.refused(write)
            raise
        self._recorder.acknowledged(write)

    async def read(self) -> None:
        """Read everything at once; what is halved is a value that nobody wrote."""
        begin = self._recorder.now()
        query = self._vnic.resources.elements.query("select * from Side sort-by id")
        answer = await self._call(Action.GET, query)
        found = {item.id: item.value for item in cast("list[Side]", list(answer.values))}
        for key in range(KEYS):
            left, right = (found.get(f"{key}-{side}") for side in SIDES)
            seen = left if left == right else f"halved: {left} and {right}"
            self._recorder.read(str(key), seen, begin)

    async def _call(self, action: Action, elements: Elements) -> Elements:
        if self._offers:
            return await self._vnic.resources.services.call(PAIRS, action, elements, self._vnic)
        anybody = MulticastMode.ROUND_ROBIN
        return await self._vnic.request(anybody, PAIRS.name, PAIRS.area, action, elements)

    def _tally(self, outcome: str) -> None:
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1

    # What can be asked

    async def work(self, on: bool) -> dict[str, int]:
        """Begin to write and read, or stop; tells how calls ended so far."""
        if on:
            self.working.set()
        else:
            self.working.clear()
        return self.outcomes

    async def standing(self) -> dict[str, Any]:
        """Whom it takes for the leader, and how many take part."""
        services = self._vnic.resources.services
        return {"leader": services.leader(PAIRS), "participants": len(services.participants(PAIRS))}

    async def items(self) -> dict[str, str]:
        """All items of this node's own copy."""
        return {cast("Side", item).id: cast("Side", item).value for _, item in self._copy()}

    def _copy(self) -> list[tuple[str, object]]:
        return list(self._handler.content())


@asynccontextmanager
async def extend(
    member: Member, nodes: int = 9
) -> AsyncIterator[Mapping[str, Callable[..., Awaitable[object]]]]:
    """The extension of a node of the standard network, of which so many offer the service."""
    client = Client(member, nodes=nodes)
    await client.start()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(client.run(), name="pairs: client")
        try:
            yield {
                "work": client.work,
                "standing": client.standing,
                "items": client.items,
                "write-pair": client.write,
                "read-pairs": client.read,
            }
        finally:
            running.cancel()
    client.close()


@asynccontextmanager
async def extend_fully(
    member: Member,
) -> AsyncIterator[Mapping[str, Callable[..., Awaitable[object]]]]:
    """The same with a distributed cache beside it, on nodes that have services."""
    async with extend(member) as commands, asyncio.TaskGroup() as tasks:
        writer = Writer(member)
        if not member.serving:
            yield commands
            return
        await writer.start()
        running = tasks.create_task(writer.run(), name="copies: writer")

        async def work(on: bool) -> object:
            if on:
                writer.working.set()
            else:
                writer.working.clear()
            return await commands["work"](on=on)

        try:
            yield {**commands, "work": work, "copy": writer.copy}
        finally:
            running.cancel()


extend_six = partial(extend, nodes=6)
"""Of a network with two switches and three nodes with services at each."""
extend_anyone = partial(extend, nodes=1)
"""Of nodes that do not wait for each other: whoever comes first begins the service."""
