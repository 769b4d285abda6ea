# SPDX-License-Identifier: Apache-2.0
"""One node of the example as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import sys
from typing import TYPE_CHECKING

from layer8 import load_settings
from probler._roles import ROLES, RoleOptions

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["run_role"]


async def run_role(role: str, data: Path, port: int, web_port: int) -> None:
    """Run a role until the process is told to stop or its standard input ends.

    Once the role serves, one line ``ready {...}`` is written to standard output.

    Args:
        role: One of ``ROLES``.
        data: Directory that all nodes of the example share.
        port: Port of the switch.
        web_port: Port of the gateway; the other roles ignore it.
    """
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    settings = load_settings(
        alias=role,
        port=port,
        data_directory=data,
        # Short, so that a person who kills a node sees the others notice it.
        keep_alive=1.0,
        request_timeout=10.0,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with ROLES[role](RoleOptions(settings, web_port)) as told:
        print(f"ready {json.dumps(told)}", flush=True)  # noqa: T201 - the supervisor reads it
        await _stopped(stop)


async def _stopped(stop: asyncio.Event) -> None:
    """Wait for a signal or for the end of standard input, whichever comes first."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )

    async def end_of_input() -> None:
        while await reader.read(1024):
            pass  # nobody has anything to say to a node
        stop.set()

    async with asyncio.TaskGroup() as group:
        watcher = group.create_task(end_of_input(), name="node: end of input")
        await stop.wait()
        watcher.cancel()
    with contextlib.suppress(OSError):
        transport.close()
