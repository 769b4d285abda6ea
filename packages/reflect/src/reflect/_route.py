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

from l8types.enums import Container, Presence
from l8types.errors import PropertyError
from reflect._adapters import shape_of
from reflect._codegen import attribute_of, function
from reflect._convert import convert, convert_element
from reflect._shapes import MAX_GROWTH, Family, Field, Raw, Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Keys", "Route", "Step"]

Keys = tuple[Any, ...]
"""Values of the keys of a route, in order; converted to what the model uses."""

_SINGLE: Final = Container.SINGLE
_LIST: Final = Container.LIST


@dataclass(frozen=True, slots=True)
class Step:
    """One attribute on the way."""

    field: Field
    key: int | None
    """Position of its key in the keys, ``None`` without one."""

    @property
    def fans_out(self) -> bool:
        """Whether it stands for all entries of a collection."""
        return self.key is None and self.field.container is not _SINGLE


class _Reader:
    """Writes the source of a function that follows the steps."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self.steps = steps
        self.lines: list[str] = []
        self.depth = 1
        self.absent = "return"

    def _emit(self, line: str) -> None:
        self.lines.append("    " * self.depth + line)

    def _follow(self, step: Step) -> None:
        field = step.field
        if field.presence is Presence.HAS_FIELD:
            self._emit(f"if not v.HasField({field.attribute!r}): {self.absent}")
        self._emit(f"v = {attribute_of('v', field.attribute)}")
        if field.presence is not Presence.HAS_FIELD and field.family is not Family.PROTOBUF:
            self._emit(f"if v is None: {self.absent}")
        if step.key is not None:
            missing = f"keys[{step.key}] >= len(v)"
            if field.container is Container.MAP:
                missing = f"keys[{step.key}] not in v"
            self._emit(f"if {missing}: {self.absent}")
            self._emit(f"v = v[keys[{step.key}]]")

    def getter(self) -> Callable[..., Any]:
        """Return the function that gives the value, ``None`` when it is absent."""
        self.absent = "return None"
        self.lines = ["def get(instance, keys=()):", "    v = instance"]
        for step in self.steps:
            self._follow(step)
        self._emit("return v")
        return function("get", self.lines, {})

    def values(self, *, whole: bool = False) -> Callable[..., Iterator[Any]]:
        """Return the generator of all values; ``whole`` keeps a collection at the end in one."""
        self.lines = ["def values(instance, keys=()):", "    v = instance"]
        for step in self.steps:
            self._follow(step)
            if step.fans_out and not (whole and step is self.steps[-1]):
                items = "v" if step.field.container is _LIST else "v.values()"
                self._emit(f"for v in {items}:")
                self.depth += 1
                self.absent = "continue"
        self._emit("yield v")
        return function("values", self.lines, {})


@dataclass(frozen=True)
class Route:
    """Compiled path; immutable and shared."""

    shape: Shape
    steps: tuple[Step, ...]

    @cached_property
    def values(self) -> Callable[..., Iterator[Any]]:
        """All values that the path reaches."""
        return _Reader(self.steps).values()

    @cached_property
    def get(self) -> Callable[..., Any]:
        """The value; a list of them when the path passes through a collection without a key."""
        if not any(step.fans_out for step in self.steps[:-1]):
            return _Reader(self.steps).getter()
        values = _Reader(self.steps).values(whole=True)
        return lambda instance, keys=(): list(values(instance, keys))

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
        if value is None and last.key is not None and field.container is _LIST:
            raise PropertyError(f"an item of list {field.attribute!r} cannot be None; delete it")
        if value is None:
            return None
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
        held = list(self.get(instance, keys) or ())
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


def _new(field: Field) -> object:
    model = field.element.model
    if model is None:
        raise PropertyError(f"attribute {field.attribute!r} has no attributes of its own")
    try:
        return shape_of(model).new()
    except (RecursionError, TypeError, ValueError) as error:
        raise PropertyError(
            f"an empty {field.element.type_name} for attribute {field.attribute!r} cannot be "
            f"made: {error}"
        ) from error


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
