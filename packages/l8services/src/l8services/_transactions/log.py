# SPDX-License-Identifier: Apache-2.0
"""The log that the journals of a process share, so that one wait for the disk is enough for all.

A record is written into its journal, which need not reach the disk at once, and into the log, which
has to. Whatever was handed over in the meantime goes into the log together, with one
``fdatasync``. The file of the log has its size already and is written over again and again, which
costs a disk less than a file that grows. When it is full all journals are brought to the disk, and
it begins anew. After a crash the log tells what the journals may lack (see ``redo``).
"""

from __future__ import annotations

import asyncio
import os
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from l8services._transactions import disk
from l8services._transactions.redo import LOG_SUFFIX, Entry, written

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FULL_BYTES", "JournalFile", "SharedLog"]

FULL_BYTES: Final = 4_194_304
"""Size at which the log begins anew, about 15 000 small writes."""
GROWTH_BYTES: Final = 262_144
"""Steps in which the file gets its size in the first round."""
QUIET_TURNS: Final = 3
"""Turns of the loop without anything new before what was collected is handed over: microseconds
where nothing else happens, while what has arrived for other journals joins."""
MOST_TURNS: Final = 12
"""Turns after which it is handed over in any case."""

Done = Callable[[OSError | None], None]
"""Told in the thread of the loop how a write ended."""


class JournalFile:
    """An open journal that is this process's alone.

    Attributes:
        path: Where it is.
        descriptor: Of the file, negative when it is closed.
        generation: Id of what is written from now on.
    """

    __slots__ = ("descriptor", "generation", "path")

    def __init__(self, path: Path, descriptor: int, generation: str) -> None:
        self.path = path
        self.descriptor = descriptor
        self.generation = generation


class _Job:
    """Bytes for a journal, and who is to be told."""

    __slots__ = ("data", "done", "error", "file", "position")

    def __init__(self, file: JournalFile, data: bytes, position: int, done: Done) -> None:
        self.file = file
        self.data = data
        self.position = position
        self.done = done
        self.error: OSError | None = None


