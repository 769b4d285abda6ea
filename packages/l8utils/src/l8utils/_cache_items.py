# SPDX-License-Identifier: Apache-2.0
"""The items of a cache with everything that follows them: indexes, the journal, the order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.errors import OverloadedError
from l8utils._cache_answers import Journal
from l8utils._cache_index import UniqueIndex, ValueIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from l8types.protocols.data import Query
    from l8types.protocols.models import KeyExtractor


class CacheItems:
    """Items by key. It stores what it is given; who gives it has checked and copied it.

    Args:
        name: Short type name of the items, for errors.
        keys: Tells the unique keys of items.
        indexed: Attributes to search by: field name in lower case to attribute on an instance.
        unique_fields: Gives the names of the attributes of the unique key, for errors.
        max_items: Items that it may hold, 0 for any number.
    """

    __slots__ = (
        "_in_order",
        "_last_key",
        "_max_items",
        "_name",
        "_unique",
        "_unique_key",
        "_values",
        "by_key",
        "journal",
    )

    def __init__(
        self,
        name: str,
        keys: KeyExtractor,
        *,
        indexed: Mapping[str, str],
        unique_fields: Callable[[], Sequence[str]],
        max_items: int,
    ) -> None:
        self._name = name
        self._unique_key = keys.unique_key
        self._max_items = max_items
        self._unique = UniqueIndex(name, unique_fields)
        self._values = ValueIndex(indexed) if indexed else None
        self._in_order = True
        self._last_key = ""
        self.by_key: dict[str, object] = {}
        """The items; changed by the methods below only."""
        self.journal = Journal()

    def __len__(self) -> int:
        return len(self.by_key)

    def owner(self, example: object) -> str | None:
        """Primary key of the item with the unique key of an example."""
        return self._unique.owner(self._unique_key(example))

    def searched(self, query: Query) -> Iterable[object]:
        """Items among which all matches of a query are, in the order of their keys."""
        keys = self._values.candidates(query.criteria) if self._values else None
        if keys is not None:
            return [self.by_key[key] for key in sorted(keys)]
        if not self._in_order:
            # Keeping the order costs one sort, which is cheap where little has been added since.
            self.by_key = {key: self.by_key[key] for key in sorted(self.by_key)}
            self._last_key = next(reversed(self.by_key), "")
            self._in_order = True
        return self.by_key.values()

    def store(self, key: str, old: object | None, new: object) -> bool:
        """Let the item of a key become ``new``; all or nothing.

        Args:
            key: Its key.
            old: The item that is there, ``None`` for none.
            new: The item from now on.

        Returns:
            Whether the journal has become shorter.

        Raises:
            ConflictError: The unique key belongs to another item.
            OverloadedError: There is no room for another item.
        """
        if old is None and 0 < self._max_items <= len(self.by_key):
            raise OverloadedError(
                f"cache of {self._name!r} is full with {self._max_items} items, "
                f"{key!r} was not added"
            )
        unique = self._unique_key(new)
        if unique is not None or self._unique.owners:
            self._unique.check(key, unique)
            self._unique.store(key, unique)
        if old is None:
            self._in_order = self._in_order and key > self._last_key
            self._last_key = key
        self.by_key[key] = new
        if self._values is not None:
            self._values.replace(key, old, new)
        return self.journal.append(key, old, new)

    def remove(self, key: str, old: object) -> bool:
        """Let there be no item of a key any more; returns as :meth:`store`."""
        del self.by_key[key]
        self._unique.remove(key)
        if self._values is not None:
            self._values.replace(key, old, None)
        return self.journal.append(key, old, None)
