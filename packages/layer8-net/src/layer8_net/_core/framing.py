# SPDX-License-Identifier: Apache-2.0
"""Cuts a stream of bytes into frames, however the bytes arrive.

It knows the length at the start of a frame and nothing else. Bad input never raises: the decoder
stops and tells why in ``error``, after the good frames before it were handed out.
"""

from __future__ import annotations

import struct
from typing import Final

from l8types.errors import FrameTooLargeError

__all__ = ["LENGTH_SIZE", "FrameDecoder"]

LENGTH_SIZE: Final = 4
_LENGTH: Final = struct.Struct(">I")


class FrameDecoder:
    """Incremental decoder; what it holds back is one incomplete frame at most.

    Args:
        limit_bytes: Largest frame, its length field not counted. It is small before the peer is
            authenticated, so that a stranger cannot make this side allocate memory, and is raised
            afterwards.
    """

    __slots__ = ("_held", "_held_bytes", "_limit", "_wanted_bytes", "error")

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._wanted_bytes = LENGTH_SIZE
        self.error: FrameTooLargeError | None = None
        """Why nothing comes any more; the connection is to be closed."""

    def raise_limit(self, limit_bytes: int) -> None:
        """Accept larger frames from now on; call :meth:`feed` with nothing to go on."""
        self._limit = limit_bytes
        self._wanted_bytes = LENGTH_SIZE
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
        unpack = _LENGTH.unpack_from
        wanted = LENGTH_SIZE
        while size - position >= LENGTH_SIZE:
            (length,) = unpack(data, position)
            if length > limit:
                self.error = FrameTooLargeError(
                    f"frame of {length} bytes is above the limit of {limit}",
                    size_bytes=length,
                    limit_bytes=limit,
                )
                break
            end = position + LENGTH_SIZE + length
            if end > size:
                wanted = LENGTH_SIZE + length
                break
            frames.append(data[position:end])
            position = end
        if position < size:
            self._held.append(data[position:])
        self._held_bytes = size - position
        self._wanted_bytes = wanted
        return frames
