# SPDX-License-Identifier: Apache-2.0
"""Pages that go on behind an item instead of counting from the beginning.

A cursor holds the sort values and the key of the last item that was seen, so pages neither repeat
nor lose an item when others come and go in between, even when that item itself is gone. It is text
of the form ``base64url(JSON)`` with a version and a digest of the query that it belongs to. It says
where, not whether: what the caller may see is decided anew for each page.
"""

from __future__ import annotations

import base64
import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any, Final

from gsql._order import Sorter, order_of
from gsql._pinned import key_nodes
from gsql._problems import problem
from gsql._source import Source
from gsql._values import is_text
from l8types.criteria import AttributePath

if TYPE_CHECKING:
    from gsql._bind import Bound
    from l8types.errors import QueryError

__all__ = ["Pager"]

_VERSION: Final = 1
_MAX_CHARS: Final = 65_536
_SCALARS: Final = (str, int, float, bool)

Order = Callable[[Any], Any]
Reader = Callable[[object], list[Any]]


@dataclass(frozen=True, slots=True)
class _Position:
    """Where an item stands: its value for each sort key, and its primary key."""

    values: tuple[Any, ...]
    key: tuple[Any, ...]


class Pager:
    """Makes cursors for one query and goes on behind them.

    Args:
        bound: The query.
        sorter: Its order.
        facts: What the query asks, without the page; another query's cursor is refused.

    Raises:
        QueryError: The items have no key that could tell them apart.
    """

    def __init__(self, bound: Bound, sorter: Sorter, facts: str) -> None:
        nodes = key_nodes(bound.root)
        if bound.aggregates or not nodes:
            reason = "has aggregates" if bound.aggregates else "is of a model without primary key"
            raise problem(f"the query {reason}, so it has no cursors; use 'limit' and 'page'")
        self._sorter = sorter
        self._limit = bound.limit
        self._digest = hashlib.blake2b(facts.encode("utf-8", "replace"), digest_size=12).hexdigest()
        order = order_of(match_case=bound.match_case)
        self._keys: tuple[tuple[Reader, Order, bool], ...] = tuple(
            (_reader(key.path), order if is_text(key.path.node) else _same, key.descending)
            for key in bound.sort_keys
        )
        self._key = tuple(_reader(AttributePath((node,))) for node in nodes)

    def cursor(self, item: object) -> str:
        """Text of an item's position."""
        found = self._position(item)
        content = [_VERSION, self._digest, _packed(found.values), _packed(found.key)]
        text = json.dumps(content, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(text).decode().rstrip("=")

    def after(self, items: Iterable[object], cursor: str) -> list[object]:
        """The next items behind a cursor, from the beginning when it is empty."""
        position = self._read(cursor) if cursor else None
        by_key = cmp_to_key(_compare)
        found = self._sorter.sort(sorted(items, key=lambda item: by_key(self._key_of(item))))
        start = 0
        if position is not None:
            place = cmp_to_key(self._order)
            start = bisect_right(
                found, place(position), key=lambda item: place(self._position(item))
            )
        return found[start : start + self._limit] if self._limit else found[start:]

    def _key_of(self, item: object) -> tuple[Any, ...]:
        return tuple(next(iter(read(item)), None) for read in self._key)

    def _position(self, item: object) -> _Position:
        values = []
        for read, order, descending in self._keys:
            pick = max if descending else min
            values.append(pick(read(item), key=order, default=None))
        return _Position(tuple(values), self._key_of(item))

    def _order(self, one: _Position, other: _Position) -> int:
        for (_, order, descending), a, b in zip(self._keys, one.values, other.values, strict=True):
            if a is None or b is None:
                found = (a is None) - (b is None)
            else:
                found = _compare(order(a), order(b)) * (-1 if descending else 1)
            if found:
                return found
        return _compare(one.key, other.key)

    def _read(self, cursor: str) -> _Position:
        try:
            version, digest, values, key = _content(cursor)
            position = _Position(_unpacked(values), _unpacked(key))
        except (ValueError, TypeError, RecursionError):
            raise _no_cursor() from None
        if version != _VERSION:
            raise problem("the cursor is of another version; begin at the first page again")
        if digest != self._digest:
            raise problem("the cursor belongs to another query; begin at the first page again")
        if not self._fits(position):
            raise _no_cursor()
        return position

    def _fits(self, position: _Position) -> bool:
        """Whether the values are of the number and the kinds that the order works with."""
        if (len(position.values), len(position.key)) != (len(self._keys), len(self._key)):
            return False
        return all(
            value is None or order is _same or isinstance(value, str)
            for (_, order, _), value in zip(self._keys, position.values, strict=True)
        )


def _content(cursor: str) -> list[object]:
    if len(cursor) > _MAX_CHARS:
        raise ValueError("too long")
    padded = cursor + "=" * (-len(cursor) % 4)
    content = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    if not isinstance(content, list):
        raise TypeError("a list is needed")
    return content


def _no_cursor() -> QueryError:
    return problem("that is no cursor; hand back the text that came with the last page")


def _reader(path: AttributePath) -> Reader:
    source = Source()
    return source.function("read", f"def read(x):\n    return {source.values('x', path)}\n")


def _same(value: object) -> object:
    return value


def _compare(one: Any, other: Any) -> int:  # noqa: ANN401 - values of any kind
    """Minus one, zero or one; values that have no order among them go by their texts."""
    try:
        return int(one > other) - int(one < other)
    except TypeError:
        return (repr(one) > repr(other)) - (repr(one) < repr(other))


def _packed(values: tuple[Any, ...]) -> list[object]:
    return [{"hex": value.hex()} if isinstance(value, bytes) else value for value in values]


def _unpacked(values: object) -> tuple[Any, ...]:
    if not isinstance(values, list):
        raise TypeError("a list is needed")
    return tuple(_unpacked_one(value) for value in values)


def _unpacked_one(value: object) -> object:
    if isinstance(value, dict) and isinstance(value.get("hex"), str):
        return bytes.fromhex(value["hex"])
    if value is not None and not isinstance(value, _SCALARS):
        raise TypeError("a plain value is needed")
    return value
