# SPDX-License-Identifier: Apache-2.0
"""One addressable place in the instances of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from l8types.errors import PropertyError
from l8types.values import Deleted
from reflect._paths import join_id, split_id
from reflect._route import empty_instance
from reflect._scalars import plain_text
from reflect._texts import TextForms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from l8types.protocols.models import ModelNode
    from reflect._keys import KeyPlan
    from reflect._route import Keys, Route

__all__ = ["PathProperty", "RootKey", "Surroundings"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all properties of an introspector share."""

    resolve: Callable[[str], PathProperty]
    """Gives the property of an id; remembers what it has parsed."""
    texts: TextForms
    series_limit: int
    """How many samples a time series keeps when single ones are added to it."""


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

    __slots__ = ("_id", "_keys", "_node", "_root_key", "_route", "_surroundings", "_values", "get")

    get: Getter
    """Reads the value on an instance of the root's model, ``None`` when anything on the way is
    absent; a list of values when the path passes through a collection without a key. The key of the
    item is not compared: that is for writing. Kept as an attribute, since a method would cost a
    second call on the hottest path there is; a loop takes it out once: ``get = place.get``."""

    def __init__(
        self,
        property_id: str,
        route: Route,
        keys: Keys,
        node: ModelNode,
        root_key: RootKey | None,
        surroundings: Surroundings,
    ) -> None:
        self._id = property_id
        self._route = route
        self._keys = keys
        self._node = node
        self._root_key = root_key
        self._surroundings = surroundings
        self._values: Callable[[object], Iterator[object]] | None = None
        self.get = route.getter(*keys)

    @property
    def id(self) -> str:
        """Property id in text form; parsing it again gives an equal property."""
        return self._id

    @property
    def node(self) -> ModelNode:
        """The attribute that the property ends at."""
        return self._node

    @property
    def display_id(self) -> str:
        """The place for people: ``[Device][Interfaces 3][Name]``; the key of the item is left out.

        It cannot be parsed.
        """
        parts = [self._route.shape.name]
        for step in self._route.steps:
            key = "" if step.key is None else f" {plain_text(self._keys[step.key])}"
            parts.append(f"{step.field.name}{key}")
        return "".join(f"[{part}]" for part in parts)

    @property
    def root_key(self) -> tuple[object, ...]:
        """Values of the key of the item that the property belongs to, empty when it names none."""
        return () if self._root_key is None else self._root_key.values

    @property
    def key(self) -> object:
        """Key of the map entry, or index of the list item, that it ends at; ``None`` elsewhere."""
        step = self._route.steps[-1] if self._route.steps else None
        return None if step is None or step.key is None else self._keys[step.key]

    @property
    def is_leaf(self) -> bool:
        """Whether there are no attributes below."""
        return not self._node.attributes

    @property
    def parent(self) -> PathProperty | None:
        """The property of the value that holds this attribute, ``None`` at the root."""
        parts = split_id(self._id)
        return self._surroundings.resolve(join_id(parts[:-1])) if len(parts) > 1 else None

    def below(self, path: str) -> PathProperty:
        """Property of an attribute below; the same path is resolved only once.

        Args:
            path: Dotted, with keys in ``<>``, such as ``interfaces<3>.name``.

        Raises:
            PropertyError: Malformed, or an unknown attribute.
        """
        return self._surroundings.resolve(f"{self._id}.{path}")

    def new_item(self) -> object:
        """An empty item of the root's model with the key that the property names.

        Raises:
            PropertyError: An empty item cannot be made, or the model is frozen.
        """
        item = empty_instance(self._route.shape)
        if self._root_key is not None:
            for field, value in zip(self._root_key.plan.fields, self._root_key.values, strict=True):
                field.write(item, value)
        return item

    def set(self, instance: object, value: object) -> None:
        """Store a copy of ``value``, converted to what the attribute holds.

        What is missing on the way is created. A text becomes a model where the type of the
        attribute has a text form. ``None`` clears an attribute, ``DELETED`` removes an
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
        limit = self._surroundings.series_limit
        try:
            if isinstance(value, str):
                value = self._from_text(value)
            converted = self._route.convert(value, self._keys)
            self._route.store(instance, self._keys, converted, series_limit=limit)
        except PropertyError as error:
            raise PropertyError(f"cannot set {self._id}: {error.message}") from error
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
        if self._values is None:
            self._values = self._route.values(*self._keys)
        return self._values(instance)

    def _from_text(self, text: str) -> object:
        """A text for an attribute that holds a model as that model, any other as it is."""
        step = self._route.steps[-1] if self._route.steps else None
        model = None if step is None or step.fans_out else step.field.element.model
        return text if model is None else self._surroundings.texts.read(text, model)

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
