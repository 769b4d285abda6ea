# SPDX-License-Identifier: Apache-2.0
"""Processes of a test: started in milliseconds, asked, paused, killed, and gone when it is over."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from typing import TYPE_CHECKING, Final, Self, cast

from l8test.faults._control import LINE_LIMIT, Asker, ChildError, Json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

__all__ = ["Child", "Nursery"]

_START: Final = 30.0
"""Seconds that loading the modules, or a start, may take on a busy machine."""
_ANSWER: Final = 10.0
_END: Final = 10.0


class Child:
    """A process that was started by a :class:`Nursery`.

    Attributes:
        name: As given when it was started.
        pid: Process id.
    """

    def __init__(self, name: str, pid: int, asker: Asker) -> None:
        self.name = name
        self.pid = pid
        self._asker = asker

    @property
    def alive(self) -> bool:
        """Whether it has not ended; a paused one has not."""
        return not self._asker.ended.is_set()

    async def ask(self, command: str, /, *, within: float = _ANSWER, **arguments: object) -> Json:
        """Have it carry out a command, and return the result.

        Args:
            command: One of those that its program serves.
            within: Seconds that it has.
            **arguments: Passed to the command.

        Raises:
            ChildError: It has ended, or does not answer in time.
            Refused: The command raised an error.
        """
        return await self._asker.ask(command, within, arguments)

    async def kill(self) -> None:
        """End it at once, as by ``kill -9``, and wait until it has."""
        self._signal(signal.SIGKILL)
        await self.ended()

    def pause(self) -> None:
        """Stop it; its connections stand, it says nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused one go on."""
        self._signal(signal.SIGCONT)

    async def aclose(self) -> None:
        """Hang up, upon which it closes what it has open and ends; killed if it does not."""
        self.resume()
        self._asker.hang_up()
        try:
            async with asyncio.timeout(_END):
                await self._asker.ended.wait()
        except TimeoutError:
            await self.kill()

    async def ended(self) -> None:
        """Wait until it has ended.

        Raises:
            TimeoutError: It has not, after 10 s.
        """
        async with asyncio.timeout(_END):
            await self._asker.ended.wait()

    def _signal(self, number: int) -> None:
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


class Nursery:
    """Starts processes, forked from one that has loaded their modules.

    Args:
        directory: For logs; each process writes to ``<name>.log``.
        modules: What to load beforehand.
        loop: Makes the event loop of each process, as ``module:function``; asyncio's by default.
    """

    def __init__(self, directory: Path, modules: Sequence[str] = (), *, loop: str = "") -> None:
        self.directory = directory
        self.children: list[Child] = []
        self._modules = modules
        self._loop = loop
        self._born: dict[str, asyncio.Future[Child]] = {}

    async def __aenter__(self) -> Self:
        """Load the modules.

        Raises:
            ChildError: They could not be loaded.
        """
        # Not in the directory of the logs: the path of a Unix socket must be short.
        self._private = tempfile.TemporaryDirectory(prefix="l8-")
        self._control = f"{self._private.name}/control"
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        self._server = await asyncio.start_unix_server(
            self._connected, self._control, limit=LINE_LIMIT
        )
        self._zygote = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "l8test.faults._zygote", *self._modules),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._orders = cast("asyncio.StreamWriter", self._zygote.stdin)
        self._says = cast("asyncio.StreamReader", self._zygote.stdout)
        try:
            await self._loaded()
        except BaseException as error:
            await self.__aexit__(type(error), error, None)
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Kill whoever still runs."""
        for child in self.children:
            await child.kill()
        self._server.close()
        await self._end_zygote()
        for child in self.children:
            child._asker.close()  # noqa: SLF001 - it is ours
        self._private.cleanup()
        await self._tasks.__aexit__(None, None, None)

    async def start(
        self,
        name: str,
        program: str,
        /,
        *,
        namespace: str = "",
        **arguments: object,
    ) -> Child:
        """Start a process.

        Args:
            name: For messages, and of its log; a new life may have the name of an old one.
            program: ``module:function`` of a coroutine function; called with a :class:`Control`
                and the arguments. When it returns, the process ends.
            namespace: Network namespace to live in.
            **arguments: As they fit into JSON.

        Raises:
            ChildError: It did not start; its log tells why.
        """
        born: asyncio.Future[Child] = asyncio.get_running_loop().create_future()
        self._born[name] = born
        order = {
            "name": name,
            "program": program,
            "namespace": namespace,
            "arguments": arguments,
            "control": self._control,
            "log": str(self.directory / f"{name}.log"),
            "loop": self._loop,
        }
        self._orders.write(json.dumps(order).encode() + b"\n")
        try:
            async with asyncio.timeout(_START):
                child = await born
        except TimeoutError as error:
            raise ChildError(f"{name} did not start: {self.log(name)}") from error
        finally:
            del self._born[name]
        return child

    def log(self, name: str) -> str:
        """What processes of this name wrote so far."""
        file = self.directory / f"{name}.log"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.create_task(self._welcome(reader, writer), name="nursery: answers")

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A process was born; its answers are heard until it ends."""
        first = json.loads(await reader.readline())
        child = Child(first["name"], first["pid"], Asker(first["name"], writer))
        self.children.append(child)
        born = self._born.get(child.name)
        if born is not None and not born.done():
            born.set_result(child)
        await child._asker.listen(reader)  # noqa: SLF001 - it is ours

    async def _loaded(self) -> None:
        """Wait until the modules are loaded."""
        try:
            async with asyncio.timeout(_START):
                line = await self._says.readline()
        except TimeoutError as error:
            raise ChildError(f"modules did not load within {_START} s") from error
        if not line:
            raise ChildError(f"the modules {', '.join(self._modules)} could not be loaded")

    async def _end_zygote(self) -> None:
        self._orders.close()
        try:
            async with asyncio.timeout(_END):
                await self._zygote.wait()
        except TimeoutError:
            self._zygote.kill()
            await self._zygote.wait()
