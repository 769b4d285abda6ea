# SPDX-License-Identifier: Apache-2.0
"""Makes containers: from values, errors, queries and pages, and from bytes."""

import logging
from collections.abc import Iterable, Sequence
from itertools import starmap
from typing import Final, TypeVar, final

from google.protobuf.message import Message

from l8srlz import _wire as wire
from l8srlz._codec import ObjectCodec
from l8srlz._decoder import Decoder
from l8srlz._elements import (
    NOTHING,
    ONE_HEAD,
    ONE_TAIL,
    Elements,
    total_of,
)
from l8srlz._error_text import text_of
from l8types.enums import Kind
from l8types.errors import DecodeError, InvalidInputError
from l8types.pb import L8MetaData, L8Query
from l8types.protocols.data import Elements as AnyElements
from l8types.values import Element, Page

_log: Final = logging.getLogger(__name__)
M = TypeVar("M", bound=Message)

_ONE_START: Final = len(ONE_HEAD)
_AROUND_ONE: Final = len(ONE_HEAD) + len(ONE_TAIL)
_BYTES_START: Final = _ONE_START + wire.BYTES_HEAD.size
_BYTES_END: Final = -len(ONE_TAIL)
_REMEMBERED: Final = 256
_unpack_bytes_head: Final = wire.BYTES_HEAD.unpack_from

MAX_REPLICA: Final = 255
"""The number of a replica is one byte in the header of a message."""


@final
class ElementsFactory:
    """Makes containers whose values are coded by one codec.

    Args:
        codec: Codes the values; the container's own format builds on it. With a Go-compatible
            codec, an empty page is written as Go nodes expect it: one empty entry.
    """

    __slots__ = ("_codec", "_sizes")

    def __init__(self, codec: ObjectCodec) -> None:
        self._codec = codec
        self._sizes: dict[bytes, int] = {}
        """Sizes of containers of one byte string by what they start with, as seen lately."""

    def of(self, *values: object, notification: bool = False) -> Elements:
        """Container of the values in order; the keys of several are their indexes."""
        return Elements(self._codec, _indexed(values), notification=notification)

    def entries(
        self, entries: Iterable[Element], *, metadata: L8MetaData | None = None
    ) -> Elements:
        """Container of ready entries."""
        return Elements(self._codec, tuple(entries), None, metadata)

    def error(self, error: BaseException | str) -> Elements:
        """Container of one error; an ``L8Error`` keeps its code across the wire.

        Raises:
            InvalidInputError: An empty text.
        """
        return Elements(self._codec, (Element(error=text_of(error)),))

    def query(self, query: str | L8Query) -> Elements:
        """Request by query; text is sent as it is and parsed by the receiver.

        Raises:
            InvalidInputError: An empty text.
        """
        if isinstance(query, str):
            if not query.strip():
                raise InvalidInputError("a query needs a text, such as 'select * from Book'")
            query = L8Query(text=query)
        return Elements(self._codec, query=query)

    def page(self, page: Page) -> Elements:
        """Result with metadata; without counters the items are counted."""
        # The keys of a list are its indexes, also for one item.
        entries = tuple(Element(item, index) for index, item in enumerate(page.items))
        metadata = page.metadata if page.metadata.ListFields() else total_of(len(entries))
        if not entries and self._codec.go_compatible:
            entries = (Element(),)
        return Elements(self._codec, entries, None, metadata)

    def replica(self, elements: AnyElements, number: int) -> Elements:
        """The same content addressed to one replica.

        Raises:
            InvalidInputError: The number is not in 0..255.
        """
        if not 0 <= number <= MAX_REPLICA:
            raise InvalidInputError(f"replica {number} is not in 0..{MAX_REPLICA}")
        return Elements(
            self._codec,
            tuple(elements),
            elements.query,
            elements.metadata,
            notification=elements.notification,
            replica=number,
        )

    def decode(self, data: bytes | memoryview) -> Elements:
        """Container from its wire form; what follows the query is ignored.

        Raises:
            DecodeError: The bytes are no container; carries the offset.
        """
        if type(data) is bytes:
            if self._sizes.get(data[:_BYTES_START]) == len(data) and data.endswith(ONE_TAIL):
                value = data[_BYTES_START:_BYTES_END]
                return Elements(self._codec, (Element(value),), None, 1)
            quickly = self._decode_usual(data)
            if quickly is not None:
                return quickly
        decoder = self._codec.decoder(data)
        entries = tuple(starmap(Element, decoder.read_entries(_read_count(decoder))))
        metadata = _read_tail(decoder, L8MetaData)
        query = _read_tail(decoder, L8Query)
        return Elements(self._codec, entries, query, metadata)

    def _decode_usual(self, data: bytes) -> Elements | None:
        """A container of one value, or none, as most are; ``None`` for others and for bad ones.

        What is read is the same as in :meth:`decode`: values tell where they end, so one value
        between head and tail leaves only one way to read the whole.
        """
        if not data.startswith(ONE_HEAD) or not data.endswith(ONE_TAIL):
            return Elements(self._codec, (), None, 0) if data == NOTHING else None
        size = len(data) - _AROUND_ONE
        if len(data) > self._codec.limits.max_bytes:
            return None
        if size < wire.BYTES_HEAD.size:
            value: object = None
            if data[_ONE_START : _ONE_START + size] != wire.NIL_VALUE:
                return None
        else:
            kind, length, flag = _unpack_bytes_head(data, _ONE_START)
            end = _ONE_START + size
            is_bytes = kind == Kind.LIST and flag == wire.FLAG_BYTES
            if is_bytes and 0 < length == size - wire.BYTES_HEAD.size:
                value = data[_BYTES_START:end]
                if len(self._sizes) >= _REMEMBERED:
                    self._sizes.clear()
                self._sizes[data[:_BYTES_START]] = len(data)
            else:
                try:
                    value = self._codec.decode(data[_ONE_START:end])
                except DecodeError:
                    # The long way knows the offset in the whole.
                    return None
        return Elements(self._codec, (Element(value),), None, 1)


def _indexed(values: Sequence[object]) -> tuple[Element, ...]:
    if len(values) == 1:
        return (Element(values[0]),)
    if not values:
        return ()
    return tuple(Element(value, index) for index, value in enumerate(values))


def _read_count(decoder: Decoder) -> int:
    if decoder.kind() != Kind.INT:
        raise decoder.fail("no count of entries", 0)
    count = decoder.read()
    if not isinstance(count, int) or not 0 <= count * wire.MIN_ENTRY_BYTES <= decoder.remaining:
        raise decoder.fail(f"{count} entries where {decoder.remaining} bytes are left", 4)
    return count


def _read_tail(decoder: Decoder, wanted: type[M]) -> M | None:
    """One of the parts behind the entries; older nodes leave them out or put others there."""
    if not decoder.remaining:
        return None
    value = decoder.read()
    if isinstance(value, wanted):
        return value
    if value is not None:
        _log.debug("a %s instead of %s was ignored", type(value).__name__, wanted.__name__)
    return None
