# SPDX-License-Identifier: Apache-2.0
"""Several values behind each other: written one by one, read one by one, from anywhere.

Nothing separates the values and nothing counts them; a format that is made of them says itself how
many there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from l8srlz._codec import ObjectCodec
    from l8types.enums import Kind


@final
class ObjectWriter:
    """Collects the bytes of consecutive values. For one user at a time.

    Args:
        codec: Says how values are written, and how much there may be.
    """

    __slots__ = ("_codec", "_out")

    def __init__(self, codec: ObjectCodec) -> None:
        self._codec = codec
        self._out = bytearray()

    @property
    def location(self) -> int:
        """Bytes written so far, which is the offset of the next value."""
        return len(self._out)

    def add(self, value: object, *, kind: Kind | None = None, key_kind: Kind | None = None) -> None:
        """Append a value.

        Args:
            value: What to write.
            kind: As for :meth:`ObjectCodec.encode`.
            key_kind: As for :meth:`ObjectCodec.encode`.

        Raises:
            EncodeError: The value cannot be represented, or there would be too much; what was
                written before stays as it is.
        """
        before = len(self._out)
        try:
            self._codec.write(self._out, value, "value", kind=kind, key_kind=key_kind)
            self._codec.check_size(self._out)
        except BaseException:
            del self._out[before:]
            raise

    def data(self) -> bytes:
        """Everything written so far; it does not change with what is added later."""
        return bytes(self._out)


@final
class ObjectReader:
    """Reads consecutive values. For one user at a time.

    Iterating gives the values that are left.

    Args:
        codec: Says how values are read.
        data: The bytes.
        offset: Where the first value begins.

    Raises:
        DecodeError: The data are above the limit of the codec.
        InvalidInputError: The offset is not within the data.
    """

    __slots__ = ("_decoder",)

    def __init__(self, codec: ObjectCodec, data: bytes | memoryview, *, offset: int = 0) -> None:
        self._decoder = codec.decoder(data)
        if not 0 <= offset <= self._decoder.remaining:
            raise InvalidInputError(
                f"offset {offset} is not within the {self._decoder.remaining} bytes of the data"
            )
        self._decoder.position = offset

    @property
    def location(self) -> int:
        """Offset of the next value; after an error it stays at the value that was refused."""
        return self._decoder.position

    @property
    def remaining(self) -> int:
        """Bytes not read yet."""
        return self._decoder.remaining

    def get(self) -> object:
        """Read the next value.

        Raises:
            DecodeError: There is none, or the bytes are no value; carries the offset.
        """
        before = self._decoder.position
        try:
            return self._decoder.read()
        except BaseException:
            self._decoder.position = before
            raise

    def __iter__(self) -> Iterator[object]:
        while self.remaining:
            yield self.get()
