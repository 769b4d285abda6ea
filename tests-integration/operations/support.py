# SPDX-License-Identifier: Apache-2.0
"""Switches as processes, and what they and the nodes of a test have to tell."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

PATIENCE = 30.0
"""Seconds that something may take on a busy machine."""


@dataclass
class Daemon:
    """A switch that runs."""

    process: asyncio.subprocess.Process
    port: int
    metrics: str
    log: list[str] = field(default_factory=list)

    async def figure(self, name: str) -> float:
        """Value of a figure without labels but that of the node, 0 when it is not there."""
        async with httpx.AsyncClient(trust_env=False) as client:
            text = (await client.get(self.metrics)).text
        lines = [line for line in text.splitlines() if line.startswith(f"{name}{{")]
        return float(lines[0].rpartition(" ")[2]) if lines else 0.0

    async def end(self) -> int:
        """Ask it to end, and return its exit code; the log is complete then."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            _, err = await self.process.communicate()
        self.log = err.decode().splitlines()
        return self.process.returncode or 0

    def lines(self, text: str) -> list[str]:
        """Lines of the log with a text, after its end."""
        return [line for line in self.log if text in line]


def environment(data: Path) -> dict[str, str]:
    """Environment of a program: without settings but the data directory."""
    inherited = {name: v for name, v in os.environ.items() if not name.startswith("LAYER8_")}
    return inherited | {"LAYER8_DATA_DIRECTORY": str(data), "LAYER8_KEEP_ALIVE": "0.5"}


@asynccontextmanager
async def daemon(data: Path, *options: str) -> AsyncIterator[Daemon]:
    """Run ``layer8 vnet`` on a free port with figures."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "layer8", "vnet", "--port", "0", "--metrics", "0", *options),
        env=environment(data),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            listens = (await process.stdout.readline()).decode()
            metrics = (await process.stdout.readline()).decode()
        yield Daemon(process, int(listens.rpartition(":")[2]), metrics.split()[-1])
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def command(data: Path, *arguments: str) -> tuple[int, str, str]:
    """Run ``layer8`` to its end: exit code, output, errors."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "layer8", *arguments),
        env=environment(data),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(PATIENCE):
        while not await look():
            await asyncio.sleep(0.02)
