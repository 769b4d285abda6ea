# SPDX-License-Identifier: Apache-2.0
"""The same load on zenoh's Python binding (Rust inside) through a router: raw bytes."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from tools.bench.net._load import SIZES, WARM_UP, figure
from tools.bench.net._process import process

if TYPE_CHECKING:
    from zenoh import Query, Sample, Session

MODULE: Final = "tools.bench.net.zenoh_router"
KEY: Final = "bench/echo"


def available() -> str:
    """Return why this cannot be measured here, empty when it can."""
    try:
        import zenoh  # noqa: F401, PLC0415
    except ImportError:
        return "eclipse-zenoh is not installed"
    return ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def session(mode: str, port: int) -> Session:
    """Open a session; a router listens on the port, a client connects to it."""
    import zenoh  # noqa: PLC0415

    config = zenoh.Config()
    where = "listen" if mode == "router" else "connect"
    for name, value in (
        ("mode", mode),
        (f"{where}/endpoints", [f"tcp/127.0.0.1:{port}"]),
        ("scouting/multicast/enabled", False),
    ):
        config.insert_json5(name, json.dumps(value))
    return zenoh.open(config)


def be(role: str, port: int) -> None:
    """Be the router or the service until standard input ends."""
    opened = session("router" if role == "router" else "client", port)
    count = 0

    def answer(query: Query) -> None:
        query.reply(query.key_expr, query.payload or b"")

    def note(_sample: Sample) -> None:
        nonlocal count
        count += 1

    held = []
    if role == "service":
        held = [
            opened.declare_queryable(KEY, answer),
            opened.declare_subscriber("bench/count", note),
            opened.declare_queryable(
                "bench/counted", lambda query: query.reply(query.key_expr, str(count))
            ),
        ]
    print(port, flush=True)
    sys.stdin.read()
    del held
    opened.close()


def ask_for(port: int, size: int, seconds: float) -> float:
    """Return the replies per second with one request outstanding."""
    opened = session("client", port)
    payload, replies = bytes(size), 0
    warm = time.perf_counter() + WARM_UP
    begin = warm
    while (now := time.perf_counter()) < warm + seconds:
        if now < warm:
            begin = now
            replies = 0
        for _ in opened.get(KEY, payload=payload):
            replies += 1
    rate = replies / (time.perf_counter() - begin)
    opened.close()
    return rate


def measure(seconds: float) -> dict[str, float]:
    """Return the replies per second, one request at a time: the binding has no asyncio."""
    figures = {}
    for size in SIZES:
        with ExitStack() as started:
            port = started.enter_context(process(MODULE, "router", _free_port())).port
            started.enter_context(process(MODULE, "service", port))
            figures[figure(1, size)] = ask_for(port, size, seconds)
    return figures


def measure_one_way(seconds: float) -> dict[str, float]:
    """Return the messages per second that arrive."""
    with ExitStack() as started:
        port = started.enter_context(process(MODULE, "router", _free_port())).port
        started.enter_context(process(MODULE, "service", port))
        opened = session("client", port)
        sent, begin = 0, time.perf_counter()
        while time.perf_counter() < begin + seconds:
            for _ in range(2_000):
                opened.put("bench/count", bytes(100))
            sent += 2_000
        elapsed, arrived = _settled(opened, begin)
        opened.close()
        return {"one way, 100 B": arrived / elapsed}


def _settled(opened: Session, begin: float) -> tuple[float, int]:
    """Wait until nothing more arrives; the time of the last arrival and the count."""
    arrived, elapsed = -1, 0.0
    while True:
        answers = (reply.ok for reply in opened.get("bench/counted"))
        found = next(int(one.payload.to_string()) for one in answers if one is not None)
        if found == arrived:
            return elapsed, arrived
        arrived, elapsed = found, time.perf_counter() - begin
        threading.Event().wait(0.05)


if __name__ == "__main__":
    be(sys.argv[1], int(sys.argv[2]))
