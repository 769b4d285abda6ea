# SPDX-License-Identifier: Apache-2.0
"""One addressable place in the instances of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from l8types.errors import PropertyError
from l8types.values import Deleted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from l8types.protocols.models import ModelNode
    from reflect._keys import KeyPlan
    from reflect._route import Keys, Route

__all__ = ["PathProperty", "RootKey"]


class Getter(Protocol):
    """Reads the place on an instance."""

    def __call__(self, instance: object) -> object: ...


class RootKey:
    """Key of the item that a property belongs to."""

    __slots__ = ("plan", "values")

    def __init__(self, plan: KeyPlan, values: tuple[object, ...]) -> None:
        self.plan = plan
        self.values = values

    def is_new(self, instance: object, model: str) -> bool:
        """Check the key of an instance; whether it has none yet.

        Raises:
            PropertyError: It is the key of another item.
        """
        held = self.plan.values(instance)
        if held == self.values:
            return False
        if any(held):
            raise PropertyError(
                f"the property belongs to {model} {self.values!r}, not to the given {held!r}"
            )
        return True

    def write(self, instance: object, route: Route) -> None:
        """Give a new instance its key, without what the route itself has written."""
        written = route.steps[0].field if len(route.steps) == 1 else None
        for field, value in zip(self.plan.fields, self.values, strict=True):
            if field is not written:
                field.write(instance, value)


class PathProperty:
    """A place that a property id names. Immutable and reusable; made by the introspector.

    Two properties are equal when their ids and their models are.
    """

    __slots__ = ("_id", "_keys", "_node", "_root_key", "_route", "_series_limit", "get")

    get: Getter
    """Reads the value on an instance of the root's model, ``None`` when anything on the way is
    absent; a list of values when the path passes through a collection without a key. The key of the
    item is not compared: that is for writing. Kept as an attribute, since a method would cost a
    second call on the hottest path there is."""

    def __init__(
        self,
        property_id: str,
        route: Route,
        keys: Keys,
        node: ModelNode,
        root_key: RootKey | None,
        *,
        series_limit: int,
    ) -> None:
        self._id = property_id
        self._route = route
        self._keys = keys
        self._node = node
        self._root_key = root_key
        self._series_limit = series_limit
        self.get = _bind(route, keys)

    @property
    def id(self) -> str:
        """Property id in text form; parsing it again gives an equal property."""
        return self._id

    @property
    def node(self) -> ModelNode:
        """The attribute that the property ends at."""
        return self._node

    def set(self, instance: object, value: object) -> None:
        """Store a copy of ``value``, converted to what the attribute holds.

        What is missing on the way is created. ``None`` clears an attribute, ``DELETED`` removes an
        entry. A single sample is added to a time series by its time, and the oldest make room.
        An instance without key gets that of the property.

        Raises:
            PropertyError: The value does not fit, the path passes through a collection without a
                key, or the instance has another key; the instance is unchanged.
        """
        if isinstance(value, Deleted):
            self.delete(instance)
            return
        is_new = self._check(instance)
        converted = self._route.convert(value, self._keys)
        self._route.store(instance, self._keys, converted, series_limit=self._series_limit)
        if is_new and self._root_key is not None:
            self._root_key.write(instance, self._route)

    def delete(self, instance: object) -> None:
        """Remove the entry of a map, cut a list at the index, or clear the attribute.

        Nothing happens when it is absent.

        Raises:
            PropertyError: The path passes through a collection without a key, or the instance has
                another key.
        """
        self._check(instance)
        self._route.remove(instance, self._keys)

    def values(self, instance: object) -> Iterator[object]:
        """All values that the path reaches; collections without a key give all their entries."""
        return self._route.values(instance, self._keys)

    def _check(self, instance: object) -> bool:
        shape = self._route.shape
        if type(instance) is not shape.model:
            raise PropertyError(
                f"property {self._id!r} belongs to {shape.name}, not to {type(instance).__name__}"
            )
        return self._root_key is not None and self._root_key.is_new(instance, shape.name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PathProperty):
            return NotImplemented
        return self._id == other._id and self._route.shape.model is other._route.shape.model

    def __hash__(self) -> int:
        return hash(self._id)

    def __repr__(self) -> str:
        return f"PathProperty({self._id!r})"


def _bind(route: Route, keys: Keys) -> Getter:
    get = route.get
    if not keys:
        return get

    def get_with_keys(instance: object) -> object:
        return get(instance, keys)

    return get_with_keys
