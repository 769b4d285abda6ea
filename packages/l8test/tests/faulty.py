# SPDX-License-Identifier: Apache-2.0
"""A program for processes of the tests of faults: greets, fails or hangs when asked to."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from l8test.faults import Control


async def live(control: Control, greeting: str) -> None:
    """Serve until the test hangs up."""

    async def greet(name: str) -> str:
        return f"{greeting} {name}"

    async def fail() -> None:
        raise LookupError("as told")

    async def hang() -> None:
        await asyncio.Event().wait()

    async def links() -> list[str]:
        return sorted(name for _, name in socket.if_nameindex())

    async def listen(host: str) -> int:
        server = await asyncio.start_server(lambda _, writer: writer.close(), host, 0)
        return int(server.sockets[0].getsockname()[1])

    async def reach(host: str, port: int) -> bool:
        try:
            async with asyncio.timeout(0.5):
                _, writer = await asyncio.open_connection(host, port)
        except (OSError, TimeoutError):
            return False
        writer.close()
        return True

    commands: dict[str, Callable[..., Awaitable[object]]] = {
        "greet": greet,
        "fail": fail,
        "hang": hang,
        "links": links,
        "listen": listen,
        "reach": reach,
    }
    await control.serve(commands)
