# SPDX-License-Identifier: Apache-2.0
"""The journal of a member: a file that is only appended to, or none at all.

Records that must not be lost are on the disk when :meth:`commit` returns: in the log that all
journals of the process share, from which the file is completed after a crash. A disk that is full
is an error of that call; what was written of it is cut off again, and later calls may succeed.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from typing import TYPE_CHECKING, Final, Protocol

from l8services._transactions import disk
from l8services._transactions.frames import frame, frames, read_frames
from l8services._transactions.log import JournalFile, SharedLog
from l8services._transactions.records import Record, decode_record, encode
from l8services._transactions.redo import began, is_began, recover
from l8types.errors import ClosedError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

__all__ = ["FileJournal", "Journal", "NoJournal", "open_journal"]

SLOTS: Final = 64
"""Nodes of one data directory that may have a journal of the same service."""


class Journal(Protocol):
    """Where a member keeps what it must not forget."""

    @property
    def lasting(self) -> bool:
        """Whether what it was given is there after a restart."""
        ...

    @property
    def size(self) -> int:
        """Bytes of the file."""
        ...

    async def load(self) -> list[Record]:
        """The records of earlier lives, in order."""
        ...

    def note(self, records: Iterable[Record]) -> None:
        """Records that are written with the next ones that must not be lost."""
        ...

    async def commit(self, records: Sequence[Record]) -> None:
        """Write records, those noted before them; they are safe when this returns.

        Raises:
            UnavailableError: The disk refused them; the noted ones are kept for the next call.
        """
        ...

    async def replace(self, records: Sequence[Record]) -> None:
        """Make these, and what is written meanwhile, the whole content.

        Raises:
            UnavailableError: The disk refused; the old content stays.
        """
        ...

    def close(self) -> None:
        """Write what was noted, as far as possible, and end."""
        ...


class NoJournal:
    """Forgets everything; for services whose data live as long as one of their nodes."""

    lasting = False
    size = 0

    async def load(self) -> list[Record]:
        """Nothing."""
        return []

    def note(self, records: Iterable[Record]) -> None:
        """Nothing is kept."""

    async def commit(self, records: Sequence[Record]) -> None:
        """Nothing is kept."""

    async def replace(self, records: Sequence[Record]) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is open."""


class FileJournal:
    """A journal in a file that is this node's alone as long as it is open.

    Args:
        file: The file.
        found: The whole records in it.
        size: Bytes that it has now.
        log: Where it is joined already; it is left when the journal is closed.
    """

    lasting = True

    def __init__(self, file: JournalFile, found: list[bytes], size: int, log: SharedLog) -> None:
        self._file = file
        self._found = found
        self._log = log
        self._noted: list[bytes] = []
        self._late: list[bytes] | None = None
        self._lock = asyncio.Lock()
        self.size = size

    async def load(self) -> list[Record]:
        """The whole records that were there when it was opened, once."""
        found, self._found = self._found, []
        return [decode_record(record) for record in found if not is_began(record)]

    def note(self, records: Iterable[Record]) -> None:
        """Keep records for the next write."""
        encoded = [encode(record) for record in records]
        self._noted += encoded
        if self._late is not None:
            self._late += encoded

    async def commit(self, records: Sequence[Record]) -> None:
        """Append and wait for the disk; whoever gives up does not stop it."""
        encoded = [encode(record) for record in records]
        await self._lock.acquire()
        if self._file.descriptor < 0:
            self._lock.release()
            raise ClosedError("the journal is closed")
        noted, self._noted = self._noted, []
        data = frames([*noted, *encoded])
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(error: OSError | None) -> None:
            if error is None:
                self.size += len(data)
                if self._late is not None:
                    self._late += encoded
            else:
                self._noted = noted + self._noted
            self._lock.release()
            if not waiter.done():
                _end(waiter, error)

        self._log.write(self._file, data, self.size, done)
        await waiter

    async def replace(self, records: Sequence[Record]) -> None:
        """Write a new file beside the old one and let it take its place."""
        self._late = []
        path, generation = self._file.path, uuid.uuid4().hex
        try:
            data = frames([began(generation), *map(encode, records)])
            fresh = path.with_suffix(".new")
            file = await asyncio.to_thread(disk.create, fresh, data)
            async with self._lock:
                late = frames(self._late)
                await asyncio.to_thread(_take_place, file, fresh, path, late, len(data))
                self._log.take_over(self._file, JournalFile(path, file, generation))
                self.size, self._noted = len(data) + len(late), []
        except OSError as error:
            raise UnavailableError(f"the journal cannot be written: {error.strerror}") from error
        finally:
            self._late = None

    def close(self) -> None:
        """Write what was noted and close the file; idempotent."""
        if self._file.descriptor < 0:
            return
        self._log.close(self._file, frames(self._noted), self.size)
        self._log.leave()


def _end(waiter: asyncio.Future[None], error: OSError | None) -> None:
    if error is None:
        waiter.set_result(None)
        return
    refused = UnavailableError(f"the journal cannot be written: {error.strerror}")
    refused.__cause__ = error
    waiter.set_exception(refused)


async def open_journal(directory: Path, name: str) -> FileJournal:
    """Open the journal of a service that no other node holds, or begin one.

    Nodes that share a directory get files of their own. Made on a running event loop, whose log of
    the directory it uses until it is closed.

    Raises:
        UnavailableError: The directory cannot be written.
    """
    log = SharedLog.join(directory)
    try:
        return FileJournal(*await asyncio.to_thread(_open, directory, name), log)
    except BaseException:
        log.leave()
        raise


def _open(directory: Path, name: str) -> tuple[JournalFile, list[bytes], int]:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with disk.alone(directory):
            recover(directory)
            for slot in range(SLOTS):
                path = directory / (f"{name}.{slot}.journal" if slot else f"{name}.journal")
                file = disk.own(path, make=True)
                if file is not None:
                    return _begin(path, file)
    except OSError as error:
        raise UnavailableError(f"no journal in {directory}: {error.strerror}") from error
    raise UnavailableError(f"{SLOTS} nodes have a journal of {name} in {directory}, the limit")


def _begin(path: Path, file: int) -> tuple[JournalFile, list[bytes], int]:
    """Cut off what a crash tore at the end, and begin a generation."""
    try:
        found, size = read_frames(disk.read(file))
        os.ftruncate(file, size)
        generation = uuid.uuid4().hex
        first = frame(began(generation))
        disk.put(file, first, size)
        os.fsync(file)
        disk.sync_directory(path.parent)
    except BaseException:
        os.close(file)
        raise
    return JournalFile(path, file, generation), found, size + len(first)


def _take_place(file: int, fresh: Path, path: Path, late: bytes, position: int) -> None:
    """Add what came late, and let the new file be the journal."""
    disk.put(file, late, position)
    os.fdatasync(file)
    fresh.replace(path)
    disk.sync_directory(path.parent)