class SharedLog:
    """The log of one event loop in one directory, there as long as somebody uses it.

    All methods are for the thread of the loop; the disk is waited for in another one.
    """

    _of: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Path, SharedLog]]] = (
        WeakKeyDictionary()
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, directory: Path) -> None:
        self._loop = loop
        self._directory = directory
        self._users = 0
        self._collected: list[_Job] = []
        """What is handed over when nothing is added for some turns of the loop."""
        self._quiet_for = self._turns = 0
        self._jobs: SimpleQueue[list[_Job] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._busy = threading.Lock()
        """Held while journals are written; what follows changes only then."""
        self._dirty: dict[JournalFile, None] = {}
        """Journals that need the log to be complete."""
        self._file = -1
        self._path = directory
        self._position = self._size = self._round = 0

    @classmethod
    def join(cls, directory: Path) -> SharedLog:
        """That of the running loop; to be left with :meth:`leave`."""
        loop = asyncio.get_running_loop()
        logs = cls._of.setdefault(loop, {})
        log = logs.get(directory)
        if log is None:
            log = logs[directory] = cls(loop, directory)
        log._users += 1
        return log

    def leave(self) -> None:
        """Not used any more; the last user ends it, after what is on its way."""
        self._users -= 1
        if self._users:
            return
        # Who comes later gets a log of its own.
        self._of.get(self._loop, {}).pop(self._directory, None)
        self._hand_over()
        self._jobs.put(None)
        if self._thread is None:
            self._end()

    def write(self, file: JournalFile, data: bytes, position: int, done: Done) -> None:
        """Write into a journal.

        Args:
            file: The journal, which no other write is on its way to.
            data: What is written.
            position: Where.
            done: Told when it is safe, or with the error: then the journal is as it was.
        """
        if not self._collected:
            self._turns = 0
            self._loop.call_soon(self._turned)
        self._quiet_for = 0
        self._collected.append(_Job(file, data, position, done))

    def take_over(self, file: JournalFile, fresh: JournalFile) -> None:
        """Another file, which is on the disk, is in the place of a journal from now on."""
        with self._busy:
            self._dirty.pop(file, None)
            os.close(file.descriptor)
            file.descriptor, file.generation = fresh.descriptor, fresh.generation

    def close(self, file: JournalFile, data: bytes, position: int) -> None:
        """Write the last bytes of a journal, if that is possible, and close it."""
        with self._busy:
            # What cannot be written is learnt from the other members; what needed to be on the
            # disk is in the log, which stays then.
            with suppress(OSError):
                disk.put(file.descriptor, data, position)
                os.fdatasync(file.descriptor)
                self._dirty.pop(file, None)
            os.close(file.descriptor)
            file.descriptor = -1

    def _turned(self) -> None:
        """Wait for a few turns of the loop without anything new: it is written with the rest."""
        self._quiet_for += 1
        self._turns += 1
        if self._quiet_for >= QUIET_TURNS or self._turns >= MOST_TURNS:
            self._hand_over()
        elif self._collected:
            self._loop.call_soon(self._turned)

    def _hand_over(self) -> None:
        collected, self._collected = self._collected, []
        if not collected:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="journals", daemon=True)
            self._thread.start()
        self._jobs.put(collected)

    # In the thread

    def _serve(self) -> None:
        """Work until told to end."""
        while True:
            jobs = self._jobs.get()
            ended = jobs is None
            taken = jobs or []
            with suppress(Empty):
                while not ended:
                    more = self._jobs.get_nowait()
                    ended = more is None
                    taken += more or []
            if taken:
                with self._busy:
                    self._write(taken)
                # A loop that was closed meanwhile has nobody who waits.
                with suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(_finish, taken)
            if ended:
                self._end()
                return

    def _write(self, jobs: list[_Job]) -> None:
        for job in jobs:
            try:
                disk.put(job.file.descriptor, job.data, job.position)
            except OSError as error:
                job.error = error
        good = [job for job in jobs if job.error is None]
        try:
            self._log(good)
        except OSError as error:
            for job in good:
                job.error = error
                with suppress(OSError):
                    os.ftruncate(job.file.descriptor, job.position)
            return
        self._dirty.update(dict.fromkeys(job.file for job in good))
        if self._position >= FULL_BYTES:
            # What cannot be brought to the disk stays in the log, which grows.
            with suppress(OSError):
                self._begin_anew()

    def _log(self, jobs: list[_Job]) -> None:
        data = b"".join(
            written(
                Entry(self._round, job.file.path.name, job.file.generation, job.position, job.data)
            )
            for job in jobs
        )
        if not data:
            return
        end = self._position + len(data)
        if end > self._size:
            self._grow(end + GROWTH_BYTES)
        disk.put(self._file, data, self._position)
        os.fdatasync(self._file)
        self._position = end

    def _grow(self, size: int) -> None:
        fresh = self._file < 0
        if fresh:
            self._path = self._directory / f"{uuid.uuid4().hex}{LOG_SUFFIX}"
            with disk.alone(self._directory):
                self._file = disk.own_new(self._path)
        disk.put(self._file, bytes(size - self._size), self._size)
        os.fsync(self._file)
        if fresh:
            disk.sync_directory(self._directory)
        self._size = size

    def _begin_anew(self) -> None:
        for file in list(self._dirty):
            os.fdatasync(file.descriptor)
            del self._dirty[file]
        self._position, self._round = 0, self._round + 1

    def _end(self) -> None:
        """Remove the log, unless journals need it."""
        if self._file < 0:
            return
        with suppress(OSError):
            if not self._dirty:
                self._path.unlink()
        os.close(self._file)
        self._file = -1


def _finish(jobs: list[_Job]) -> None:
    for job in jobs:
        job.done(job.error)
