# SPDX-License-Identifier: Apache-2.0
"""Source of the functions that follow a path on an instance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from l8types.enums import Container, Presence
from l8types.errors import PropertyError
from reflect._codegen import attribute_of, function
from reflect._shapes import Family, Field, Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Keys", "Reader", "Step"]

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


class Reader:
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

    def _straight(self) -> list[str]:
        """Lines that follow the path in one expression, for models in Python.

        Where a part on the way is absent they fail, and the careful way behind them tells what is
        there. Looking first costs a tenth of the call every time; failing costs ten calls, but is
        rare.
        """
        if len(self.steps) < 2 or any(step.field.family is Family.PROTOBUF for step in self.steps):
            return []
        path = "instance"
        for step in self.steps:
            path = attribute_of(path, step.field.attribute)
            if step.key is not None:
                is_list = step.field.container is _LIST
                # A map may be one that makes the entry when it is read by index.
                path += f"[k{step.key}]" if is_list else f".get(k{step.key})"
        return [
            "        try:",
            f"            return {path}",
            "        except (AttributeError, IndexError, TypeError):",
            "            pass",
        ]

    def _function(self, name: str, first: Sequence[str] = ()) -> Callable[..., Callable[..., Any]]:
        keys = ", ".join(f"k{step.key}" for step in self.steps if step.key is not None)
        head = [f"def bind({keys}):", f"    def {name}(instance):", *first, "        try:"]
        tail = [
            # Messages of another type raise the second when asked for a field.
            "        except (AttributeError, ValueError) as error:",
            "            raise misplaced(instance, error) from None",
            f"    return {name}",
        ]
        return function("bind", [*head, *self.lines, *tail], {"misplaced": self._misplaced})

    def _misplaced(self, instance: object, error: Exception) -> Exception:
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
        return self._function("get", self._straight())

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
