# SPDX-License-Identifier: Apache-2.0
"""How a live answer travels: as the parts of a stream, each an ordinary container.

The question is a query whose ``schema`` begins with a mark; behind the mark is the token with which
an earlier answer goes on. The parts of the answer say in their metadata what they are. The key of
an element is the kind of its change and the key of its item.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from l8services._live.core import LiveChange, LiveKind
from l8types.errors import InvalidInputError
from l8types.pb import L8MetaData, L8Query
from l8types.values import Element

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from l8types.protocols.data import Elements, ElementsFactory

__all__ = ["Part", "PartKind", "ask_live", "asks_live", "parts_of", "read_part", "token_of"]

_MARK: Final = "live"
_KIND: Final = "live.kind"
_TOKEN: Final = "live.token"  # noqa: S105 - a place in an answer, no secret


class PartKind(Enum):
    """What a part of a live answer is."""

    FIRST = "first"
    """The answer begins anew, with these entries."""
    MORE = "more"
    """More entries of the answer, or more changes of it."""
    CHANGES = "changes"
    """What changed; without entries it is a sign of life."""
    MOVED = "moved"
    """The provider leaves: the last part. Another one goes on."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a live answer.

    Attributes:
        kind: What it is.
        changes: Entries; those of a whole answer are additions.
        token: With it the answer goes on after this part; "" when more parts belong to this one.
    """

    kind: PartKind
    changes: tuple[LiveChange, ...] = ()
    token: str = ""


def ask_live(query: L8Query, token: str = "") -> L8Query:
    """The question for a live answer, from the beginning or from a token on."""
    asked = L8Query()
    asked.CopyFrom(query)
    asked.register = True
    asked.schema = f"{_MARK}:{token}"
    return asked


def asks_live(elements: Elements) -> bool:
    """Whether a request asks for a live answer."""
    return elements.query is not None and elements.query.schema.startswith(f"{_MARK}:")


def token_of(query: L8Query) -> str:
    """The token of a question, "" without one."""
    return query.schema.removeprefix(f"{_MARK}:")


def parts_of(
    kind: PartKind,
    changes: Sequence[LiveChange],
    token: str,
    factory: ElementsFactory,
    *,
    size: int,
) -> Iterator[Elements]:
    """The parts that tell changes, at least one.

    Removals are parts of their own: an answer in which nothing is shown has nothing to hide, so
    that no filter between here and the reader leaves them out.

    Args:
        kind: What the first part is.
        changes: What is told.
        token: Goes with the last part.
        factory: Makes containers.
        size: Entries per part.
    """
    gone = [change for change in changes if change.kind is LiveKind.REMOVED]
    present = [change for change in changes if change.kind is not LiveKind.REMOVED]
    groups = [*_batches(gone, size), *_batches(present, size)] or [()]
    for number, group in enumerate(groups, start=1):
        entries = [Element(change.item, f"{change.kind.value}{change.key}") for change in group]
        metadata = L8MetaData()
        metadata.value_count[_KIND].counts[kind.value] = 1
        if number == len(groups) and token:
            metadata.value_count[_TOKEN].counts[token] = 1
        yield factory.entries(entries, metadata=metadata)
        kind = PartKind.MORE


def read_part(elements: Elements) -> Part:
    """What a part says.

    Raises:
        InvalidInputError: It is none of a live answer.
    """
    kinds = _texts(elements.metadata, _KIND)
    try:
        (kind,) = kinds
        return Part(
            PartKind(kind),
            tuple(_change(entry) for entry in elements),
            next(iter(_texts(elements.metadata, _TOKEN)), ""),
        )
    except ValueError as error:
        raise InvalidInputError("the answer is none that stays live") from error


def _batches(changes: list[LiveChange], size: int) -> Iterator[tuple[LiveChange, ...]]:
    return (tuple(changes[at : at + size]) for at in range(0, len(changes), size))


def _change(entry: Element) -> LiveChange:
    if not isinstance(entry.key, str):
        raise InvalidInputError("an entry of a live answer has no key")
    return LiveChange(LiveKind(entry.key[:1]), entry.key[1:], entry.value)


def _texts(metadata: L8MetaData | None, name: str) -> list[str]:
    if metadata is None or name not in metadata.value_count:
        return []
    return list(metadata.value_count[name].counts)
