# SPDX-License-Identifier: Apache-2.0
"""The files on the disk: whole or not there, and never outside of their folder. Calls block.

A file is two of the disk: ``ID.data``, and ``ID.meta`` which is written last and removed first, so
that a file without it is none. ``ID.part`` is one that is being uploaded.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from l8types.errors import (
    ConflictError,
    DecodeError,
    InvalidInputError,
    OverloadedError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Disk", "is_file_id"]

_ID: Final = re.compile(r"[0-9a-f]{32}")
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


def is_file_id(text: str) -> bool:
    """Whether it is an id that a store could have given."""
    return _ID.fullmatch(text) is not None


class Disk:
    """The folder of a store.

    Args:
        root: The folder; made when it is missing, for this user alone.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        with _told("open the folder of files"):
            root.mkdir(parents=True, exist_ok=True, mode=0o700)

        self._lock: int | None = None

    def lock(self) -> None:
        """Keep others away: what one store writes, another one would take for left behind.

        Raises:
            ConflictError: Another store uses the folder.
        """
        with _told("open the folder of files"):
            descriptor = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise ConflictError(
                f"another file store uses {self.root}; give each a folder of its own"
            ) from error
        self._lock = descriptor

    def unlock(self) -> None:
        """Let others in; idempotent. It also happens when the process ends."""
        descriptor, self._lock = self._lock, None
        if descriptor is not None:
            os.close(descriptor)

    def path(self, file_id: str, ending: str) -> Path:
        """Where a file is. Only an id that a store gave is part of the path.

        Raises:
            InvalidInputError: It is no such id.
        """
        if not is_file_id(file_id):
            raise InvalidInputError(f"{file_id[:80]!r} is no id of a file")
        # Some hundred folders, so that none of them has too many entries.
        return self.root / file_id[:2] / f"{file_id}.{ending}"

    def create(self, file_id: str) -> int:
        """Open a new file to be uploaded into; returns its descriptor."""
        path = self.path(file_id, "part")
        with _told("write a file"):
            path.parent.mkdir(exist_ok=True, mode=0o700)
            return os.open(path, _NEW, 0o600)

    def append(self, descriptor: int, data: bytes) -> None:
        """Write all of it."""
        view = memoryview(data)
        with _told("write a file"):
            while view:
                view = view[os.write(descriptor, view) :]

    def commit(self, file_id: str, descriptor: int, record: bytes) -> None:
        """Let an uploaded file be one; when it fails, nothing of it is left.

        Args:
            file_id: The file.
            descriptor: What it was written through; closed.
            record: Its description.
        """
        data, meta = self.path(file_id, "data"), self.path(file_id, "meta")
        draft = self.path(file_id, "draft")
        try:
            with _told("write a file"):
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                self.path(file_id, "part").replace(data)
            self._write(draft, record)
            with _told("write a file"):
                draft.replace(meta)
                _sync_folder(meta.parent)
                _sync_folder(self.root)
        except BaseException:
            self.remove(file_id)
            raise

    def _write(self, path: Path, data: bytes) -> None:
        with _told("write a file"):
            descriptor = os.open(path, _NEW, 0o600)
            try:
                self.append(descriptor, data)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def open(self, file_id: str) -> int:
        """Descriptor to read the contents of a file."""
        with _told("read a file"):
            return os.open(self.path(file_id, "data"), _READ)

    def read(self, descriptor: int, size: int) -> bytes:
        """The next bytes of an open file; fewer only at its end."""
        parts: list[bytes] = []
        with _told("read a file"):
            while size and (part := os.read(descriptor, size)):
                parts.append(part)
                size -= len(part)
        return b"".join(parts)

    def record(self, file_id: str) -> bytes:
        """The description of a file.

        Raises:
            DecodeError: It is no description: far too long.
        """
        with _told("read a file"):
            descriptor = os.open(self.path(file_id, "meta"), _READ)
            try:
                data = self.read(descriptor, 65_537)
            finally:
                os.close(descriptor)
        if len(data) > 65_536:
            raise DecodeError("no description of a file")
        return data

    def remove(self, file_id: str) -> None:
        """Remove a file, or what there is of it."""
        with _told("remove a file"):
            for ending in ("meta", "draft", "data", "part"):
                with contextlib.suppress(FileNotFoundError):
                    self.path(file_id, ending).unlink()

    def ids(self) -> list[str]:
        """All files, sorted."""
        with _told("list the files"):
            found = [path.stem for path in self.root.glob("??/*.meta")]
        return sorted(one for one in found if is_file_id(one))

    def tidy(self) -> int:
        """Remove what a process left behind that ended while it wrote; how many files."""
        whole = set(self.ids())
        with _told("list the files"):
            endings = [*self.root.glob("??/*.part"), *self.root.glob("??/*.draft")]
            orphans = [p for p in self.root.glob("??/*.data") if p.stem not in whole]
        left = {path.stem for path in (*endings, *orphans) if is_file_id(path.stem)} - whole
        for file_id in left:
            self.remove(file_id)
        return len(left)


def _sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Turn what the system refuses into an error that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise OverloadedError(f"cannot {what}: no space is left on the disk") from error
        raise UnavailableError(f"cannot {what}: {error.strerror}") from error
