# SPDX-License-Identifier: Apache-2.0
"""Answers in parts: the end that reads one, and the end that makes them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Final

from l8types.errors import L8Error, OverloadedError, UnavailableError
from layer8_net._core.stream import Credit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from l8types.values import Message

__all__ = ["Inlet", "Outlets"]

_log = logging.getLogger(__name__)

_CLOSE_SECONDS: Final = 5.0
"""How long a service may take to release what it made a stream of."""


class Inlet:
    """The parts of one answer that came and were not read yet.

    It has the methods of a future that are used to end a request, and is ended by them.

    Args:
        source: Id of the node that was asked, "" when the network picks.
    """

    def __init__(self, source: str = "") -> None:
        self.source = source
        """Id of the node that makes the parts, "" before the first when the network picked it."""
        self._parts: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._error: BaseException | None = None
        self._ended = False

    def done(self) -> bool:
        """Whether nothing will come any more."""
        return self._ended

    def set_result(self, last: bytes) -> None:
        """The answer is complete; the last part may be empty."""
        self._ended = True
        if last:
            self._parts.append(last)
        self._news.set()

    def set_exception(self, error: BaseException) -> None:
        """The answer breaks off."""
        self._ended = True
        self._error = error
        self._news.set()

    def push(self, source: str, part: bytes) -> None:
        """One more part."""
        self.source = source
        self._parts.append(part)
        self._news.set()

    @property
    def ready(self) -> bool:
        """Whether :meth:`next` need not wait."""
        return bool(self._parts) or self._ended

    async def next(self) -> bytes | None:
        """The next part, ``None`` after the last one.

        Raises:
            L8Error: The answer broke off; the parts before that were given out.
        """
        while not self.ready:
            self._news.clear()
            await self._news.wait()
        if self._parts:
            return self._parts.popleft()
        if self._error is not None:
            raise self._error
        return None


class _Outlet:
    """One answer that is made in parts."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.credit = Credit()
        self.room = asyncio.Event()
        """Set while the reader has room for a part."""
        self.room.set()
        self.reader_left = False

    def stop(self) -> None:
        """The reader is gone."""
        self.reader_left = True
        if self.task is not None:
            self.task.cancel()

    def spend(self, size_bytes: int) -> None:
        """A part left."""
        self.credit.spend(size_bytes)
        if not self.credit.ready:
            self.room.clear()

    def grant(self, parts: int, size_bytes: int) -> None:
        """The reader has room."""
        self.credit.grant(parts, size_bytes)
        if self.credit.ready:
            self.room.set()


class Outlets:
    """All answers that this node makes in parts, each in a task of its own.

    Args:
        parts: Gives the parts of the answer to a request, encoded; errors are parts too.
        send: Sends a part; the flag says that it is the last one, which may be empty.
        refuse: Tells who asked that the answer breaks off.
        tasks: Owner of the tasks.
        limit: Answers at a time.
    """

    def __init__(
        self,
        parts: Callable[[Message], AsyncGenerator[bytes, None]],
        send: Callable[[Message, bytes, bool], Awaitable[None]],
        refuse: Callable[[list[Message], L8Error], None],
        tasks: asyncio.TaskGroup,
        *,
        limit: int,
    ) -> None:
        self._parts = parts
        self._send = send
        self._refuse = refuse
        self._tasks = tasks
        self._limit = limit
        self._outlets: dict[tuple[str, int], _Outlet] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        return len(self._outlets)

    def start(self, message: Message) -> None:
        """Answer a request in parts."""
        key = (message.source, message.sequence)
        if key in self._outlets or len(self._outlets) >= self._limit:
            reason = f"no more than {self._limit} streams at a time; try again later"
            self._refuse([message], OverloadedError(reason))
            return
        self._idle.clear()
        outlet = _Outlet()
        self._outlets[key] = outlet
        outlet.task = self._tasks.create_task(
            self._run(message, outlet), name=f"vnic: stream of {message.service}"
        )
        outlet.task.add_done_callback(lambda _: self._ended(key))

    def grant(self, key: tuple[str, int], parts: int, size_bytes: int) -> None:
        """The reader of a stream has room."""
        outlet = self._outlets.get(key)
        if outlet is not None:
            outlet.grant(parts, size_bytes)

    def cancel(self, key: tuple[str, int]) -> None:
        """The reader of a stream stopped; unknown ones are none of ours."""
        outlet = self._outlets.get(key)
        if outlet is not None:
            outlet.stop()

    def cancel_of(self, node: str | None = None) -> None:
        """A node left: it reads no more; ``None`` stands for all, without a connection."""
        for key, outlet in self._outlets.items():
            if node is None or key[0] == node:
                outlet.stop()

    async def drain(self, timeout: float) -> None:
        """Let the streams end for up to ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._idle.wait()
        except TimeoutError:
            _log.warning("%d streams did not end within %g s", len(self), timeout)

    def break_off(self) -> None:
        """End all, and tell their readers."""
        for outlet in self._outlets.values():
            if outlet.task is not None:
                outlet.task.cancel()

    async def _run(self, message: Message, outlet: _Outlet) -> None:
        parts = self._parts(message)
        try:
            await self._pump(message, outlet, parts)
        except asyncio.CancelledError:
            if not outlet.reader_left:
                self._refuse([message], UnavailableError("the node is shutting down"))
            raise
        except L8Error as error:
            self._refuse([message], error)
        finally:
            await _close(parts)

    async def _pump(
        self, message: Message, outlet: _Outlet, parts: AsyncGenerator[bytes, None]
    ) -> None:
        while True:
            # First the room, then the part: nobody makes what nobody can take.
            await outlet.room.wait()
            part = await anext(parts, None)
            if part is None:
                await self._send(message, b"", True)
                return
            outlet.spend(len(part))
            await self._send(message, part, False)

    def _ended(self, key: tuple[str, int]) -> None:
        del self._outlets[key]
        if not self._outlets:
            self._idle.set()


async def _close(parts: AsyncGenerator[bytes, None]) -> None:
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await parts.aclose()
    except Exception:  # noqa: BLE001 - foreign code at the edge; its reader is gone
        _log.exception("a stream failed to close")
