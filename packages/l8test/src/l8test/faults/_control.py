# SPDX-License-Identifier: Apache-2.0
"""How a test talks with a process of its own: questions and answers as lines of JSON.

A question may be left unanswered, since its receiver was paused or killed; each has a number, so
that a late answer is not taken for that of the next question.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from l8types.errors import BrokenError, L8Error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

__all__ = ["LINE_LIMIT", "Asker", "ChildError", "Control", "Json", "Refused"]

Json: TypeAlias = Any
"""What fits into JSON; its form is that of whoever wrote it."""

LINE_LIMIT: Final = 16_777_216
"""Bytes of a line: reports of a long run fit."""


class ChildError(BrokenError):
    """A process of a test ended, or does not answer."""


class Refused(L8Error):  # noqa: N818 - what the process said, not what went wrong with it
    """A process of a test could not do what it was asked; has the class and text of its error."""


class Control:
    """The end of the process: carries out what the test asks.

    Args:
        reader: Questions.
        writer: Answers.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def serve(self, commands: Mapping[str, Callable[..., Awaitable[object]]]) -> None:
        """Answer until the test hangs up; questions are carried out at the same time.

        Args:
            commands: What can be asked; arguments are passed by name, results must fit into JSON.
        """
        async with asyncio.TaskGroup() as tasks:
            while line := await self._reader.readline():
                tasks.create_task(self._answer(json.loads(line), commands), name="control: answer")

    async def tell(self, **fields: object) -> None:
        """Say something unasked; who started this process waits for the first such line."""
        self._writer.write(json.dumps(fields).encode() + b"\n")
        await self._writer.drain()

    async def _answer(
        self, question: dict[str, Json], commands: Mapping[str, Callable[..., Awaitable[object]]]
    ) -> None:
        try:
            result = await commands[question["do"]](**question["with"])
        except Exception as error:  # noqa: BLE001 - whatever it is, the test wants to know
            await self.tell(id=question["id"], error=f"{type(error).__name__}: {error}")
        else:
            await self.tell(id=question["id"], result=result)


class Asker:
    """The end of the test.

    Args:
        name: Of the process, for messages.
        writer: Where questions go.
    """

    def __init__(self, name: str, writer: asyncio.StreamWriter) -> None:
        self._name = name
        self._writer = writer
        self._count = 0
        self._open: dict[int, asyncio.Future[Json]] = {}
        self.ended = asyncio.Event()

    async def ask(self, command: str, timeout: float, arguments: Mapping[str, object]) -> Json:
        """Ask and wait for the answer.

        Raises:
            ChildError: The process has ended, or does not answer in time.
            Refused: It answered with an error.
        """
        if self.ended.is_set():
            raise ChildError(f"{self._name} has ended")
        self._count += 1
        number = self._count
        answer = self._open[number] = asyncio.get_running_loop().create_future()
        question = {"id": number, "do": command, "with": arguments}
        self._writer.write(json.dumps(question).encode() + b"\n")
        try:
            async with asyncio.timeout(timeout):
                return await answer
        except TimeoutError as error:
            raise ChildError(f"{self._name} did not answer {command!r} in {timeout} s") from error
        finally:
            del self._open[number]

    async def listen(self, reader: asyncio.StreamReader) -> None:
        """Take answers until the process ends."""
        try:
            while line := await reader.readline():
                self._take(json.loads(line))
        except (OSError, ValueError):
            # Killed in the middle of a line; the end is the same.
            pass
        finally:
            self.ended.set()
            for waiting in self._open.values():
                if not waiting.done():
                    waiting.set_exception(ChildError(f"{self._name} has ended"))

    def hang_up(self) -> None:
        """Ask nothing more; the process ends in order, and :attr:`ended` is set when it has."""
        if not self._writer.is_closing():
            self._writer.write_eof()

    def close(self) -> None:
        """Close this end."""
        self._writer.close()

    def _take(self, said: dict[str, Json]) -> None:
        waiting = self._open.get(said["id"])
        if waiting is None or waiting.done():
            return
        if "error" in said:
            waiting.set_exception(Refused(f"{self._name}: {said['error']}"))
        else:
            waiting.set_result(said["result"])
