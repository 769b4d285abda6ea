# SPDX-License-Identifier: Apache-2.0
"""A path through a model without the values of its keys, compiled once.

All property ids of one form (``device.interfaces<…>.name``) share one route. Reading is generated
code; writing walks the fields, creates what is missing apart from the instance and attaches it
last, so that a write that fails leaves the instance as it was.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from l8types.enums import Container, Kind
from l8types.errors import PropertyError
from reflect._adapters import shape_of
from reflect._convert import convert, convert_element
from reflect._reader import Keys, Reader, Step
from reflect._shapes import MAX_GROWTH, Field, Raw, Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Keys", "Route", "Step", "empty_instance"]

_LIST: Final = Container.LIST


@dataclass(frozen=True)
class Route:
    """Compiled path; immutable and shared."""

    shape: Shape
    steps: tuple[Step, ...]

    @cached_property
    def values(self) -> Callable[..., Callable[[object], Iterator[Any]]]:
        """Makes, of the keys, the function that gives all values that the path reaches."""
        return Reader(self.shape, self.steps).values()

    @cached_property
    def getter(self) -> Callable[..., Callable[..., Any]]:
        """Makes, of the keys, the function that gives the value.

        It is a list of values when the path passes through a collection without a key.
        """
        if not any(step.fans_out for step in self.steps[:-1]):
            return Reader(self.shape, self.steps).getter()
        values = Reader(self.shape, self.steps).values(whole=True)

        def bind(*keys: object) -> Callable[..., Any]:
            every = values(*keys)
            return lambda instance: list(every(instance))

        return bind

    def convert(self, value: object, keys: Keys) -> object:
        """Convert what is to be stored at the end; ``None`` stays.

        Some peers send the whole list with the id of an item: then it is that item.

        Raises:
            PropertyError: It does not fit, or the path does not lead to one place.
        """
        if not self.steps:
            raise PropertyError(f"an id of {self.shape.name} without an attribute cannot be set")
        self._check_single_place()
        last = self.steps[-1]
        field = last.field
        if value is None and (last.key is None or field.container is not _LIST):
            return None
        if value is None and field.element.kind is not Kind.UINT8:
            raise PropertyError(f"an item of list {field.attribute!r} cannot be None; delete it")
        if last.key is not None:
            return convert_element(_item_of(field, value, keys[last.key]), field.element)
        if self._appends(value):
            return convert_element(value, field.element)
        return convert(value, field)

    def _check_single_place(self) -> None:
        for step in self.steps[:-1]:
            if step.fans_out:
                raise PropertyError(
                    f"attribute {step.field.attribute!r} needs a key to be changed below, "
                    f"such as {step.field.path}<0>"
                )

    def _appends(self, value: object) -> bool:
        field = self.steps[-1].field
        return field.is_time_series and type(value) is field.element.model

    def store(self, instance: object, keys: Keys, value: object, *, series_limit: int) -> None:
        """Write a converted value; ``None`` clears.

        Raises:
            PropertyError: The way cannot be created; the instance is unchanged.
        """
        if value is None:
            self.remove(instance, keys)
        elif self.steps[-1].key is None and self._appends(value):
            self._append(instance, keys, value, series_limit)
        else:
            self._store(0, instance, keys, value)

    def _store(self, at: int, owner: object, keys: Keys, value: object) -> None:
        step = self.steps[at]
        if at + 1 < len(self.steps):
            child = self._child(step, owner, keys)
            if child is not None:
                self._store(at + 1, child, keys, value)
                return
            child = _new(step.field)
            self._store(at + 1, child, keys, value)
            value = child
        if step.key is None:
            step.field.write(owner, value)
            return
        key = keys[step.key]
        _check_growth(step.field, owner, key)
        step.field.put(owner, key, value)

    @staticmethod
    def _child(step: Step, owner: object, keys: Keys) -> object:
        if step.key is None:
            return step.field.read(owner)
        return step.field.entry(owner, keys[step.key])

    def _append(self, instance: object, keys: Keys, point: Raw, limit: int) -> None:
        """Add a sample by its time; one of the same time is replaced, the oldest make room."""
        held = list(self.getter(*keys)(instance) or ())
        at = bisect_left(held, point.stamp, key=lambda one: one.stamp)
        same = at < len(held) and held[at].stamp == point.stamp
        held[at : at + same] = [point]
        self._store(0, instance, keys, held[-limit:])

    def remove(self, instance: object, keys: Keys) -> None:
        """Remove the entry, cut the list, or clear the attribute; nothing where it is absent.

        Raises:
            PropertyError: The path does not lead to one place.
        """
        if not self.steps:
            raise PropertyError(
                f"an id of {self.shape.name} without an attribute cannot be deleted"
            )
        self._check_single_place()
        owner: object = instance
        for step in self.steps[:-1]:
            owner = self._child(step, owner, keys)
            if owner is None:
                return
        last = self.steps[-1]
        if last.key is None:
            last.field.clear(owner)
        else:
            last.field.remove(owner, keys[last.key])


def _item_of(field: Field, value: object, index: int) -> object:
    if field.container is not _LIST or not isinstance(value, list) or index >= len(value):
        return value
    item: object = value[index]
    return item


def empty_instance(shape: Shape, purpose: str = "") -> object:
    """Make an instance without content.

    Args:
        shape: Of what.
        purpose: Said in the error.

    Raises:
        PropertyError: The model does not allow it.
    """
    try:
        return shape.new()
    except (RecursionError, TypeError, ValueError) as error:
        raise PropertyError(f"an empty {shape.name}{purpose} cannot be made: {error}") from error


def _new(field: Field) -> object:
    model = field.element.model
    if model is None:
        raise PropertyError(f"attribute {field.attribute!r} has no attributes of its own")
    return empty_instance(shape_of(model), f" for attribute {field.attribute!r}")


def _check_growth(field: Field, owner: object, index: Raw) -> None:
    if field.container is not _LIST:
        return
    held: Any = field.read(owner)
    length = 0 if held is None else len(held)
    if index - length > MAX_GROWTH:
        raise PropertyError(
            f"index {index} of list {field.attribute!r} is more than {MAX_GROWTH} behind its end "
            f"({length})"
        )
