# SPDX-License-Identifier: Apache-2.0
"""The processes of a benchmark: started, asked for where they are, ended."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Process", "process", "until_end_of_input"]


@dataclass(frozen=True, slots=True)
class Process:
    """A process that is ready.

    Attributes:
        said: The line that it printed when it was ready, mostly a port.
        pid: Its id.
    """

    said: str
    pid: int

    @property
    def port(self) -> int:
        """The port that it printed."""
        return int(self.said)

    def cpu_seconds(self) -> float:
        """CPU time that it has used so far."""
        times = psutil.Process(self.pid).cpu_times()
        return times.user + times.system

    def memory_bytes(self) -> int:
        """Memory that it occupies now (resident set)."""
        return int(psutil.Process(self.pid).memory_info().rss)


async def until_end_of_input(told: object) -> None:
    """Print what the parent process waits for, and go on until standard input ends."""
    print(told, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


@contextmanager
def process(module: str, *arguments: object) -> Iterator[Process]:
    """Start a module as a process, wait for the line that it prints, and end it afterwards."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as started:
        stdin, stdout = started.stdin, started.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the process was started without pipes")
        try:
            said = stdout.readline().strip()
            if not said:
                raise RuntimeError(f"{module} {arguments!r} ended before it was ready")
            yield Process(said, started.pid)
        finally:
            stdin.close()
            try:
                started.wait(10)
            except subprocess.TimeoutExpired:
                started.kill()
