# SPDX-License-Identifier: Apache-2.0
"""What the tests of several packages need: free ports, conditions, and programs as processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from l8test import budget
from l8types.errors import L8Error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

T = TypeVar("T")

CONVERGENCE: Final = 15.0
"""Seconds within which a network settles after a node was lost, killed or started again, on a
machine that is not overloaded."""

START: Final = 40.0
"""Seconds that a program may take to come up on a busy machine."""

_PAUSE: Final = 0.05


def free_port() -> int:
    """A TCP port of the loopback interface that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def taken_port() -> Iterator[int]:
    """A TCP port on which somebody else listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


async def until(
    look: Callable[[], Awaitable[T]],
    good: Callable[[T], object] = bool,
    *,
    within: float = CONVERGENCE,
) -> T:
    """Look again and again until what is seen is good, and return it.

    It has more time than ``within`` while the machine is overloaded.

    An error of the ecosystem counts as not good yet: a network that settles may refuse for a while.

    Raises:
        AssertionError: Time is up; tells what was seen last.
    """
    begin = time.monotonic()
    while True:
        last: object
        try:
            seen = await look()
            if good(seen):
                return seen
            last = seen
        except L8Error as error:
            last = error
        took = time.monotonic() - begin
        if took > budget(within):
            raise AssertionError(f"after {took:.1f} s still: {str(last)[:600]}")
        await asyncio.sleep(_PAUSE)


def announce(folder: Path, module: str, group: str, entry: str) -> None:
    """Make a module known as an installer does, by an entry point: ``name = module:factory``."""
    known_by = folder / f"{module}-1.0.dist-info"
    known_by.mkdir()
    (known_by / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (known_by / "entry_points.txt").write_text(f"[{group}]\n{entry}\n")


def environment(directory: Path, **variables: object) -> dict[str, str]:
    """Environment of a program: this one, with a data directory and settings of its own."""
    inherited = {name: v for name, v in os.environ.items() if not name.startswith("LAYER8_")}
    own = {f"LAYER8_{name.upper()}": str(value) for name, value in variables.items()}
    return inherited | {"LAYER8_DATA_DIRECTORY": str(directory / "data")} | own


@dataclass(frozen=True, slots=True)
class Ended:
    """What a program left behind."""

    code: int | None
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it printed, line by line."""
        return self.out.splitlines()

    @property
    def traceback(self) -> str:
        """All that it said to people, if a traceback is part of it; "" otherwise."""
        return self.err if "Traceback" in self.err else ""

    def refused(self) -> str:
        """The one line with which it refused, after a check that it was one line and code 2."""
        lines = self.err.strip().splitlines()
        assert (self.code, len(lines)) == (2, 1), f"exit code {self.code}: {self.err}{self.out}"
        return lines[0]


class Program:
    """A Python program that runs, and is talked to by lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @property
    def pid(self) -> int:
        """Process id."""
        return self.process.pid

    async def line(self) -> str:
        """The next line that it prints, "" at the end."""
        assert self.process.stdout is not None
        async with asyncio.timeout(START):
            return (await self.process.stdout.readline()).decode().rstrip("\n")

    async def ask(self, request: str) -> str:
        """Write a line to its standard input and read one from its standard output."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{request}\n".encode())
        await self.process.stdin.drain()
        return await self.line()

    async def end(self, number: int | None = None) -> Ended:
        """Let it end, by a signal or by the end of its input, and return what else it said."""
        if number is not None:
            self.process.send_signal(number)
        async with asyncio.timeout(START):
            out, err = await self.process.communicate(b"")
        return Ended(self.process.returncode, out.decode(), err.decode())


@asynccontextmanager
async def program(*arguments: str, cwd: Path, env: dict[str, str]) -> AsyncIterator[Program]:
    """Run the interpreter with arguments; what still runs at the end of the test is killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=cwd,
        env=env,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def run_program(*arguments: str, cwd: Path, env: dict[str, str]) -> Ended:
    """Run the interpreter with arguments to its end, without input."""
    async with program(*arguments, cwd=cwd, env=env) as running:
        return await running.end()


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        # No such file system here, or the process has gone between the two looks.
        return not Path("/proc/self/stat").exists()
    return status.rpartition(")")[2].split()[0] != "Z"


def kill(pid: int) -> None:
    """End a process at once, if it has not ended yet."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


async def listening(port: int) -> bool:
    """Whether somebody accepts connections on a port of the loopback interface."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
