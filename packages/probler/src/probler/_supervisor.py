# SPDX-License-Identifier: Apache-2.0
"""Runs the nodes of the example as processes: ordered start and stop, restart after a crash."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final, Self

from l8types.errors import L8Error

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

__all__ = ["NodeProcess", "NodeSpec", "StartError", "Supervisor"]

_LOGGER = logging.getLogger(__name__)
_STOP_GRACE: Final = 5.0
"""Seconds a process gets to close in order before it is killed."""
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0
_STEADY: Final = 30.0
"""Seconds after which a restart counts as the first again."""

Announce = Callable[[str], None]


class StartError(L8Error):
    """A node process that did not get ready; carries what it said last."""

    code = "start"


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One process: its name and the arguments after the interpreter.

    The process writes a line ``ready {...}`` (JSON) to its standard output once it serves, and
    ends when its standard input ends, so that none survives its supervisor.
    """

    name: str
    arguments: tuple[str, ...]
    start_timeout: float = 30.0


@dataclass(slots=True)
class NodeProcess:
    """A started process as others may look at it."""

    spec: NodeSpec
    process: asyncio.subprocess.Process
    ready: dict[str, object] = field(default_factory=dict)
    """What the process told when it got ready."""
    restarts: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def pid(self) -> int:
        """Process id."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.returncode is None


class Supervisor:
    """Owns the node processes.

    Args:
        log_directory: One log file per node goes there.
        announce: Told one line about every restart.
    """

    def __init__(self, log_directory: Path, announce: Announce = _LOGGER.info) -> None:
        self._logs = log_directory
        self._announce = announce
        self._nodes: dict[str, NodeProcess] = {}
        self._group = asyncio.TaskGroup()
        self._watchers: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for name in reversed(list(self._nodes)):
            await self.stop(name)
        # Without the exception: what the block raised leaves it as it is, not in a group.
        await self._group.__aexit__(None, None, None)

    @property
    def nodes(self) -> dict[str, NodeProcess]:
        """Started nodes by name, in order of their start."""
        return dict(self._nodes)

    async def start(self, spec: NodeSpec) -> NodeProcess:
        """Start a process, wait until it is ready, and keep it running from then on.

        Raises:
            StartError: It ended or was not ready in time; the message is what it said.
        """
        node = await self._launch(spec)
        self._nodes[spec.name] = node
        self._watchers[spec.name] = self._group.create_task(
            self._keep(spec.name), name=f"supervisor: {spec.name}"
        )
        return node

    async def stop(self, name: str) -> None:
        """Stop a process in order; after some seconds without mercy."""
        watcher = self._watchers.pop(name, None)
        if watcher is not None:
            watcher.cancel()
        node = self._nodes.pop(name, None)
        if node is not None:
            await _end(node.process)

    def log_file(self, name: str) -> Path:
        """Where a node writes its log."""
        return self._logs / f"{name}.log"

    async def _launch(self, spec: NodeSpec) -> NodeProcess:
        with self.log_file(spec.name).open("ab") as log:
            process = await _spawn(spec, log)
        ready = None
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(spec.start_timeout):
                    ready = await _read_ready(process)
        finally:
            # Also when this start is cancelled: nobody else knows the process yet.
            if ready is None and process.returncode is None:
                process.kill()
        if ready is None:
            await process.wait()
            raise StartError(f"{spec.name} did not start: {self._last_words(spec.name)}")
        return NodeProcess(spec, process, ready)

    async def _keep(self, name: str) -> None:
        """Start the process again whenever it ends by itself."""
        pause = _FIRST_PAUSE
        while True:
            node = self._nodes[name]
            code = await node.process.wait()
            if time.monotonic() - node.started > _STEADY:
                pause = _FIRST_PAUSE
            self._announce(f"{name} ended ({_reason(code)}), starting it again")
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            try:
                again = await self._launch(node.spec)
            except StartError as error:
                self._announce(error.message)
                continue
            again.restarts = node.restarts + 1
            self._nodes[name] = again
            self._announce(f"{name} is back (process {again.pid})")

    def _last_words(self, name: str) -> str:
        lines = self.log_file(name).read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[-1] if lines else f"no word from it; see {self.log_file(name)}"


async def _spawn(spec: NodeSpec, log: IO[bytes]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *spec.arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=log,
        # Ctrl-C goes to the supervisor alone, which then stops the nodes in order.
        start_new_session=True,
    )


async def _read_ready(process: asyncio.subprocess.Process) -> dict[str, object] | None:
    if process.stdout is None:  # narrows the type: the pipe was asked for
        return None
    while line := await process.stdout.readline():
        word, _, rest = line.decode(errors="replace").partition(" ")
        if word == "ready":
            told = json.loads(rest or "{}")
            return told if isinstance(told, dict) else {}
    return None


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_GRACE):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _reason(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
