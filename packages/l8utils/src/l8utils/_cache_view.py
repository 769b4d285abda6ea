# SPDX-License-Identifier: Apache-2.0
"""From the matches of a query to the page that a caller gets."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from google.protobuf.message import Message

from l8types.constants import METADATA_TOTAL
from l8types.pb import L8MetaData
from l8types.values import Page
from l8utils._cache_answers import sorts_items
from l8utils._cache_counters import Counters

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

    from l8types.protocols.data import Counter, Query, Scope
    from l8types.protocols.models import Cloner

NULL_GROUP: Final = "<nil>"
"""Text of an absent group value in the name of a counter, as Go nodes write it."""


def visible_items(
    query: Query, items: Iterable[object], scope: Scope, key_of: Callable[[object], str]
) -> list[object]:
    """What a caller may see of the matches, in the order of what is seen.

    A redacted item has to match and is sorted as it is shown, otherwise criteria and order would
    tell what the redaction hides.

    Args:
        query: What was asked.
        items: The matches, in the order of the query.
        scope: Shows or hides them.
        key_of: Primary key of an item, as it is stored.
    """
    seen: list[tuple[object, object]] = []
    redacted = False
    for item in items:
        shown = scope(item)
        if shown is None:
            continue
        if shown is not item:
            if not query.matches(shown):
                continue
            redacted = True
        seen.append((item, shown))
    if redacted and sorts_items(query):
        # Ties are broken by the keys of the stored items: those shown may have lost theirs.
        seen.sort(key=lambda pair: key_of(pair[0]))
        return query.sort([shown for _, shown in seen])
    return [shown for _, shown in seen]


def answer_items(
    query: Query,
    items: Sequence[object],
    cloner: Cloner,
    functions: Mapping[str, Counter],
    counters: Counters | None,
) -> Page:
    """One page of items.

    Args:
        query: Tells page, columns and distinctness.
        items: All that the caller may see, in order.
        cloner: Copies what leaves the cache.
        functions: The counters of the cache.
        counters: Their state over ``items``, ``None`` when not known.
    """
    if query.distinct:
        items, counters = list(_distinct(query, items)), None
    start, end = _bounds(query, len(items))
    page = [query.project(cloner.clone(item)) for item in items[start:end]]
    if counters is None:
        counters = Counters(functions, items)
    return Page(page, counters.metadata(len(items)))


def answer_aggregates(query: Query, items: list[object]) -> Page:
    """One page of groups; ``Total`` is their number, the other counters are the aggregates."""
    groups = query.aggregate(items)
    start, end = _bounds(query, len(groups))
    metadata = L8MetaData()
    counts = metadata.key_count.counts
    counts[METADATA_TOTAL] = float(len(groups))
    for group in groups:
        suffix = _group_text(query, group)
        for aggregate in query.aggregates:
            value = group.get(aggregate.alias)
            if isinstance(value, (int, float)):
                counts[aggregate.alias + suffix] = float(value)
    return Page(groups[start:end], metadata)


def _distinct(query: Query, items: Iterable[object]) -> Iterator[object]:
    seen: set[Hashable] = set()
    for item in items:
        identity = _frozen(query.project(item))
        if identity not in seen:
            seen.add(identity)
            yield item


def _frozen(value: object) -> Hashable:
    """Something hashable that is equal for equal values."""
    match value:
        case Message():
            return type(value), value.SerializeToString(deterministic=True)
        case dict():
            return frozenset((key, _frozen(entry)) for key, entry in value.items())
        case list() | tuple():
            return tuple(map(_frozen, value))
        case bytearray():
            return bytes(value)
    names = _attributes(value)
    if names is None:
        return repr(value) if type(value).__hash__ is None else value
    return type(value), *(_frozen(getattr(value, name)) for name in names)


def _attributes(value: object) -> tuple[str, ...] | None:
    if dataclasses.is_dataclass(value):
        return tuple(field.name for field in dataclasses.fields(value))
    # The attributes of a msgspec struct, without needing msgspec.
    names: tuple[str, ...] | None = getattr(type(value), "__struct_fields__", None)
    return names


def _bounds(query: Query, length: int) -> tuple[int, int]:
    if not query.limit:
        return 0, length
    start = query.page * query.limit
    return start, start + query.limit


def _group_text(query: Query, group: Mapping[str, object]) -> str:
    if not query.group_by:
        return ""
    aliases = {aggregate.alias for aggregate in query.aggregates}
    values = [value for name, value in group.items() if name not in aliases]
    return ":" + "|".join(NULL_GROUP if value is None else str(value) for value in values)
