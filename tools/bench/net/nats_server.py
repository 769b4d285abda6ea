# SPDX-License-Identifier: Apache-2.0
"""The same load on nats-py through nats-server, where that is installed: raw bytes, no models."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from layer8 import run
from tools.bench.net._load import OUTSTANDING, SIZES, figure, replies_per_second
from tools.bench.net._process import process, until_end_of_input

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nats.aio.msg import Msg

MODULE: Final = "tools.bench.net.nats_server"
SUBJECT: Final = "echo"
RECEIVERS: Final = 10


def available() -> str:
    """Return why this cannot be measured here, empty when it can."""
    if shutil.which("nats-server") is None:
        return "nats-server is not installed"
    try:
        import nats  # noqa: F401, PLC0415
    except ImportError:
        return "nats-py is not installed"
    return ""


@contextmanager
def server() -> Iterator[int]:
    """Start a server on a free port of loopback."""
    command = ["nats-server", "--addr", "127.0.0.1", "--port", "-1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as started:
        try:
            yield _port(started)
        finally:
            started.terminate()


def _port(started: subprocess.Popen[str]) -> int:
    if started.stderr is None:
        raise RuntimeError("the server was started without a pipe")
    for line in started.stderr:
        _, found, address = line.partition("Listening for client connections on ")
        if found:
            return int(address.strip().rsplit(":", 1)[1])
    raise RuntimeError("nats-server ended before it listened")


async def be_service(port: int, count: int) -> None:
    """Be clients that answer requests and count messages."""
    import nats  # noqa: PLC0415

    async def answer(message: Msg) -> None:
        await message.respond(message.data)

    counts = [0] * count
    for number in range(count):
        client = await nats.connect(f"nats://127.0.0.1:{port}")
        await client.subscribe(SUBJECT, cb=answer)

        async def count_one(message: Msg, number: int = number) -> None:
            counts[number] += 1
            if message.reply:
                await message.respond(str(min(counts) - 1).encode())

        await client.subscribe("count", cb=count_one)
        await client.flush()
    await until_end_of_input(port)


async def ask_for(port: int, outstanding: int, size: int, seconds: float) -> float:
    """Return the replies per second that a client gets."""
    import nats  # noqa: PLC0415

    client = await nats.connect(f"nats://127.0.0.1:{port}")
    payload = bytes(size)
    rate = await replies_per_second(
        lambda: client.request(SUBJECT, payload, timeout=30), outstanding, seconds
    )
    await client.close()
    return rate


async def send_to(port: int, receivers: int, seconds: float) -> float:
    """Return the deliveries per second."""
    import nats  # noqa: PLC0415

    client = await nats.connect(f"nats://127.0.0.1:{port}")
    payload, sent, begin = bytes(100), 0, time.perf_counter()
    while time.perf_counter() < begin + seconds:
        for _ in range(2_000):
            await client.publish("count", payload)
        sent += 2_000
        await asyncio.sleep(0)
    await client.flush(timeout=120)
    answer = await client.request("count", b"", timeout=120)
    elapsed = time.perf_counter() - begin
    if not answer.data.isdigit():
        raise RuntimeError("no count came back")
    await client.close()
    return sent * receivers / elapsed


def measure(seconds: float) -> dict[str, float]:
    """Return the replies per second for each load."""
    figures = {}
    for size in SIZES:
        for outstanding in OUTSTANDING:
            with ExitStack() as started:
                port = started.enter_context(server())
                started.enter_context(process(MODULE, port, 1))
                figures[figure(outstanding, size)] = run(ask_for(port, outstanding, size, seconds))
    return figures


def measure_one_way(seconds: float) -> dict[str, float]:
    """Return the messages per second to one client."""
    with ExitStack() as started:
        port = started.enter_context(server())
        started.enter_context(process(MODULE, port, 1))
        return {"one way, 100 B": run(send_to(port, 1, seconds))}


def measure_multicast(seconds: float) -> dict[str, float]:
    """Return the deliveries per second to ten clients."""
    with ExitStack() as started:
        port = started.enter_context(server())
        started.enter_context(process(MODULE, port, RECEIVERS))
        return {"to 10, 100 B": run(send_to(port, RECEIVERS, seconds))}


if __name__ == "__main__":
    run(be_service(int(sys.argv[1]), int(sys.argv[2])))
