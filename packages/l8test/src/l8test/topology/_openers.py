# SPDX-License-Identifier: Apache-2.0
"""Members of a network in this process, or as processes of their own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, Self

from l8test.topology._member import Member

if TYPE_CHECKING:
    from types import TracebackType

    from l8test.faults import Child, Nursery
    from l8test.faults._control import Json

__all__ = ["Local", "Opened", "Opener", "Processes"]


class Opened(Protocol):
    """A member that runs."""

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        ...

    async def ask(self, command: str, /, *, within: float = ..., **arguments: object) -> Json:
        """Have it carry out one of :attr:`Member.commands`."""
        ...

    async def aclose(self) -> None:
        """Let it leave the network in order."""
        ...


class Opener(Protocol):
    """Starts members."""

    async def open(self, name: str, /, *, namespace: str = "", **arguments: Json) -> Opened:
        """Start a member and wait until it has entered the network.

        Args:
            name: For messages and logs.
            namespace: Network namespace that it lives in, of members that are processes.
            **arguments: Those of :class:`Member`.
        """
        ...


class Processes:
    """Members as processes.

    Args:
        nursery: Starts them.
    """

    def __init__(self, nursery: Nursery) -> None:
        self.nursery = nursery

    async def open(self, name: str, /, *, namespace: str = "", **arguments: Json) -> Child:
        """Start a member."""
        child = await self.nursery.start(
            name, "l8test.topology._member:live", namespace=namespace, **arguments
        )
        # It answers as soon as it serves, which is after it has entered the network.
        await child.ask("about", within=30.0)
        return child


class Local:
    """Members in this process; enter it around the topology."""

    def __init__(self) -> None:
        self._members: list[_Inside] = []

    async def __aenter__(self) -> Self:
        """Begin."""
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let those leave that are still there, the last one first."""
        for member in reversed(self._members):
            await member.aclose()
        await self._tasks.__aexit__(exc_type, exc, traceback)

    async def open(self, name: str, /, *, namespace: str = "", **arguments: Json) -> Opened:
        """Start a member; there is one namespace only."""
        if namespace:
            raise ValueError("members in this process have no namespace of their own")
        member = _Inside(Member(**arguments))
        self._tasks.create_task(member.run(), name=f"topology: {name}")
        await member.entered
        self._members.append(member)
        return member


class _Inside:
    """A member with a task of its own, since it is left where it was entered."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._leave = asyncio.Event()
        self._left = asyncio.Event()
        self.entered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def alive(self) -> bool:
        return not self._left.is_set()

    async def run(self) -> None:
        """From begin to end."""
        try:
            async with self._member:
                self.entered.set_result(None)
                await self._leave.wait()
        except Exception as error:
            if self.entered.done():
                raise
            self.entered.set_exception(error)
        finally:
            self._left.set()

    async def ask(self, command: str, /, *, within: float = 10.0, **arguments: object) -> Json:
        async with asyncio.timeout(within):
            return await self._member.commands[command](**arguments)

    async def aclose(self) -> None:
        self._leave.set()
        await self._left.wait()
