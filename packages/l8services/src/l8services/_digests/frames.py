# SPDX-License-Identifier: Apache-2.0
"""How an instance asks another one for its digests and for single ranges of its copy.

The questions are marked queries, as those for a whole copy; what an instance that does not know the
mark answers has no digests in it and counts as no answer. A synchronous core.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from l8services._copies import MARK, CopyPage, read_copy, stamped, tell_deleted
from l8services._digests.ranges import DIGEST_BYTES, RANGES, range_of
from l8types.errors import InvalidInputError
from l8types.pb import L8MetaData, L8Query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from l8services._replica import Replica
    from l8types.protocols.data import Elements, ElementsFactory, Scope
    from l8types.values import Element

__all__ = [
    "RangesPage",
    "answer_question",
    "ask_digests",
    "ask_ranges",
    "is_question",
    "read_digests",
    "read_ranges",
]

_DIGESTS: Final = f"{MARK}.digests"
_RANGES: Final = f"{MARK}.ranges"


@dataclass(frozen=True, slots=True)
class RangesPage:
    """Some ranges of another instance's copy.

    Attributes:
        page: Its content.
        ranges: Those that are told completely.
    """

    page: CopyPage
    ranges: frozenset[int]


def ask_digests(model: str) -> L8Query:
    """Question for the digests of all ranges."""
    return _question(model, _DIGESTS)


def ask_ranges(model: str, ranges: Iterable[int]) -> L8Query:
    """Question for the items and deletions of some ranges."""
    return _question(model, f"{_RANGES}:{bytes(sorted(ranges)).hex()}")


def is_question(schema: str) -> bool:
    """Whether a query is one of these questions, by its schema."""
    return schema == _DIGESTS or schema.startswith(f"{_RANGES}:")


def answer_question(
    schema: str, replica: Replica, factory: ElementsFactory, scope: Scope, *, size: int
) -> Elements:
    """Answer to a question.

    Args:
        schema: Schema of the query.
        replica: The copy here.
        factory: Makes the answer.
        scope: What the caller may see of an item.
        size: Items after which no further range is told; the caller asks for the rest again.

    Raises:
        InvalidInputError: It names no ranges.
    """
    if schema == _DIGESTS:
        metadata = L8MetaData()
        metadata.value_count[_DIGESTS].counts[_to_text(replica.digests.sums())] = 1
        return factory.entries((), metadata=metadata)
    return _answer_ranges(_ranges_of(schema), replica, factory, scope, size)


def read_digests(answer: Elements) -> tuple[int, ...] | None:
    """Digests of all ranges, ``None`` from an instance that has none."""
    for text in _counts(answer, _DIGESTS):
        digests = _from_text(text)
        if digests is not None:
            return digests
    return None


def read_ranges(answer: Elements) -> RangesPage:
    """What an answer to :func:`ask_ranges` says."""
    told = (text for text in _counts(answer, _RANGES) if text.isascii() and text.isdigit())
    return RangesPage(read_copy(answer), frozenset(int(text) for text in told))


def _question(model: str, schema: str) -> L8Query:
    # The name is that of a registered model, never one that came over the network.
    return L8Query(text=f"select * from {model} limit 1", schema=schema)  # noqa: S608


def _answer_ranges(
    ranges: Iterable[int], replica: Replica, factory: ElementsFactory, scope: Scope, size: int
) -> Elements:
    metadata = L8MetaData()
    entries: list[Element] = []
    told: set[int] = set()
    for number in ranges:
        if told and len(entries) >= size:
            break
        told.add(number)
        metadata.value_count[_RANGES].counts[str(number)] = 1
        for key in replica.digests.keys((number,)):
            item = replica.cache.get(key)
            shown = None if item is None else scope(item)
            entries += [] if shown is None else [stamped(shown, replica)]
    deletions = replica.versions.tombstones()
    tell_deleted(metadata, ((key, at) for key, at in deletions if range_of(key) in told), replica)
    return factory.entries(entries, metadata=metadata)


def _ranges_of(schema: str) -> bytes:
    text = schema.removeprefix(f"{_RANGES}:")
    try:
        ranges = bytes.fromhex(text)
    except ValueError:
        ranges = b""
    if not ranges or len(ranges) > RANGES:
        raise InvalidInputError(f"{text[:40]!r} names no ranges of a copy")
    return ranges


def _to_text(digests: Iterable[int]) -> str:
    return b"".join(digest.to_bytes(DIGEST_BYTES, "big") for digest in digests).hex()


def _from_text(text: str) -> tuple[int, ...] | None:
    try:
        data = bytes.fromhex(text)
    except ValueError:
        return None
    if len(data) != RANGES * DIGEST_BYTES:
        return None
    starts = range(0, len(data), DIGEST_BYTES)
    return tuple(int.from_bytes(data[at : at + DIGEST_BYTES], "big") for at in starts)


def _counts(answer: Elements, name: str) -> list[str]:
    counts = {} if answer.metadata is None else answer.metadata.value_count
    return list(counts[name].counts) if name in counts else []
