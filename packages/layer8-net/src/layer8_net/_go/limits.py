# SPDX-License-Identifier: Apache-2.0
"""What the ``go`` profile can carry, checked where the caller can see it.

Each of these would crash a Go node, or reach it as something else, if it was sent nevertheless.
"""

from __future__ import annotations

from functools import lru_cache

from l8types.constants import (
    MAX_AREA,
    MAX_GO_SERVICE_NAME_BYTES,
    MAX_GO_TEXT_BYTES,
    UUID_LENGTH,
)
from l8types.enums import MulticastMode
from l8types.errors import DecodeError, EncodeError
from layer8_net.errors import NameTooLongError

__all__ = ["area_number", "cut_text", "id_bytes", "id_text", "mode_number", "name_bytes", "seconds"]

MAX_SECONDS = 65_535


@lru_cache(maxsize=4096)
def name_bytes(name: str) -> bytes:
    """Wire form of a service name, without padding.

    Raises:
        EncodeError: It is empty.
        NameTooLongError: It is too long, or has a NUL in it.
    """
    encoded = name.encode("utf-8", "surrogatepass")
    if not encoded:
        raise EncodeError("a message needs the name of a service")
    if len(encoded) > MAX_GO_SERVICE_NAME_BYTES or b"\0" in encoded:
        raise NameTooLongError(
            f"service name {name[:64]!r} of {len(encoded)} bytes: the go profile carries up to "
            f"{MAX_GO_SERVICE_NAME_BYTES} bytes without NUL"
        )
    return encoded


def id_bytes(text: str, what: str) -> bytes:
    """Wire form of an id of up to 36 ASCII characters, padded with NUL.

    Raises:
        EncodeError: It does not fit.
    """
    if len(text) > UUID_LENGTH or not text.isascii() or "\0" in text:
        raise EncodeError(
            f"{what} {text[:64]!r} of {len(text)} characters: the go profile carries up to "
            f"{UUID_LENGTH} in ASCII"
        )
    return text.encode().ljust(UUID_LENGTH, b"\0")


def id_text(padded: bytes) -> str:
    """Id of its wire form.

    Raises:
        DecodeError: It is no text, or has a NUL in it. What could not be written again must not be
            read either: whoever answers sends it back.
    """
    text = padded.rstrip(b"\0")
    if not text.isascii() or b"\0" in text:
        raise DecodeError(f"id {text!r} is no text")
    return text.decode("ascii")


def area_number(area: int) -> int:
    """The area of a service.

    Raises:
        EncodeError: It is not one byte.
    """
    if not 0 <= area <= MAX_AREA:
        raise EncodeError(f"service area {area} is not in 0..{MAX_AREA}")
    return area


def mode_number(mode: int) -> int:
    """Number of a multicast mode in the header.

    Raises:
        EncodeError: It has none there; as 128 it would change the priority instead.
    """
    if not 0 <= mode <= MulticastMode.LEADER:
        raise EncodeError(f"mode {mode!r} cannot travel; name a destination instead")
    return mode


def cut_text(text: str) -> bytes:
    """A reason, cut at a character: its length is one byte, and a short reason beats none."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= MAX_GO_TEXT_BYTES:
        return encoded
    return encoded[:MAX_GO_TEXT_BYTES].decode("utf-8", "ignore").encode()


def seconds(timeout: float) -> int:
    """Whole seconds of a time-out, rounded up so that a short one does not become none."""
    return 0 if timeout <= 0 else min(MAX_SECONDS, max(1, -int(-timeout // 1)))
