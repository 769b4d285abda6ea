# SPDX-License-Identifier: Apache-2.0
"""Sort keys to generated key functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from gsql._source import Source
from gsql._values import is_text
from l8types.enums import Container, Presence

if TYPE_CHECKING:
    from l8types.criteria import SortKey

__all__ = ["Sorter", "order_of", "sorter"]

_ADDRESS: Final = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})", re.ASCII)

KeyFunction = Callable[[object], Any]


@dataclass(frozen=True, slots=True)
class Sorter:
    """Puts items in order: stable, several keys, absent values last in either direction."""

    passes: tuple[tuple[KeyFunction, bool], ...]
    """Key functions and whether their order is reversed; the last pass decides first."""

    def sort(self, items: Iterable[object]) -> list[object]:
        """The items in order."""
        found = list(items)
        for key, reverse in self.passes:
            try:
                found.sort(key=key, reverse=reverse)
            except (TypeError, AttributeError):
                # A model of plain Python may hold anything; an odd item must not spoil the answer.
                found.sort(key=_tolerant(key), reverse=reverse)
        return found


class _Tolerated:
    """A key that compares with every other one."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value: Any = value

    def __lt__(self, other: _Tolerated) -> bool:
        try:
            return bool(self.value < other.value)
        except TypeError:
            return repr(self.value) < repr(other.value)


def _tolerant(key: KeyFunction) -> KeyFunction:
    def tolerant(item: object) -> _Tolerated:
        try:
            return _Tolerated(key(item))
        except (TypeError, AttributeError):
            return _Tolerated(None)

    return tolerant


def _exact_text(text: str) -> tuple[int, int | str]:
    """Order of a text; those that look like IPv4 addresses come first, in numeric order."""
    if text[:1].isdigit():
        found = _ADDRESS.fullmatch(text)
        if found is not None:
            parts = [int(part) for part in found.groups()]
            if max(parts) <= 255:
                return 0, int.from_bytes(bytes(parts), "big")
    return 1, text


def _folded_text(text: str) -> tuple[int, int | str]:
    """Order of a text whatever its case."""
    return _exact_text(text.lower())


def order_of(*, match_case: bool) -> Callable[[Any], Any]:
    """Function that makes the order of a text from it."""
    return _exact_text if match_case else _folded_text


def _ascending(values: list[Any]) -> object:
    return min(values, default=None)


def _descending(values: list[Any]) -> object:
    return max(values, default=None)


def sorter(keys: Sequence[SortKey], *, match_case: bool, rows: bool = False) -> Sorter:
    """Make the sorter of a query; of several values of one item the first in order counts."""
    groups = [(reverse, list(group)) for reverse, group in groupby(keys, _is_descending)]
    return Sorter(
        tuple(
            (_key_function(group, match_case=match_case, rows=rows), reverse)
            for reverse, group in reversed(groups)
        )
    )


def _is_descending(key: SortKey) -> bool:
    return key.descending


def _key_function(keys: Sequence[SortKey], *, match_case: bool, rows: bool) -> KeyFunction:
    source = Source(rows=rows)
    lines, parts = [], []
    for index, key in enumerate(keys):
        text = source.constant(_exact_text if match_case else _folded_text)
        always = not rows and all(
            node.container is Container.SINGLE and node.presence is Presence.ALWAYS
            for node in key.path.nodes
        )
        if always:
            read = "x"
            for node in key.path.nodes:
                read = source.read(read, node)
            parts.append(f"{text}({read})" if is_text(key.path.node) else read)
            continue
        values = source.values("x", key.path)
        if is_text(key.path.node):
            values = f"[{text}(y) for y in {values} if y is not None]"
        elif rows:
            values = f"[y for y in {values} if y is not None]"
        pick = source.constant(_descending if key.descending else _ascending)
        lines.append(f"    k{index} = {pick}({values})\n")
        parts.append(f"k{index} is {'not ' if key.descending else ''}None, k{index}")
    result = ", ".join(parts)
    body = f"{''.join(lines)}    return ({result})\n"
    return source.function("key", f"def key(x):\n{body}")
