# SPDX-License-Identifier: Apache-2.0
"""The container that requests and responses travel in.

Layout, all of them values of the object codec behind each other:

    count of entries (INT)
    per entry: value | key | error text (STRING)
    metadata (L8MetaData)
    query (L8Query) or nothing
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Self, final

import msgspec

from l8srlz._codec import ObjectCodec
from l8srlz._encoder import model_bytes
from l8srlz._error_text import error_of
from l8srlz._lists import list_of
from l8srlz._wire import BYTES_HEAD, FLAG_BYTES, HEAD, INDEX_TAIL, NIL_VALUE, NUMBERS
from l8types.constants import METADATA_TOTAL
from l8types.enums import Kind
from l8types.pb import L8MetaData, L8Query
from l8types.values import Element, Page


def total_of(count: int) -> L8MetaData:
    """Metadata that tell how many there are."""
    metadata = L8MetaData()
    metadata.key_count.counts[METADATA_TOTAL] = count
    return metadata


@lru_cache(maxsize=1024)
def _total_bytes(count: int) -> bytes:
    """Wire form of such metadata, which nearly every container carries."""
    payload = total_of(count).SerializeToString(deterministic=True)
    return model_bytes(Kind.MESSAGE, len(payload), "L8MetaData", payload)


_STRING: Final = int(Kind.STRING)
_pack_head: Final = HEAD.pack
_NO_ERROR: Final = HEAD.pack(Kind.STRING, 0)
_bytes_head: Final = BYTES_HEAD.pack
_index_tail: Final = INDEX_TAIL.pack

# Most containers hold one value, often a byte string, or nothing; what is around it is always the
# same then.
ONE_HEAD: Final = NUMBERS[Kind.INT].pack(Kind.INT, 1)
ONE_TAIL: Final = NIL_VALUE + _NO_ERROR + _total_bytes(1) + NIL_VALUE
NOTHING: Final = NUMBERS[Kind.INT].pack(Kind.INT, 0) + _total_bytes(0) + NIL_VALUE


@lru_cache(maxsize=1024)
def _one_bytes_head(size: int) -> bytes:
    """What is before the only value, a byte string of this size."""
    return ONE_HEAD + _bytes_head(Kind.LIST, size, FLAG_BYTES)


@final
class Elements(msgspec.Struct, frozen=True, eq=False):
    """Request and response container; made by :class:`ElementsFactory`.

    It is immutable; the values in it are the caller's and are not copied.
    """

    codec: ObjectCodec
    entries: tuple[Element, ...] = ()
    query: L8Query | None = None
    """The query in wire form, if this is a request by query."""
    _counters: L8MetaData | int | None = None
    """The metadata, or the one counter that they consist of as long as nobody asked for them."""
    notification: bool = False
    """Whether this came from a peer's notification; local, never on the wire."""
    replica: int | None = None
    """Replica number of a replicated request, ``None`` otherwise; local."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Elements):
            return NotImplemented
        return self._content() == other._content()

    __hash__ = None  # type: ignore[assignment] # the values in it may change

    def __repr__(self) -> str:
        query = "" if self.query is None else f", query={self.query.text!r}"
        return f"Elements({', '.join(map(repr, self.entries))}{query})"

    def _content(self) -> tuple[object, ...]:
        return self.entries, self.query, self.metadata, self.notification, self.replica

    @property
    def metadata(self) -> L8MetaData | None:
        """Counters of a result; when there are none, the wire form tells the number of entries."""
        counters = self._counters
        if isinstance(counters, int):
            counters = total_of(counters)
            msgspec.structs.force_setattr(self, "_counters", counters)
        return counters

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Element]:
        return iter(self.entries)

    @property
    def values(self) -> tuple[object, ...]:
        """The values of all entries, in order."""
        entries = self.entries
        if len(entries) == 1:
            return (entries[0].value,)
        return tuple([entry.value for entry in entries])

    @property
    def first(self) -> object:
        """The first value, ``None`` when there is none."""
        return self.entries[0].value if self.entries else None

    @property
    def error(self) -> str:
        """The first error text, "" when there is none."""
        for entry in self.entries:
            if entry.error:
                return entry.error
        return ""

    @property
    def is_filter(self) -> bool:
        """Whether this is a request by example: no query, and at least one value to compare with.

        An empty container, or one that holds nothing, is no example that would match everything.
        """
        return self.query is None and any(entry.value is not None for entry in self.entries)

    def raise_for_error(self) -> Self:
        """This container, unless it holds an error.

        Raises:
            L8Error: The first error, as the class that its code names; ``RemoteError`` for a text
                without a code.
        """
        text = self.error
        if text:
            error = error_of(text)
            error.answer = self
            raise error
        return self

    def to_page(self) -> Page:
        """Values and metadata as a page; entries without a value are left out.

        Go nodes answer with one empty entry when they have found nothing: that is an empty page.
        """
        items = tuple(entry.value for entry in self.entries if entry.value is not None)
        metadata = self.metadata or total_of(len(items))
        if len(self) == 1 and not items and metadata == total_of(1):
            # The entry that stands for "nothing" was counted by its sender.
            metadata = total_of(0)
        return Page(items, metadata)

    def to_list(self, model: type | None = None) -> object:
        """The values as one list message, such as a ``BookList``, with the metadata.

        Entries without a value are left out. The list type is the one registered under the name of
        the model with ``List`` behind it: a message, dataclass or struct with the attribute
        ``list`` and, if it wants them, ``metadata``.

        Args:
            model: Type of the values; by default that of the first. Needed for an empty container.

        Raises:
            InvalidInputError: There is nothing that tells the type, the values are of several, or
                the list type is not registered.
        """
        page = self.to_page()
        return list_of(self.codec.registry, page.items, page.metadata, model)

    def encode(self) -> bytes:
        """Wire form; byte for byte that of the Go nodes.

        Raises:
            EncodeError: A value cannot be represented; names the entry.
        """
        entries = self.entries
        if len(entries) < 2 and self._counters is None and self.query is None:
            if not entries:
                return NOTHING
            entry = entries[0]
            if entry.key is None and not entry.error:
                return self._encode_one(entry.value)
        out = bytearray()
        write = self.codec.write
        write(out, len(entries), "count")
        for index, entry in enumerate(entries):
            value, key = entry.value, entry.key
            if type(value) is bytes and value:
                out += _bytes_head(Kind.LIST, len(value), FLAG_BYTES)
                out += value
            else:
                write(out, value, f"entry {index}")
            if type(key) is int and key == index and not entry.error:
                out += _index_tail(Kind.INT, index, Kind.STRING, 0)
                continue
            write(out, key, f"key of entry {index}")
            if entry.error:
                write(out, entry.error, f"error of entry {index}")
            else:
                out += _NO_ERROR
        counters = len(entries) if self._counters is None else self._counters
        if isinstance(counters, int):
            out += _total_bytes(counters)
        else:
            write(out, counters, "metadata")
        write(out, self.query, "query")
        self.codec.check_size(out)
        return bytes(out)

    def _encode_one(self, value: object) -> bytes:
        """The usual container: one value without a key."""
        if type(value) is bytes and value:
            data = _one_bytes_head(len(value)) + value + ONE_TAIL
        else:
            out = bytearray(ONE_HEAD)
            self.codec.write(out, value, "entry 0")
            out += ONE_TAIL
            data = bytes(out)
        if len(data) > self.codec.limits.max_bytes:
            self.codec.check_size(data)
        return data
