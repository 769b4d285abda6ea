# SPDX-License-Identifier: Apache-2.0
"""The journal of a member: a file that is only appended to, or none at all.

Records that must not be lost are on the disk when :meth:`commit` returns. A disk that is full is an
error of that call; what was written of it is cut off again, and later calls may succeed.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from l8services._transactions.frames import frames, read_frames
from l8services._transactions.records import Record, decode_record, encode
from l8services._transactions.writers import Writers
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
        path: The file.
        descriptor: Its open and locked descriptor.

    Made on a running event loop, whose threads for disks it uses until it is closed.
    """

    lasting = True

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._file = descriptor
        self._writers = Writers.join()
        self._noted: list[bytes] = []
        self._late: list[bytes] | None = None
        self._lock = asyncio.Lock()
        self.size = 0

    async def load(self) -> list[Record]:
        """The whole records; what a crash tore at the end is cut off."""
        data = await asyncio.to_thread(self._path.read_bytes)
        found, self.size = read_frames(data)
        if self.size < len(data):
            os.ftruncate(self._file, self.size)
        return [decode_record(record) for record in found]

    def note(self, records: Iterable[Record]) -> None:
        """Keep records for the next write."""
        encoded = [encode(record) for record in records]
        self._noted += encoded
        if self._late is not None:
            self._late += encoded

    async def commit(self, records: Sequence[Record]) -> None:
        """Append and wait for the disk."""
        encoded = [encode(record) for record in records]
        async with self._lock:
            await self._append(encoded)
        if self._late is not None:
            self._late += encoded

    async def _append(self, encoded: list[bytes]) -> None:
        if self._file < 0:
            raise ClosedError("the journal is closed")
        noted, self._noted = self._noted, []
        data = frames([*noted, *encoded])
        try:
            await self._writers.run(partial(_write, self._file, data, self.size))
        except OSError as error:
            self._noted = noted + self._noted
            raise UnavailableError(f"the journal cannot be written: {error.strerror}") from error
        self.size += len(data)

    async def replace(self, records: Sequence[Record]) -> None:
        """Write a new file beside the old one and let it take its place."""
        self._late = []
        try:
            data = frames(map(encode, records))
            fresh = self._path.with_suffix(".new")
            file = await asyncio.to_thread(_create, fresh, data)
            async with self._lock:
                late = frames(self._late)
                await asyncio.to_thread(_write, file, late, len(data))
                await asyncio.to_thread(_take_place, fresh, self._path)
                os.close(self._file)
                self._file, self.size, self._noted = file, len(data) + len(late), []
        except OSError as error:
            raise UnavailableError(f"the journal cannot be written: {error.strerror}") from error
        finally:
            self._late = None

    def close(self) -> None:
        """Write what was noted and close the file; idempotent."""
        if self._file < 0:
            return
        # An outcome that cannot be written is learnt from the other members, or found again.
        with suppress(OSError):
            _write(self._file, frames(self._noted), self.size)
        os.close(self._file)
        self._file = -1
        self._writers.leave()


async def open_journal(directory: Path, name: str) -> FileJournal:
    """Open the journal of a service that no other node holds, or begin one.

    Nodes that share a directory get files of their own.

    Raises:
        UnavailableError: The directory cannot be written.
    """
    return FileJournal(*await asyncio.to_thread(_open, directory, name))


def _open(directory: Path, name: str) -> tuple[Path, int]:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for slot in range(SLOTS):
            path = directory / (f"{name}.{slot}.journal" if slot else f"{name}.journal")
            file = _lock(path)
            if file is not None:
                return path, file
    except OSError as error:
        raise UnavailableError(f"no journal in {directory}: {error.strerror}") from error
    raise UnavailableError(f"{SLOTS} nodes have a journal of {name} in {directory}, the limit")


def _lock(path: Path) -> int | None:
    """The open file if it can be had for oneself, also when it is replaced at this moment."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
        if path.exists() and os.fstat(file).st_ino == path.stat().st_ino:
            return file
        os.close(file)


def _write(file: int, data: bytes, position: int) -> None:
    """Write at a position and wait for the disk; a failure leaves the file as it was."""
    try:
        view = memoryview(data)
        while view:
            done = os.pwrite(file, view, position + len(data) - len(view))
            view = view[done:]
        os.fdatasync(file)
    except OSError:
        os.ftruncate(file, position)
        raise


def _create(path: Path, data: bytes) -> int:
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    _write(file, data, 0)
    return file


def _take_place(fresh: Path, path: Path) -> None:
    fresh.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)
