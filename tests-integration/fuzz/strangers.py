# SPDX-License-Identifier: Apache-2.0
"""Peers that know the secret and speak nonsense: they dial a switch, or play one."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from l8types.enums import Action, WireProfile
from l8types.values import Message
from layer8_net._core.frame import encode_message as encode_native
from layer8_net._go.codec import encode_message as encode_go
from layer8_net._profiles import profile_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from l8utils import NodeResources
    from layer8_net._core.handshake import Endpoint
    from layer8_net._machines import AcceptorSide, DiallerSide

_PIECE: Final = 65_536
_SECONDS: Final = 10.0
_NOBODY: Final = "00000000-0000-4000-8000-000000000000"
_BURST: Final = 4
"""Frames that are sent at once; what follows a violation is lost with its connection."""


class Stranger:
    """Makes connections and handshakes.

    Args:
        resources: Settings and secret of the network.

    Attributes:
        connections: How many it had.
        looked_at: Frames that a switch certainly looked at: those before a probe that came back,
            and of those before the end of a connection one.
    """

    def __init__(self, resources: NodeResources) -> None:
        self._resources = resources
        self.profile = profile_of(resources.settings)
        self.connections = 0
        self.looked_at = 0
        self._probes = 0
        self.uuid = str(uuid.uuid4())

    async def babble(
        self, port: int, frames: list[bytes], *, switch: str = "", as_switch: bool = False
    ) -> None:
        """Send frames to a switch, on as many connections as it takes.

        Args:
            port: Of the switch.
            frames: Sent in this order.
            switch: Its id; without it frames are sent instead of a handshake.
            as_switch: Whether to come as another switch.
        """
        left = frames
        while left:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            self.connections += 1
            try:
                if not switch:
                    left = await self._say_and_leave(reader, writer, left, _BURST // 2)
                elif await self._dial(reader, writer, as_switch=as_switch):
                    left = await self._say(reader, writer, left, switch)
            finally:
                writer.transport.abort()

    async def _say(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        frames: list[bytes],
        switch: str,
    ) -> list[bytes]:
        """Send frames, each few of them with a probe, until the switch hangs up; what is left.

        A probe that comes back proves that the frames before it were looked at.
        """
        while frames:
            honest = list(itertools.takewhile(self._is_honest, frames[:_BURST]))
            if not honest:
                # Whatever followed would be taken for a part of it.
                return await self._say_and_leave(reader, writer, frames, 1)
            frames = frames[len(honest) :]
            if not await self._probed(reader, writer, b"".join(honest), switch):
                self.looked_at += 1
                break
            self.looked_at += len(honest)
        return frames

    async def _say_and_leave(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        frames: list[bytes],
        count: int,
    ) -> list[bytes]:
        """Send frames and wait for the end of the connection; what is left."""
        writer.write(b"".join(frames[:count]))
        await _finish(reader, writer)
        self.looked_at += 1
        return frames[count:]

    def _is_honest(self, frame: bytes) -> bool:
        """Whether a frame is as long as it says."""
        size = self.profile.length_size
        return int.from_bytes(frame[:size], "big") == len(frame) - size

    async def _probed(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes, switch: str
    ) -> bool:
        """Whether a request to nobody, sent behind the data, came back."""
        self._probes += 1
        name = f"P{self._probes:07}"
        probe = Message(
            source=self.uuid,
            vnet=switch,
            destination=_NOBODY,
            service=name,
            action=Action.GET,
            sequence=self._probes,
            request=True,
            timeout=_SECONDS,
        )
        seen = b""
        with contextlib.suppress(OSError, TimeoutError):
            writer.write(data + self._encode(probe))
            async with asyncio.timeout(_SECONDS):
                while piece := await reader.read(_PIECE):
                    seen = seen[-len(name) :] + piece
                    if name.encode() in seen:
                        return True
        return False

    def _encode(self, message: Message) -> bytes:
        if self.profile.wire is WireProfile.NATIVE:
            return encode_native(message)
        return encode_go(message, self._resources.security)

    def recorded(self) -> list[bytes]:
        """The frames of a good handshake as the dialler sends them."""
        dialler = self.profile.dialler(self._me(), self._resources.security)
        other = replace(self._resources.settings, uuid=str(uuid.uuid4()), alias="other")
        acceptor = self.profile.acceptor(
            self.profile.endpoint(other, is_switch=True), self._resources.security
        )
        frames: list[bytes] = []
        ours, theirs = [dialler.start()], [acceptor.start()]
        while any(ours) or any(theirs):
            frames += [frame for frame in ours if frame]
            answers = [acceptor.receive(frame) for frame in ours if frame]
            ours = [dialler.receive(frame) for frame in theirs if frame]
            theirs = answers
        return frames

    async def play_switch(
        self,
        port: int,
        greeting: Sequence[bytes],
        frames: Callable[[], list[bytes] | None],
        begin: asyncio.Event,
    ) -> None:
        """Let an interface connect, welcome it, and send it frames until there are no more.

        Args:
            port: Where it dials.
            greeting: Good frames, with the directory of the network: only then it is a member.
            frames: The next ones, ``None`` when it is enough.
            begin: Set when frames may be sent.
        """
        over = asyncio.Event()
        queue: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        server = await asyncio.start_server(
            lambda reader, writer: queue.put_nowait((reader, writer)), "127.0.0.1", port
        )
        async with server:
            while not over.is_set():
                reader, writer = await queue.get()
                self.connections += 1
                try:
                    if await self._accept(reader, writer):
                        writer.write(b"".join(greeting))
                        await begin.wait()
                        await self._feed(reader, writer, frames, over)
                except OSError:
                    continue
                finally:
                    writer.transport.abort()

    async def _feed(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        frames: Callable[[], list[bytes] | None],
        over: asyncio.Event,
    ) -> None:
        while (batch := frames()) is not None:
            if await self._pour(reader, writer, batch):
                return
        await _finish(reader, writer)
        over.set()

    async def _pour(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, frames: list[bytes]
    ) -> list[bytes]:
        """Send in bursts until the peer hangs up; the frames that are left."""
        with contextlib.suppress(OSError):
            while frames and not reader.at_eof():
                burst, frames = frames[:_BURST], frames[_BURST:]
                writer.write(b"".join(burst))
                await writer.drain()
                # What comes is thrown away; a pause of the loop lets it come.
                reader._buffer.clear()  # type: ignore[attr-defined]
                await asyncio.sleep(0)
        return frames

    async def _dial(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, as_switch: bool
    ) -> bool:
        dialler = self.profile.dialler(self._me(is_switch=as_switch), self._resources.security)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._talk(dialler, reader, writer, lambda: dialler.done)
        return dialler.done

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        acceptor = self.profile.acceptor(self._me(is_switch=True), self._resources.security)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._talk(acceptor, reader, writer, lambda: acceptor.proved)
            writer.write(acceptor.welcome())
            return True
        return False

    async def _talk(
        self,
        side: AcceptorSide | DiallerSide,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        done: Callable[[], bool],
    ) -> None:
        writer.write(side.start())
        async with asyncio.timeout(_SECONDS):
            while not done():
                size = await reader.readexactly(self.profile.length_size)
                body = await reader.readexactly(int.from_bytes(size, "big"))
                writer.write(side.receive(size + body))

    def _me(self, *, is_switch: bool = False) -> Endpoint:
        settings = replace(self._resources.settings, uuid=self.uuid, alias="stranger")
        return self.profile.endpoint(settings, is_switch=is_switch)


async def _finish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say no more, and wait until the peer has read all that was said and hangs up too."""
    with contextlib.suppress(OSError, TimeoutError):
        writer.write_eof()
        async with asyncio.timeout(_SECONDS):
            while await reader.read(_PIECE):
                pass
