# SPDX-License-Identifier: Apache-2.0
"""What a process does about itself: where its output goes, how it ends, what it spends.

For programs, not for libraries: all of this acts on the whole process.
"""

from __future__ import annotations

import asyncio
import cProfile
import io
import logging
import os
import pstats
import signal
import sys
import tracemalloc
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from l8types.errors import BusyError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

END_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
"""Signals that ask a process to end."""

_logger = logging.getLogger(__name__)


async def wait_for_end(name: str) -> signal.Signals:
    """Wait until the process is asked to end, and tell the log before and after.

    Args:
        name: What the process is called in the log.

    Returns:
        The signal that asked.

    Raises:
        RuntimeError: Not in the main thread, which alone gets signals.
    """
    loop = asyncio.get_running_loop()
    asked: asyncio.Future[signal.Signals] = loop.create_future()

    def ask(number: signal.Signals) -> None:
        if not asked.done():
            asked.set_result(number)

    before = {number: signal.getsignal(number) for number in END_SIGNALS}
    for number in END_SIGNALS:
        loop.add_signal_handler(number, ask, number)
    try:
        _logger.info("%s is up, process %d waits for its end", name, os.getpid())
        number = await asked
        _logger.info("%s ends after %s", name, number.name)
        return number
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


@contextmanager
def output_in_files(directory: Path, name: str) -> Iterator[None]:
    """Let standard output and error go to ``NAME/NAME.log`` and ``.err`` within the block.

    Also what libraries in C and child processes write. The files are appended to.

    Args:
        directory: Where; the directory ``name`` below it is made.
        name: Name of the process.

    Raises:
        ConfigurationError: A file cannot be opened.
    """
    base = directory / name / name
    with ExitStack() as streams:
        try:
            base.parent.mkdir(parents=True, exist_ok=True)
            for stream, suffix in ((sys.__stdout__, ".log"), (sys.__stderr__, ".err")):
                if stream is not None:
                    streams.enter_context(_redirected(stream, base.with_name(name + suffix)))
        except OSError as error:
            raise ConfigurationError(
                f"output cannot go to {str(base)!r}, name another directory: {error.strerror}"
            ) from error
        yield


@contextmanager
def _redirected(stream: TextIO, path: Path) -> Iterator[None]:
    descriptor = stream.fileno()
    stream.flush()
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    kept = os.dup(descriptor)
    os.dup2(target, descriptor)
    os.close(target)
    try:
        yield
    finally:
        stream.flush()
        os.dup2(kept, descriptor)
        os.close(kept)


@dataclass(frozen=True, slots=True)
class Profile:
    """What a process spent.

    Attributes:
        time: Functions of the event loop's thread by their own time, as text.
        memory: Lines by what they allocated and did not free, as text.
    """

    time: bytes
    memory: bytes


MAX_LINES: Final = 100
"""Functions and lines that a profile tells of."""


async def profile(seconds: float = 5.0) -> Profile:
    """Watch this process for a while; it runs slower meanwhile.

    Args:
        seconds: How long.

    Raises:
        BusyError: A profiler runs already.
    """
    functions = cProfile.Profile()
    if tracemalloc.is_tracing() or sys.getprofile() is not None:
        raise _busy()
    try:
        functions.enable()
    except ValueError as error:
        raise _busy() from error
    tracemalloc.start()
    try:
        await asyncio.sleep(seconds)
    finally:
        functions.disable()
        lines = tracemalloc.take_snapshot().statistics("lineno")
        tracemalloc.stop()
    return Profile(_functions_text(functions), _lines_text(lines))


def _busy() -> BusyError:
    return BusyError("a profiler runs in this process already, try again later")


def _functions_text(functions: cProfile.Profile) -> bytes:
    text = io.StringIO()
    with suppress(TypeError):
        # Nothing was called, which the library takes for an error.
        pstats.Stats(functions, stream=text).sort_stats("tottime").print_stats(MAX_LINES)
    return text.getvalue().encode()


def _lines_text(lines: list[tracemalloc.Statistic]) -> bytes:
    head = f"{sum(one.size for one in lines)} bytes in {sum(one.count for one in lines)} blocks\n"
    return (head + "".join(f"{one}\n" for one in lines[:MAX_LINES])).encode()
