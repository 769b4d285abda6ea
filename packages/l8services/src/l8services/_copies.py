# SPDX-License-Identifier: Apache-2.0
"""How an instance asks another one for its copy, and how that one answers.

The question is an ordinary GET, so that any implementation can answer it: a query page by page, or
items as examples. A mark asks for more: the stamp of each item as the key of its element, and in
the metadata of the answer what the sender has seen and what it deleted. An answer without these is
that of an instance which does not stamp; it is taken at its word.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from l8services._replica import Copy
from l8services._versions import ORIGIN, Stamp
from l8types.pb import L8MetaData, L8Query
from l8types.values import Element

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from l8services._replica import Replica
    from l8types.protocols.data import Elements, ElementsFactory, Query, Scope
    from l8types.values import Page

__all__ = [
    "MARK",
    "CopyPage",
    "answer_examples",
    "answer_page",
    "ask_examples",
    "ask_page",
    "is_marked",
    "read_copy",
    "stamped",
    "tell_deleted",
]

MARK: Final = "copy"
"""Asks for stamps: the schema of a query, or the key of an example."""
_SEEN: Final = "copy.seen"
_DELETED: Final = "copy.deleted"
_STATE: Final = "copy.state"
_REMOVED: Final = "removed"
_HORIZON: Final = "copy.horizon"
_TIMES: Final = "copy.times"


@dataclass(frozen=True, slots=True)
class CopyPage:
    """One page of another instance's copy.

    Attributes:
        copy: Its content.
        seen: Per instance the number up to which the sender has all changes.
        removed: How many items the sender had deleted in all when it answered.
        horizon: Newest deletion that the sender forgot.
        times: Per instance the time of stamps up to which the sender knows all changes.
    """

    copy: Copy
    seen: dict[str, int] = field(default_factory=dict)
    removed: int = 0
    horizon: Stamp = ORIGIN
    times: dict[str, int] = field(default_factory=dict)


def ask_page(model: str, *, size: int, page: int) -> L8Query:
    """Question for one page of all items."""
    # The name is that of a registered model, never one that came over the network.
    return L8Query(
        text=f"select * from {model} limit {size} page {page}",  # noqa: S608
        schema=MARK,
    )


def ask_examples(items: Iterable[object], factory: ElementsFactory) -> Elements:
    """Question for the present state of some items."""
    return factory.entries(Element(item, MARK) for item in items)


def is_marked(elements: Elements) -> bool:
    """Whether another instance asks for its copy."""
    if elements.query is not None:
        schema = elements.query.schema
        return schema == MARK or schema.startswith(f"{MARK}.")
    return len(elements) > 0 and all(entry.key == MARK for entry in elements)


def answer_page(page: Page, query: Query, replica: Replica, factory: ElementsFactory) -> Elements:
    """Answer to :func:`ask_page`; deletions come with the last page, when all items were told."""
    entries = [stamped(item, replica) for item in page.items]
    metadata = L8MetaData()
    metadata.CopyFrom(page.metadata)
    _tell_state(metadata, replica)
    if len(entries) < query.limit:
        tell_deleted(metadata, replica.versions.tombstones(), replica)
    return factory.entries(entries, metadata=metadata)


def answer_examples(
    examples: Sequence[object], replica: Replica, factory: ElementsFactory, scope: Scope
) -> Elements:
    """Answer to :func:`ask_examples`: items that are there, and deletions of those that are not."""
    metadata = L8MetaData()
    _tell_state(metadata, replica)
    found: list[Element] = []
    for example in examples:
        key = replica.cache.key_of(example)
        item = replica.cache.get(key)
        stamp = replica.versions.current(key)
        if item is not None:
            shown = scope(item)
            found += [] if shown is None else [stamped(shown, replica)]
        elif stamp != ORIGIN:
            metadata.value_count[_DELETED].counts[f"{stamp.to_text()}/{key}"] = 1
    return factory.entries(found, metadata=metadata)


def read_copy(answer: Elements) -> CopyPage:
    """What an answer says."""
    items = tuple((entry.value, Stamp.from_text(entry.key)) for entry in answer)
    metadata = answer.metadata
    if metadata is None:
        return CopyPage(Copy(items))
    counts = metadata.value_count
    seen = {uuid: int(number) for uuid, number in _counts(metadata, _SEEN).items()}
    horizon = next((Stamp.from_text(text) for text in _counts(metadata, _HORIZON)), None)
    removed = int(counts[_STATE].counts[_REMOVED]) if _STATE in counts else 0
    times = {uuid: int(time) for uuid, time in _counts(metadata, _TIMES).items()}
    return CopyPage(Copy(items, _deleted(metadata)), seen, removed, horizon or ORIGIN, times)


def tell_deleted(
    metadata: L8MetaData, deletions: Iterable[tuple[str, Stamp]], replica: Replica
) -> None:
    """Add deletions to an answer, the newest one that is forgotten, and what was known."""
    _tell_forgotten(metadata, replica)
    deleted = metadata.value_count[_DELETED].counts
    for key, stamp in deletions:
        deleted[f"{stamp.to_text()}/{key}"] = 1


def stamped(item: object, replica: Replica) -> Element:
    """An item with its stamp."""
    return Element(item, replica.versions.current(replica.cache.key_of(item)).to_text())


def _tell_state(metadata: L8MetaData, replica: Replica) -> None:
    for uuid, number in replica.seen().items():
        metadata.value_count[_SEEN].counts[uuid] = number
    metadata.value_count[_STATE].counts[_REMOVED] = replica.versions.removed
    _tell_forgotten(metadata, replica)


def _tell_forgotten(metadata: L8MetaData, replica: Replica) -> None:
    metadata.value_count[_HORIZON].counts[replica.versions.horizon.to_text()] = 1
    for uuid, time in replica.knowledge.times().items():
        metadata.value_count[_TIMES].counts[uuid] = time


def _counts(metadata: L8MetaData, name: str) -> dict[str, float]:
    counts = metadata.value_count
    return dict(counts[name].counts) if name in counts else {}


def _deleted(metadata: L8MetaData) -> tuple[tuple[str, Stamp], ...]:
    deleted: list[tuple[str, Stamp]] = []
    for text in _counts(metadata, _DELETED):
        stamp_text, separator, key = text.partition("/")
        stamp = Stamp.from_text(stamp_text)
        if separator and stamp is not None:
            deleted.append((key, stamp))
    return tuple(deleted)
