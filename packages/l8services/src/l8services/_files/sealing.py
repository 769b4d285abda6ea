# SPDX-License-Identifier: Apache-2.0
"""Encryption at rest: each file has a key of its own, which is wrapped by one of the store.

Contents are sealed in chunks (AES-256-GCM) that are bound to their file and their place, so that
files can be read in parts, and nothing can be cut, exchanged or moved without being noticed.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from l8types.errors import ConfigurationError, DecodeError
from l8types.protocols.security import Cipher

__all__ = ["CHUNK_BYTES", "SEAL_BYTES", "FileKeys", "KeyWrapper", "ProviderKey", "Sealer"]

CHUNK_BYTES: Final = 65_536
"""Bytes of a file in one chunk."""
SEAL_BYTES: Final = 16
"""What a chunk is longer by on the disk."""
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_RECORD_PLACE: Final = 2**64 - 1
"""Place of the description of a file, where no chunk can be."""


class KeyWrapper(Protocol):
    """Keeps the keys of files secret."""

    def wrap(self, key: bytes) -> tuple[str, bytes]:
        """Name of the key that wraps, and the wrapped key."""
        ...

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """The key of a file.

        Raises:
            DecodeError: The wrapping key is not known, or is another one.
        """
        ...


class ProviderKey:
    """Wraps with the key of the network, as the security provider has it.

    Args:
        cipher: The provider.
    """

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher

    def wrap(self, key: bytes) -> tuple[str, bytes]:
        """Encrypted by the provider; its key has no name."""
        return "", self._cipher.encrypt(key)

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """The reverse."""
        if name:
            raise DecodeError(f"the file needs the key {name[:40]!r}, which is not in the settings")
        return self._cipher.decrypt(wrapped)


@dataclass(frozen=True, slots=True)
class FileKeys:
    """Keys from the settings: one that is used, and older ones that are still read.

    To change the key, add a new one and name it as the current one; files that are written from
    then on use it. A key may go when no file needs it any more.
    """

    current: str
    """Name of the key that new files get."""
    keys: Mapping[str, bytes] = field(repr=False)
    """32 bytes each, by name; a secret."""
    provider: Cipher | None = field(default=None, repr=False)
    """Reads what was written before there were keys in the settings."""

    def __post_init__(self) -> None:
        if self.current not in self.keys:
            raise ConfigurationError(f"the current key {self.current!r} is not among the keys")
        for name, key in self.keys.items():
            if not 0 < len(name.encode()) <= 255:
                raise ConfigurationError("the name of a key needs 1 to 255 bytes")
            if len(key) != _KEY_BYTES:
                raise ConfigurationError(
                    f"key {name!r} has {len(key)} bytes, it needs {_KEY_BYTES}"
                )

    def wrap(self, key: bytes) -> tuple[str, bytes]:
        """Sealed with the current key."""
        nonce = os.urandom(_NONCE_BYTES)
        return self.current, nonce + AESGCM(self.keys[self.current]).encrypt(nonce, key, None)

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """Opened with whichever key sealed it."""
        if not name and self.provider is not None:
            return self.provider.decrypt(wrapped)
        if name not in self.keys:
            raise DecodeError(f"the file needs the key {name[:40]!r}, which is not in the settings")
        try:
            return AESGCM(self.keys[name]).decrypt(
                wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], None
            )
        except (InvalidTag, ValueError) as error:
            raise DecodeError(f"the file was not sealed with this key {name!r}") from error


class Sealer:
    """Seals and opens the chunks of one file.

    Args:
        file_id: The file; a chunk of another one is not accepted.
        key: Its key; by default a new one, which is used for nothing else, so that the place of a
            chunk can be its nonce.
    """

    def __init__(self, file_id: str, key: bytes | None = None) -> None:
        self.key = key if key is not None else os.urandom(_KEY_BYTES)
        if len(self.key) != _KEY_BYTES:
            raise DecodeError(f"the key of the file has {len(self.key)} bytes, not {_KEY_BYTES}")
        self._aead = AESGCM(self.key)
        self._bound = file_id.encode()

    def seal(self, place: int, data: bytes) -> bytes:
        """A chunk for the disk."""
        return self._aead.encrypt(_nonce(place), data, self._bound)

    def open(self, place: int, data: bytes) -> bytes:
        """A chunk from the disk.

        Raises:
            DecodeError: It was changed, or belongs elsewhere.
        """
        try:
            return self._aead.decrypt(_nonce(place), data, self._bound)
        except (InvalidTag, ValueError) as error:
            raise DecodeError("the file was damaged or changed on the disk") from error

    def seal_record(self, data: bytes) -> bytes:
        """The description of the file for the disk."""
        return self.seal(_RECORD_PLACE, data)

    def open_record(self, data: bytes) -> bytes:
        """The description of the file from the disk."""
        return self.open(_RECORD_PLACE, data)


def _nonce(place: int) -> bytes:
    return struct.pack(">IQ", 0, place)
