# SPDX-License-Identifier: Apache-2.0
"""Indexes of a cache: one that keeps unique keys apart, one that narrows searches by value."""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING

from l8types.criteria import And, Comparison
from l8types.enums import Operator
from l8types.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from l8types.criteria import Criteria


class UniqueIndex:
    """Unique key to primary key. What it knows comes from stored items, never from examples.

    Args:
        model: Short type name of the items, for errors.
        fields: Gives the names of the attributes that the key is made of, for errors.
    """

    __slots__ = ("_fields", "_model", "_unique", "owners")

    def __init__(self, model: str, fields: Callable[[], Sequence[str]]) -> None:
        self._model = model
        self._fields = fields
        self.owners: dict[str, str] = {}
        """Unique keys to primary keys; changed by the methods below only."""
        self._unique: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._unique)

    def owner(self, unique: str | None) -> str | None:
        """Primary key of the item with this unique key."""
        return None if unique is None else self.owners.get(unique)

    def check(self, key: str, unique: str | None) -> None:
        """Make sure that an item may have this unique key.

        Raises:
            ConflictError: It belongs to another item.
        """
        owner = self.owner(unique)
        if owner is not None and owner != key:
            names = "".join(f" ({', '.join(names)})" for names in [self._fields()] if names)
            raise ConflictError(
                f"unique key {unique!r}{names} of {self._model} {key!r} belongs to item {owner!r}; "
                "give one of the two another, or delete the other first"
            )

    def store(self, key: str, unique: str | None) -> None:
        """Record the unique key of an item in place of the one it had."""
        self.remove(key)
        if unique is not None:
            self.owners[unique] = key
            self._unique[key] = unique

    def remove(self, key: str) -> None:
        """Forget the unique key of an item."""
        unique = self._unique.pop(key, None)
        if unique is not None:
            del self.owners[unique]


class ValueIndex:
    """Values of declared attributes to the keys of the items that have them.

    It only narrows a search: whether an item matches is decided by the query. An attribute that
    turns out to hold other values than texts and integers is not indexed any more.

    Args:
        attributes: Field name in lower case to the attribute on an instance.
    """

    __slots__ = ("_attributes", "_keys")

    def __init__(self, attributes: Mapping[str, str]) -> None:
        self._attributes = dict(attributes)
        self._keys: dict[str, dict[object, set[str]]] = {name: {} for name in attributes}

    def __len__(self) -> int:
        """How many attributes are indexed."""
        return len(self._keys)

    def replace(self, key: str, old: object | None, new: object | None) -> None:
        """Record that the item of a key went from one state to another; ``None`` is absence."""
        for name, keys in list(self._keys.items()):
            before = None if old is None else getattr(old, self._attributes[name])
            after = None if new is None else getattr(new, self._attributes[name])
            if not isinstance(after, (str, int, NoneType)):
                del self._keys[name]
            elif before != after:
                _discard(keys, before, key)
                if after is not None:
                    keys.setdefault(after, set()).add(key)

    def candidates(self, criteria: Criteria | None) -> set[str] | None:
        """Keys among which all matches are, ``None`` when the index cannot tell."""
        found = [
            keys
            for comparison in _required(criteria)
            if (keys := self._equal(comparison)) is not None
        ]
        return set.intersection(*found) if found else None

    def _equal(self, comparison: Comparison) -> set[str] | None:
        node = comparison.path.node
        values = self._keys.get(node.field_name.lower())
        if values is None or len(comparison.path.nodes) > 1 or not _exact(comparison):
            return None
        return set(values.get(comparison.value, ()))


def _required(criteria: Criteria | None) -> Iterable[Comparison]:
    """Comparisons that every match satisfies."""
    if isinstance(criteria, Comparison):
        yield criteria
    elif isinstance(criteria, And):
        for term in criteria.terms:
            yield from _required(term)


def _exact(comparison: Comparison) -> bool:
    """Whether the comparison holds for equal values only: no wildcard, no folding, no zero.

    A zero value is left out because absent attributes may compare equal to it.
    """
    value = comparison.value
    if comparison.operator is not Operator.EQ or not value:
        return False
    if isinstance(value, str):
        return comparison.match_case and "*" not in value
    return isinstance(value, int)


def _discard(index: dict[object, set[str]], value: object, key: str) -> None:
    keys = index.get(value)
    if keys is not None:
        keys.discard(key)
        if not keys:
            del index[value]
