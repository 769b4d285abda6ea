# SPDX-License-Identifier: Apache-2.0
"""Go peers that follow a script over real sockets, made from the offsets of the format alone."""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from l8types.enums import Action
from l8types.pb import L8Health, L8Services, L8SystemMessage
from layer8_net._go.values import pack_elements

from .go_parts import CIPHER, NIL_DATA, SECRET, Plain, take_apart

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

NO_NODE = bytes(36)
SERVICES_HEALTH = bytes.fromhex("0a100a064865616c746812060a0408001001")
SERVICES_NODE = SERVICES_HEALTH + bytes.fromhex("0a0f0a05546573747312060a0408001001")
"""``Health`` and ``Tests``, both in area 0, as a Go node writes them."""


def framed(payload: bytes) -> bytes:
    """A payload behind its length."""
    return struct.pack(">q", len(payload)) + payload


def written(
    source: str,
    vnet: str,
    service: str,
    action: int,
    data: bytes = NIL_DATA,
    *,
    destination: str = "",
    area: int = 0,
    priority_mode: int = 0,
    sequence: int = 1,
    flags: int = 0,
    failure: bytes = b"",
    state: int = 0,
) -> bytes:
    """A message as a Go node writes it."""
    body = b"".join(
        (
            bytes([action, state]),
            NO_NODE,
            struct.pack(">IHBB", sequence, 0, flags, len(failure)),
            failure,
            struct.pack(">I", len(data)),
            data,
            bytes(79 if state else 0),
        )
    )
    header = b"".join(
        (
            *(one.encode().ljust(36, b"\0") for one in (source, vnet, destination)),
            service.encode().ljust(10, b"\0"),
            bytes([area, priority_mode]),
        )
    )
    return framed(header + CIPHER.encrypt(body))


class ScriptedPeer:
    """One end of a connection that does what a test says.

    Args:
        uuid: Its id.
        alias: Its name.
        services: What it tells in the handshake.
    """

    def __init__(self, uuid: str, alias: str, services: bytes) -> None:
        self.uuid = uuid
        self.alias = alias
        self._services = services
        self.peer: list[bytes] = []
        """What the other end told in the handshake."""
        self.greeted = False
        """Whether the other end knows the first step already."""
        self.kept: deque[Plain] = deque()
        """Messages that came while another one was waited for."""
        self._sequence = 0

    async def shake(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, switch: bool = False
    ) -> None:
        """Run the script: in each of six steps write first, then read."""
        self.reader, self.writer = reader, writer
        own = [SECRET, self.uuid.encode(), b"false", self.alias.encode(), self._services, b""]
        if switch:
            own[2] = b"true"
        for step, value in enumerate(own):
            if step or not self.greeted:
                self.raw(framed(CIPHER.encrypt(value)))
            self.peer.append(CIPHER.decrypt((await self._read())[8:]))

    async def _read(self) -> bytes:
        head = await self.reader.readexactly(8)
        return head + await self.reader.readexactly(*struct.unpack(">q", head))

    def raw(self, data: bytes) -> None:
        """Write bytes."""
        self.writer.write(data)

    def say(
        self, vnet: str, service: str, action: int, data: bytes = NIL_DATA, **more: object
    ) -> None:
        """Send a message."""
        self._sequence += 1
        common: dict[str, object] = {"sequence": self._sequence}
        self.raw(written(self.uuid, vnet, service, action, data, **(common | more)))  # type: ignore[arg-type]

    def pass_on(
        self, source: str, service: str, action: int, data: bytes = NIL_DATA, **more: object
    ) -> None:
        """Send the message of another one on."""
        common: dict[str, object] = {"vnet": self.uuid, "destination": ""}
        self.raw(written(source, service=service, action=action, data=data, **(common | more)))  # type: ignore[arg-type]

    async def hear(self, wanted: Callable[[Plain], bool]) -> Plain:
        """The next message that is wanted; the others are kept."""
        for plain in tuple(self.kept):
            if wanted(plain):
                self.kept.remove(plain)
                return plain
        async with asyncio.timeout(10):
            while True:
                plain = take_apart(await self._read())
                if wanted(plain):
                    return plain
                self.kept.append(plain)

    async def hear_of(self, service: str, action: int) -> Plain:
        """The next message of this kind."""
        return await self.hear(lambda plain: (plain.service, plain.action) == (service, action))

    async def close(self) -> None:
        """Go without a word, as Go nodes do."""
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


class ScriptedNode(ScriptedPeer):
    """A Go node that dials a switch."""

    async def join(self, port: int, *, switch: bool = False) -> str:
        """Connect and shake hands; the id of the switch."""
        await self.shake(*await asyncio.open_connection("127.0.0.1", port), switch=switch)
        return self.peer[1].decode()

    def activate(self, hub: str) -> None:
        """Say what a Go node says when it activates the service ``Tests``."""
        added = L8SystemMessage(action=3, publish=True)  # type: ignore[arg-type]
        added.service_data.service_uuid = self.uuid
        added.service_data.serviceName = "Tests"
        self.say(hub, "sysMsg", Action.POST, pack_elements([(added, None)]), area=99)
        record = L8Health(a_uuid=self.uuid, services=L8Services.FromString(SERVICES_NODE))
        self.tell(hub, record)
        self.say(hub, "WebService", Action.POST)
        self.say(hub, "Tests", Action.SERVICE_REGISTER)
        self.say(hub, "Tests", Action.SERVICE_QUERY)

    def tell(self, hub: str, record: L8Health) -> None:
        """Report to the switch."""
        data = pack_elements([(record, None)])
        self.say(hub, "Health", Action.PATCH, data, destination=hub)


class ScriptedSwitch(ScriptedPeer):
    """A Go switch: a door at which nodes arrive one by one."""

    def __init__(self, uuid: str) -> None:
        super().__init__(uuid, "go switch", SERVICES_HEALTH)
        self.arrivals: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
            asyncio.Queue()
        )
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._arrived, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        if hasattr(self, "writer"):
            await self.close()

    async def _arrived(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.arrivals.put_nowait((reader, writer))

    async def admit(self, *records: L8Health) -> str:
        """Shake hands with the next node and send it the health of all; its id."""
        async with asyncio.timeout(10):
            self.peer.clear()
            self.kept.clear()
            await self.shake(*await self.arrivals.get())
        node = self.peer[1].decode()
        own = L8Health(a_uuid=self.uuid, alias=self.alias)
        rows = [(record, record.a_uuid) for record in (own, *records)]
        self.say(self.uuid, "Health", Action.PATCH, pack_elements(rows), destination=node)
        return node
