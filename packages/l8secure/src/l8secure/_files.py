# SPDX-License-Identifier: Apache-2.0
"""Small files with secrets in them: private to the owner, replaced as a whole or not at all."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from l8types.errors import ConfigurationError

__all__ = ["JsonFile", "private_directory", "read_or_create", "write_private"]

T = TypeVar("T")


def private_directory(path: Path) -> Path:
    """The directory, created for the owner alone when it is missing."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"cannot create {path}: {error.strerror}") from error
    return path


def write_private(path: Path, data: bytes) -> None:
    """Replace a file atomically; only the owner can read it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_or_create(path: Path, size_bytes: int) -> bytes:
    """Content of a file of random bytes (as hexadecimal text); the first caller creates it.

    Several processes may start at once: the file that was linked first is the one all of them use.
    """
    private_directory(path.parent)
    if not path.exists():
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(size_bytes))
            path.hardlink_to(temporary)
        except FileExistsError:
            pass  # another process was faster; its secret is the network's
        finally:
            temporary.unlink()
    try:
        return bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path} cannot be read as hexadecimal text; restore it from another node"
        ) from error


class JsonFile(Generic[T]):
    """A value kept in a JSON file that several processes read and one writes now and then."""

    def __init__(self, path: Path, kind: type[T], empty: T) -> None:
        self._path = path
        self._decoder = msgspec.json.Decoder(kind)
        self._empty = empty
        self._read: tuple[tuple[int, int], T] | None = None

    def load(self) -> T:
        """The value; read again only when the file changed.

        Raises:
            ConfigurationError: The file does not hold what it should.
        """
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return self._empty
        version = status.st_mtime_ns, status.st_ino
        if self._read is None or self._read[0] != version:
            try:
                self._read = version, self._decoder.decode(self._path.read_bytes())
            except msgspec.DecodeError as error:
                raise ConfigurationError(f"{self._path} is damaged: {error}") from error
        return self._read[1]

    def save(self, value: T) -> None:
        """Replace the value."""
        private_directory(self._path.parent)
        write_private(self._path, msgspec.json.format(msgspec.json.encode(value)))
        self._read = None
