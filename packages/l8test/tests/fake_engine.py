# SPDX-License-Identifier: Apache-2.0
"""The smallest transaction engine that keeps its promises, for members in one process."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from l8test import FakeClock
from l8test.conformance import Joiner, RegisterService, Seat
from l8types.enums import Action
from l8types.errors import (
    ClosedError,
    InvalidInputError,
    PermissionDeniedError,
    RequestTimeoutError,
)
from l8types.frozen import replace

from .fake_wire import FakeCodec, FakeElementsFactory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from l8types.protocols.services import Call
    from l8types.values import Message

PATIENCE = 0.05
"""Seconds that a member has for a write."""


class FakeGroup:
    """What the members share; the first of them leads."""

    def __init__(self) -> None:
        self.members: list[Any] = []
        self.order = asyncio.Lock()
        self.nodes = 0


class FakeEngine:
    """One member."""

    def __init__(self, group: Any, vnic: Any, handler: RegisterService) -> None:
        self.group, self.vnic, self.handler = group, vnic, handler

    async def join(self) -> None:
        members = self.group.members
        async with self.group.order:
            if members:
                self.handler.apply(list(members[0].handler.content()))
            else:
                self.handler.apply(await self.handler.initial())
                self.handler.leading()
            members.append(self)

    async def submit(self, elements: Any, call: Call) -> Any:
        clock = self.vnic.resources.clock
        if call.deadline is not None and clock.monotonic() >= call.deadline:
            raise RequestTimeoutError("the time is over")
        if self not in self.group.members:
            raise ClosedError("this member left")
        async with self.group.order:
            if call.action is Action.GET:
                return await self.read(elements, call)
            return await self.write(elements, call)

    async def read(self, elements: Any, call: Call) -> Any:
        return await self.group.members[0].handler.get(elements, call)

    async def write(self, elements: Any, call: Call) -> Any:
        members = tuple(self.group.members)
        try:
            staged = [await member.stage(elements, call) for member in members]
        except BaseException:
            self.undo(members)
            raise
        self.commit(members, staged[0])
        return staged[0].answer

    async def stage(self, elements: Any, call: Call) -> Any:
        own = replace(call, vnic=self.vnic)
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.handler.stage(elements, own)
        except TimeoutError as error:
            raise RequestTimeoutError("a member hangs") from error

    def undo(self, members: Any) -> None:
        for member in members:
            member.handler.unstage()

    def commit(self, members: Any, staged: Any) -> None:
        for member in members:
            member.handler.apply(staged.changes)
        members[0].handler.applied([key for key, _ in staged.changes])

    async def handle(self, elements: Any, message: Message) -> Any:
        if message.source not in {member.vnic.uuid for member in self.group.members}:
            raise PermissionDeniedError(f"{message.source} takes no part")
        raise InvalidInputError("members of one process need no messages")

    async def aclose(self) -> None:
        self.group.members.remove(self)
        if self.group.members:
            self.group.members[0].handler.leading()


def groups(group: type = FakeGroup, **members: Any) -> dict[str, Any]:
    """Fixtures with engines that differ in these members."""
    make = type("Mutant", (FakeEngine,), members)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Joiner]:
        shared = group()

        async def join(handler: RegisterService) -> Seat:
            shared.nodes += 1
            elements = FakeElementsFactory(FakeCodec())
            resources = SimpleNamespace(elements=elements, clock=FakeClock())
            vnic: Any = SimpleNamespace(uuid=f"node-{shared.nodes}", resources=resources)
            engine = make(shared, vnic, handler)
            await engine.join()
            return Seat(engine, vnic, engine.aclose)

        yield join

    return {"open_group": lambda: opened}
