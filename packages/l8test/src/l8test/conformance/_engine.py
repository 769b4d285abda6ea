# SPDX-License-Identifier: Apache-2.0
"""Conformance of transaction engines: writes that are made on all members, or on none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import pytest

from l8test.conformance._register import RegisterService
from l8test.wait import until
from l8types.enums import Action
from l8types.errors import ConflictError, L8Error, PermissionDeniedError
from l8types.protocols.net import VNic
from l8types.protocols.services import Call, TransactionEngine
from l8types.values import Message, ServiceKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from l8types.protocols.data import Elements

__all__ = ["GroupOpener", "Joiner", "Seat", "TransactionEngineConformance"]

KEY: Final = ServiceKey("Tests", 1)
VOTERS: Final = 3


@dataclass(frozen=True)
class Seat:
    """One member of a group.

    Attributes:
        engine: The engine under test.
        vnic: The interface of its node.
        leave: Ends its part in the service, as the node does when the service is deactivated.
    """

    engine: TransactionEngine
    vnic: VNic
    leave: Callable[[], Awaitable[None]]


Joiner = Callable[[RegisterService], Awaitable[Seat]]
"""Starts one more node, with this handler in the service ``Tests``, area 1; done when it takes
part."""
GroupOpener = Callable[[], AbstractAsyncContextManager[Joiner]]
"""Opens a network without nodes."""


class Party:
    """A group of nodes with the handlers of the suite."""

    def __init__(self, join: Joiner) -> None:
        self._join = join
        self.seats: list[Seat] = []
        self.handlers: list[RegisterService] = []

    async def add(self) -> RegisterService:
        """Add a node."""
        handler = RegisterService()
        self.seats.append(await self._join(handler))
        self.handlers.append(handler)
        return handler

    async def remove(self, number: int) -> None:
        """End the part of a node."""
        del self.handlers[number]
        await self.seats.pop(number).leave()

    async def call(
        self, number: int, action: Action, *texts: str, within: float = 20.0, identity: str = ""
    ) -> Elements:
        """Submit a call at one of the nodes."""
        seat = self.seats[number]
        deadline = seat.vnic.resources.clock.monotonic() + within
        call = Call(seat.vnic, action, KEY, identity, deadline=deadline)
        answer = await seat.engine.submit(seat.vnic.resources.elements.of(*texts), call)
        return answer.raise_for_error()

    async def write(self, number: int, *texts: str) -> Elements:
        """Set texts through one of the nodes."""
        return await self.call(number, Action.PUT, *texts)

    async def read(self, number: int, *keys: str) -> list[object]:
        """Texts as a node shows them."""
        return list((await self.call(number, Action.GET, *keys)).values)

    async def settled(self, texts: Mapping[str, str]) -> None:
        """Wait until all nodes show these texts, besides the first one, and have none staged."""
        expected = {"first": "first=0", **texts}
        await until(
            lambda: all(one.texts == expected and not one.pending for one in self.handlers),
            10.0,
            message=f"{expected} on all nodes",
        )


class TransactionEngineConformance:
    """What every ``TransactionEngine`` promises.

    Fixture:
        open_group: A ``GroupOpener``.
    """

    grows: ClassVar[bool] = True
    """Capability: nodes can join and leave while the group works."""

    @asynccontextmanager
    async def party(self, open_group: GroupOpener, size: int = VOTERS) -> AsyncIterator[Party]:
        """A group of some nodes that all take part."""
        async with open_group() as join:
            party = Party(join)
            for _ in range(size):
                await party.add()
            await party.settled({})
            yield party

    def growing(self) -> None:
        """Skip a test that a group of a fixed size cannot pass."""
        if not self.grows:
            pytest.skip("the members are fixed")

    async def test_alone(self, open_group: GroupOpener) -> None:
        """A single node makes a group, which begins with what the service says."""
        async with self.party(open_group, 1) as party:
            await party.write(0, "a=1")
            assert await party.read(0, "first", "a") == ["first=0", "a=1"]

    async def test_write(self, open_group: GroupOpener) -> None:
        """What is written through any member is on all, and answered as the service says."""
        async with self.party(open_group) as party:
            for number in range(VOTERS):
                answer = await party.write(number, f"k{number}=1", f"m{number}=2")
                assert list(answer.values) == [f"k{number}=1", f"m{number}=2"]
            letters = [(f"k{n}", f"k{n}=1") for n in range(VOTERS)]
            await party.settled(dict(letters) | {f"m{n}": f"m{n}=2" for n in range(VOTERS)})

    async def test_delete(self, open_group: GroupOpener) -> None:
        """What is removed is removed from all."""
        async with self.party(open_group) as party:
            await party.write(0, "a=1", "b=1")
            await party.call(1, Action.DELETE, "a")
            await party.settled({"b": "b=1"})

    async def test_read(self, open_group: GroupOpener) -> None:
        """A read through any member sees every write that was acknowledged before."""
        async with self.party(open_group) as party:
            for turn in range(2 * VOTERS):
                await party.write(turn % VOTERS, f"a={turn}")
                for number in range(VOTERS):
                    assert await party.read(number, "a") == [f"a={turn}"]

    @pytest.mark.parametrize("member", range(VOTERS))
    async def test_refused(self, open_group: GroupOpener, member: int) -> None:
        """What one member refuses is on none, and its reason is the answer; the next write is."""
        async with self.party(open_group) as party:
            await party.write(0, "a=old")
            party.handlers[member].refused.add("a=new")
            for number in range(VOTERS):
                with pytest.raises(ConflictError, match="a=new is not wanted"):
                    await party.write(number, "b=1", "a=new")
            await party.write(0, "c=1")
            await party.settled({"a": "a=old", "c": "c=1"})
            assert not any("b" in dict(one.history) for one in party.handlers)

    async def test_one_order(self, open_group: GroupOpener) -> None:
        """Writes of many at the same time are made by all members in one order, each once."""
        async with self.party(open_group) as party:
            async with asyncio.TaskGroup() as group:
                for turn in range(10):
                    for number in range(VOTERS):
                        group.create_task(party.write(number, f"a={number}/{turn}"))
            written = VOTERS * 10
            await until(lambda: all(len(one.history) >= written for one in party.handlers))
            [first, *others] = [
                [text for key, text in one.history if key == "a"] for one in party.handlers
            ]
            assert len(first) == len(set(first)) == written
            assert others == [first] * len(others)

    async def test_leading(self, open_group: GroupOpener) -> None:
        """One member is told that it leads, and which writes it acknowledged."""
        async with self.party(open_group) as party:
            for number in range(VOTERS):
                await party.write(number, f"k{number}=1")
            [leader] = [one for one in party.handlers if one.acknowledged]
            assert leader.led
            assert leader.acknowledged == {f"k{number}": 1 for number in range(VOTERS)}

    async def test_circumstances(self, open_group: GroupOpener) -> None:
        """Each member is told who asks for what."""
        async with self.party(open_group) as party:
            await party.call(1, Action.PATCH, "a=1", identity="id-of-vera")
            await party.settled({"a": "a=1"})
            for handler in party.handlers:
                call = handler.calls[-1]
                assert (call.action, call.key, call.identity) == (Action.PATCH, KEY, "id-of-vera")

    async def test_hanging(self, open_group: GroupOpener) -> None:
        """A member that hangs costs the write, not the service."""
        async with self.party(open_group) as party:
            party.handlers[0].hanging = True
            with pytest.raises(L8Error):
                await party.call(1, Action.PUT, "a=1", within=8.0)
            party.handlers[0].hanging = False
            await party.write(2, "b=1")
            await until(lambda: all("b" in one.texts for one in party.handlers), 10.0)
            [outcome] = {one.texts.get("a") for one in party.handlers}
            assert outcome in {None, "a=1"}

    async def test_too_late(self, open_group: GroupOpener) -> None:
        """A write whose time is over is not made."""
        async with self.party(open_group) as party:
            with pytest.raises(L8Error):
                await party.call(0, Action.PUT, "a=1", within=-1.0)
            await party.write(0, "b=1")
            await party.settled({"b": "b=1"})

    async def test_stranger(self, open_group: GroupOpener) -> None:
        """A node that does not take part has no say."""
        async with self.party(open_group) as party:
            for seat in party.seats:
                for content in ("stage", b"commit"):
                    message = Message(source="a stranger", service=KEY.name, area=KEY.area)
                    with pytest.raises(PermissionDeniedError):
                        await seat.engine.handle(seat.vnic.resources.elements.of(content), message)

    async def test_nonsense(self, open_group: GroupOpener) -> None:
        """What is no message of an engine is refused with an error of the ecosystem."""
        async with self.party(open_group) as party:
            first, second = party.seats[0], party.seats[1]
            message = Message(source=second.vnic.uuid, service=KEY.name, area=KEY.area)
            elements = first.vnic.resources.elements
            for content in ((), (None,), ("",), (b"\xff" * 40,), (7, 8), ("a=1",)):
                with pytest.raises(L8Error):
                    await first.engine.handle(elements.of(*content), message)
            await party.write(0, "b=1")
            await party.settled({"b": "b=1"})

    async def test_newcomer(self, open_group: GroupOpener) -> None:
        """A member that joins later has what was written before, and takes part in the rest."""
        self.growing()
        async with self.party(open_group) as party:
            await party.write(0, "a=1", "b=1")
            await party.call(0, Action.DELETE, "b")
            newcomer = await party.add()
            await party.settled({"a": "a=1"})
            newcomer.refused.add("c=1")
            with pytest.raises(ConflictError):
                await party.write(0, "c=1")
            await party.write(3, "d=1")
            await party.settled({"a": "a=1", "d": "d=1"})

    @pytest.mark.parametrize("leader", [True, False], ids=["leader", "other"])
    async def test_leaving(self, open_group: GroupOpener, leader: bool) -> None:
        """When a member leaves, even the one that leads, the others have all and go on."""
        self.growing()
        async with self.party(open_group) as party:
            await party.write(0, "a=1")
            await party.settled({"a": "a=1"})
            told = [bool(one.acknowledged) for one in party.handlers]
            await party.remove(told.index(leader))
            await party.write(0, "b=1")
            await party.write(1, "c=1")
            await party.settled({"a": "a=1", "b": "b=1", "c": "c=1"})
            assert await party.read(1, "a", "b", "c") == ["a=1", "b=1", "c=1"]
