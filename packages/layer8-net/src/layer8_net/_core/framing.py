# SPDX-License-Identifier: Apache-2.0
"""Cuts a stream of bytes into frames, however the bytes arrive.

It knows the length at the start of a frame and nothing else. Bad input never raises: the decoder
stops and tells why in ``error``, after the good frames before it were handed out.
"""

from __future__ import annotations

import struct
from typing import Final

from l8types.errors import FrameTooLargeError

__all__ = ["LENGTH", "LENGTH_SIZE", "FrameDecoder"]

LENGTH: Final = struct.Struct(">I")
LENGTH_SIZE: Final = LENGTH.size


class FrameDecoder:
    """Incremental decoder; what it holds back is one incomplete frame at most.

    Args:
        limit_bytes: Largest frame, its length field not counted. It is small before the peer is
            authenticated, so that a stranger cannot make this side allocate memory, and is raised
            afterwards.
        length: The length field at the start of a frame; the length does not count itself.
    """

    __slots__ = (
        "_held",
        "_held_bytes",
        "_length",
        "_length_size",
        "_limit",
        "_wanted_bytes",
        "error",
    )

    def __init__(self, limit_bytes: int, length: struct.Struct = LENGTH) -> None:
        self._limit = limit_bytes
        self._length = length
        self._length_size = length.size
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._wanted_bytes = self._length_size
        self.error: FrameTooLargeError | None = None
        """Why nothing comes any more; the connection is to be closed."""

    def raise_limit(self, limit_bytes: int) -> None:
        """Accept larger frames from now on; call :meth:`feed` with nothing to go on."""
        self._limit = limit_bytes
        self._wanted_bytes = self._length_size
        self.error = None

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes of the stream.

        Returns:
            The frames that are complete now, their length fields included.
        """
        if self.error is not None:
            return []
        if self._held:
            self._held.append(data)
            self._held_bytes += len(data)
            if self._held_bytes < self._wanted_bytes:
                return []
            data = b"".join(self._held)
            self._held.clear()
        return self._cut(data)

    def _cut(self, data: bytes) -> list[bytes]:
        frames: list[bytes] = []
        position, size, limit = 0, len(data), self._limit
        unpack, prefix = self._length.unpack_from, self._length_size
        wanted = prefix
        while size - position >= prefix:
            (length,) = unpack(data, position)
            if length > limit:
                self.error = FrameTooLargeError(
                    f"frame of {length} bytes is above the limit of {limit}",
                    size_bytes=length,
                    limit_bytes=limit,
                )
                break
            end = position + prefix + length
            if end > size:
                wanted = prefix + length
                break
            frames.append(data[position:end])
            position = end
        if position < size:
            self._held.append(data[position:])
        self._held_bytes = size - position
        self._wanted_bytes = wanted
        return frames
