# SPDX-License-Identifier: Apache-2.0
"""The same requests on grpc.aio: raw bytes straight to the service, with no hop between."""

from __future__ import annotations

import sys
from typing import Any, Final

from layer8 import run
from tools.bench.net._load import OUTSTANDING, SIZES, figure, replies_per_second
from tools.bench.net._process import process, until_end_of_input

MODULE: Final = "tools.bench.net.grpc_aio"


def available() -> str:
    """Return why this cannot be measured here, empty when it can."""
    try:
        import grpc.aio  # noqa: F401, PLC0415
    except ImportError:
        return "grpcio is not installed"
    return ""


async def be_service() -> None:
    """Be a server that answers with what it was sent."""
    import grpc.aio  # noqa: PLC0415

    async def echo(request: bytes, _context: object) -> bytes:
        return request

    handlers = {"post": grpc.unary_unary_rpc_method_handler(echo)}
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("Echo", handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    await until_end_of_input(port)
    await server.stop(0)


async def ask_for(port: int, outstanding: int, size: int, seconds: float) -> float:
    """Return the replies per second that a client gets."""
    import grpc.aio  # noqa: PLC0415

    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        post: Any = channel.unary_unary("/Echo/post")
        payload = bytes(size)
        return await replies_per_second(lambda: post(payload), outstanding, seconds)


def measure(seconds: float) -> dict[str, float]:
    """Return the replies per second for each load."""
    figures = {}
    for size in SIZES:
        for outstanding in OUTSTANDING:
            with process(MODULE) as server:
                figures[figure(outstanding, size)] = run(
                    ask_for(server.port, outstanding, size, seconds)
                )
    return figures


if __name__ == "__main__":
    sys.exit(run(be_service()))
