# SPDX-License-Identifier: Apache-2.0
"""The cipher that the Go nodes use for handshakes and bodies, for a key of one's own.

A security provider for a ``go`` network encrypts with it. It keeps a secret from who only listens
and no more: nothing tells whether a text was changed, and headers are in the clear.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import string
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from l8types.errors import ConfigurationError, DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CfbCipher", "new_key"]

IV_BYTES: Final = 16
KEY_BYTES: Final = (16, 24, 32)
_ALPHABET: Final = string.ascii_letters + string.digits


def new_key() -> str:
    """A random key of 32 letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(32))


class CfbCipher:
    """AES in CFB mode with a random start in front, as base64; implements ``Cipher``.

    Args:
        key: 16, 24 or 32 bytes.
        iv: Makes the 16 bytes to start from, fresh each time; tests bring their own.

    Raises:
        ConfigurationError: A key of another length.
    """

    def __init__(self, key: bytes, iv: Callable[[], bytes] = lambda: os.urandom(IV_BYTES)) -> None:
        if len(key) not in KEY_BYTES:
            raise ConfigurationError(f"key of {len(key)} bytes, {KEY_BYTES} are possible")
        self._aes = AES(key)
        self._iv = iv

    def encrypt(self, data: bytes) -> bytes:
        """Encrypted form as base64 text."""
        iv = self._iv()
        encryptor = Cipher(self._aes, CFB(iv)).encryptor()
        return base64.b64encode(iv + encryptor.update(data) + encryptor.finalize())

    def decrypt(self, data: bytes) -> bytes:
        """The reverse.

        Raises:
            DecodeError: Not base64, or too short; another key cannot be noticed.
        """
        try:
            raw = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise DecodeError(f"encrypted data is no base64: {error}") from error
        if len(raw) < IV_BYTES:
            raise DecodeError(f"encrypted data has {len(raw)} bytes, at least {IV_BYTES} expected")
        decryptor = Cipher(self._aes, CFB(raw[:IV_BYTES])).decryptor()
        return decryptor.update(raw[IV_BYTES:]) + decryptor.finalize()
