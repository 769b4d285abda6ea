# SPDX-License-Identifier: Apache-2.0
"""Files that belong to one node each, and what is written into them: steps that wait for the disk.

Called in threads only.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["alone", "create", "own", "own_new", "put", "read", "sync_directory"]

_LOCK: Final = "journals.lock"


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Nobody else opens or recovers journals of this directory meanwhile, in no process.

    Raises:
        OSError: The directory cannot be written.
    """
    file = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def own(path: Path, *, make: bool = False) -> int | None:
    """The open file if it can be had for oneself, also when it is replaced at this moment.

    Args:
        path: The file.
        make: Whether to begin one where there is none.

    Returns:
        Its descriptor, ``None`` when somebody else has it, or when there is none.
    """
    while True:
        try:
            file = os.open(path, os.O_RDWR | (os.O_CREAT if make else 0), 0o600)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
        if path.exists() and os.fstat(file).st_ino == path.stat().st_ino:
            return file
        os.close(file)


def own_new(path: Path) -> int:
    """A new file for oneself, in place of any that was there.

    Raises:
        OSError: It cannot be made.
    """
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def create(path: Path, data: bytes) -> int:
    """A new file for oneself with this content, which is on the disk.

    Raises:
        OSError: It cannot be written.
    """
    file = own_new(path)
    try:
        put(file, data, 0)
        os.fdatasync(file)
    except BaseException:
        os.close(file)
        raise
    return file


def put(file: int, data: bytes, position: int) -> None:
    """Write all of it at a position; a failure leaves the file as long as it was.

    Raises:
        OSError: The disk refuses.
    """
    view = memoryview(data)
    try:
        while view:
            done = os.pwrite(file, view, position + len(data) - len(view))
            view = view[done:]
    except OSError:
        if os.fstat(file).st_size > position:
            os.ftruncate(file, position)
        raise


def read(file: int) -> bytes:
    """The whole content."""
    size = os.fstat(file).st_size
    parts, position = [], 0
    while position < size:
        part = os.pread(file, size - position, position)
        if not part:
            break
        parts.append(part)
        position += len(part)
    return b"".join(parts)


def sync_directory(directory: Path) -> None:
    """What was created, renamed or removed in a directory is on the disk.

    Raises:
        OSError: It is not.
    """
    file = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
