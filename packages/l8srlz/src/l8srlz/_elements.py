# SPDX-License-Identifier: Apache-2.0
"""The container that requests and responses travel in.

Layout, all of them values of the object codec behind each other:

    count of entries (INT)
    per entry: value | key | error text (STRING)
    metadata (L8MetaData)
    query (L8Query) or nothing
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Self, final

from l8srlz._codec import ObjectCodec
from l8srlz._encoder import model_bytes
from l8srlz._error_text import error_of
from l8srlz._lists import list_of
from l8srlz._wire import HEAD
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


_NO_ERROR: Final = HEAD.pack(Kind.STRING, 0)


@final
@dataclass(frozen=True, slots=True)
class Elements:
    """Request and response container; made by :class:`ElementsFactory`.

    It is immutable; the values in it are the caller's and are not copied.
    """

    codec: ObjectCodec = field(repr=False, compare=False)
    entries: tuple[Element, ...] = ()
    query: L8Query | None = None
    """The query in wire form, if this is a request by query."""
    metadata: L8MetaData | None = None
    """Counters of a result; when there are none, the wire form tells the number of entries."""
    notification: bool = False
    """Whether this came from a peer's notification; local, never on the wire."""
    replica: int | None = None
    """Replica number of a replicated request, ``None`` otherwise; local."""

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Element]:
        return iter(self.entries)

    @property
    def values(self) -> tuple[object, ...]:
        """The values of all entries, in order."""
        return tuple(entry.value for entry in self.entries)

    @property
    def first(self) -> object:
        """The first value, ``None`` when there is none."""
        return self.entries[0].value if self.entries else None

    @property
    def error(self) -> str:
        """The first error text, "" when there is none."""
        return next((entry.error for entry in self.entries if entry.error), "")

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
            raise error_of(text)
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
        out = bytearray()
        write = self.codec.write
        write(out, len(self.entries), "count")
        for index, entry in enumerate(self.entries):
            write(out, entry.value, f"entry {index}")
            write(out, entry.key, f"key of entry {index}")
            if entry.error:
                write(out, entry.error, f"error of entry {index}")
            else:
                out += _NO_ERROR
        if self.metadata is None:
            out += _total_bytes(len(self.entries))
        else:
            write(out, self.metadata, "metadata")
        write(out, self.query, "query")
        self.codec.check_size(out)
        return bytes(out)
