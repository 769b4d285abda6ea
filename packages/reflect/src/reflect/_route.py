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

__all__ = ["Keys", "Route", "Step", "empty_instance"]

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
    """Writes the source of a function that follows the steps.

    The values of the keys are variables of an enclosing function: ``k0``, ``k1`` and so on.
    """

    def __init__(self, shape: Shape, steps: tuple[Step, ...]) -> None:
        self.shape = shape
        self.steps = steps
        self.lines: list[str] = []
        self.depth = 3
        self.absent = "return"

    def _emit(self, line: str) -> None:
        self.lines.append("    " * self.depth + line)

    def _follow(self, step: Step, owner: str = "v") -> None:
        field = step.field
        if field.presence is Presence.HAS_FIELD:
            self._emit(f"if not {owner}.HasField({field.attribute!r}): {self.absent}")
        self._emit(f"v = {attribute_of(owner, field.attribute)}")
        if field.presence is not Presence.HAS_FIELD and field.family is not Family.PROTOBUF:
            self._emit(f"if v is None: {self.absent}")
        if step.key is None:
            return
        key = f"k{step.key}"
        if field.container is Container.MAP:
            # A map of protobuf makes the entry when it is read by index.
            self._emit(f"v = v.get({key})")
            self._emit(f"if v is None: {self.absent}")
        else:
            self._emit(f"if {key} >= len(v): {self.absent}")
            self._emit(f"v = v[{key}]")

    def _follow_all(self) -> None:
        owner = "instance"
        for step in self.steps:
            field = step.field
            if step is self.steps[-1] and step.key is None:
                if field.presence is Presence.HAS_FIELD:
                    self._emit(f"if not {owner}.HasField({field.attribute!r}): return None")
                owner = attribute_of(owner, field.attribute)
            else:
                self._follow(step, owner)
                owner = "v"
        self._emit(f"return {owner}")

    def _short_cut(self) -> None:
        """Look without asking whether the parts on the way are there.

        Reading an absent message of protobuf gives one in which everything is at its default, so
        what is not at its default is there for certain. Asking costs more than reading.
        """
        path = "instance"
        for step in self.steps:
            path = attribute_of(path, step.field.attribute)
        self._emit(f"v = {path}")
        self._emit("if v: return v")

    def _may_cut(self) -> bool:
        fields = [step.field for step in self.steps]
        return (
            any(field.presence is Presence.HAS_FIELD for field in fields)
            and all(field.family is Family.PROTOBUF for field in fields)
            and all(step.key is None for step in self.steps)
            # Messages are always true, and some defaults of the older syntax are.
            and not (fields[-1].is_message and fields[-1].container is _SINGLE)
            and not fields[-1].has_default
        )

    def _function(self, name: str) -> Callable[..., Callable[..., Any]]:
        keys = ", ".join(f"k{step.key}" for step in self.steps if step.key is not None)
        head = [f"def bind({keys}):", f"    def {name}(instance):", "        try:"]
        tail = [
            "        except AttributeError as error:",
            "            raise misplaced(instance, error) from error",
            f"    return {name}",
        ]
        return function("bind", [*head, *self.lines, *tail], {"misplaced": self._misplaced})

    def _misplaced(self, instance: object, error: AttributeError) -> Exception:
        """Tell that an instance is of another model, once reading it has failed."""
        if isinstance(instance, self.shape.model):
            return error
        return PropertyError(
            f"a property of {self.shape.name} cannot be read on a {type(instance).__name__}"
        )

    def getter(self) -> Callable[..., Callable[..., Any]]:
        """Return what makes the function that gives the value, ``None`` when it is absent."""
        self.absent = "return None"
        if self._may_cut():
            self._short_cut()
        self._follow_all()
        return self._function("get")

    def values(self, *, whole: bool = False) -> Callable[..., Callable[[object], Iterator[Any]]]:
        """Return what makes the generator of all values.

        With ``whole`` a collection at the end stays in one.
        """
        self._emit("v = instance")
        for step in self.steps:
            self._follow(step)
            if step.fans_out and not (whole and step is self.steps[-1]):
                items = "v" if step.field.container is _LIST else "v.values()"
                self._emit(f"for v in {items}:")
                self.depth += 1
                self.absent = "continue"
        self._emit("yield v")
        return self._function("values")


@dataclass(frozen=True)
class Route:
    """Compiled path; immutable and shared."""

    shape: Shape
    steps: tuple[Step, ...]

    @cached_property
    def values(self) -> Callable[..., Callable[[object], Iterator[Any]]]:
        """Makes, of the keys, the function that gives all values that the path reaches."""
        return _Reader(self.shape, self.steps).values()

    @cached_property
    def getter(self) -> Callable[..., Callable[..., Any]]:
        """Makes, of the keys, the function that gives the value.

        It is a list of values when the path passes through a collection without a key.
        """
        if not any(step.fans_out for step in self.steps[:-1]):
            return _Reader(self.shape, self.steps).getter()
        values = _Reader(self.shape, self.steps).values(whole=True)

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
