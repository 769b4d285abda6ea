# SPDX-License-Identifier: Apache-2.0
"""Pages of answers, with their counters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar

from l8orm._documents import to_document
from l8types.constants import METADATA_TOTAL
from l8types.pb import L8MetaData
from l8types.values import Page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from l8types.protocols.data import Query

__all__ = ["aggregate_page", "distinct", "item_page", "page_of"]

T = TypeVar("T")


def page_of(query: Query, entries: Sequence[T]) -> list[T]:
    """The part of all entries that the query asks for."""
    if not query.limit:
        return list(entries)
    start = query.page * query.limit
    return list(entries[start : start + query.limit])


def distinct(query: Query, entries: Iterable[tuple[str, object]]) -> list[tuple[str, object]]:
    """The first entry of those that look the same in the answer."""
    seen: set[str] = set()
    kept: list[tuple[str, object]] = []
    for key, item in entries:
        document = to_document(query.project(item), query.root)
        identity = json.dumps(_alike(document), sort_keys=True)
        if identity not in seen:
            seen.add(identity)
            kept.append((key, item))
    return kept


def _alike(document: object) -> object:
    """The same for what compares equal: zero and minus zero do."""
    if isinstance(document, float):
        return document + 0.0
    if isinstance(document, list):
        return [_alike(each) for each in document]
    if isinstance(document, dict):
        return {key: _alike(each) for key, each in document.items()}
    return document


def item_page(query: Query, items: Iterable[object], total: int) -> Page:
    """A page of items, reduced to what is selected."""
    metadata = L8MetaData()
    metadata.key_count.counts[METADATA_TOTAL] = float(total)
    return Page([query.project(item) for item in items], metadata)


def aggregate_page(query: Query, groups: Sequence[Mapping[str, object]]) -> Page:
    """A page of groups; ``Total`` is their number, the other counters are the aggregates."""
    metadata = L8MetaData()
    counts = metadata.key_count.counts
    counts[METADATA_TOTAL] = float(len(groups))
    for group in groups:
        suffix = _group_text(query, group)
        for aggregate in query.aggregates:
            value = group.get(aggregate.alias)
            if isinstance(value, int | float):
                counts[aggregate.alias + suffix] = float(value)
    return Page(page_of(query, groups), metadata)


def _group_text(query: Query, group: Mapping[str, object]) -> str:
    """Suffix of the counters of a group: its values, joined as other nodes do it."""
    if not query.group_by:
        return ""
    aliases = {aggregate.alias for aggregate in query.aggregates}
    values = [value for name, value in group.items() if name not in aliases]
    return ":" + "|".join("<nil>" if value is None else str(value) for value in values)
