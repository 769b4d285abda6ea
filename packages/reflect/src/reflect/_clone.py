# SPDX-License-Identifier: Apache-2.0
"""Independent copies of models: protobuf's own copy, generated code for the others.

A copy does not run ``__init__`` nor ``__post_init__``. Ignored attributes take their default again.
Shared and circular references are kept where a model can contain itself.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from functools import lru_cache
from operator import methodcaller
from threading import RLock
from typing import Any, Final, TypeVar

import msgspec

from l8types.enums import Container
from l8types.errors import InvalidInputError
from reflect._adapters import reachable, shape_of
from reflect._codegen import attribute_of, function
from reflect._shapes import Family, Field, Shape

__all__ = ["CLONERS", "cloner_of", "force_setter"]

T = TypeVar("T")
_Clone = Callable[..., Any]


_clone_message: Final = methodcaller("__deepcopy__", None)
"""One call into protobuf, which keeps unknown fields."""


def force_setter(shape: Shape) -> Callable[..., None]:
    """What sets an attribute of a dataclass or struct, also of a frozen one."""
    if shape.family is Family.DATACLASS:
        return object.__setattr__
    return msgspec.structs.force_setattr


class _Source:
    """Source of the copying function of one dataclass or struct."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.recursive = contains_itself(shape)
        self.names: dict[str, Any] = {
            "cls": shape.model,
            "new": object.__new__,
            # The copy in C; only structs have it.
            "shallow": getattr(shape.model, "__copy__", copy.copy),
            "force": force_setter(shape),
        }
        self.nested: dict[str, type] = {}

    def lines(self) -> list[str]:
        """Return the definition of ``clone``."""
        out = ["def clone(o, memo=None):"]
        if self.recursive:
            out += [
                "    if memo is None: memo = {}",
                "    c = memo.get(id(o))",
                "    if c is not None: return c",
            ]
        make = "new(cls)" if self.shape.family is Family.DATACLASS else "shallow(o)"
        out.append(f"    c = {make}")
        if self.recursive:
            out.append("    memo[id(o)] = c")
        for field in self.shape.fields:
            out += self._field(field)
        for name in self.shape.private:
            out += self._private(name)
        out.append("    return c")
        return out

    def _assign(self, attribute: str, expression: str) -> str:
        if self.shape.frozen:
            return f"    force(c, {attribute!r}, {expression})"
        return f"    {attribute_of('c', attribute)} = {expression}"

    def _field(self, field: Field) -> list[str]:
        source = attribute_of("o", field.attribute)
        is_single = field.container is Container.SINGLE
        if is_single and not field.is_message:
            # A struct was copied as a whole already.
            if self.shape.family is Family.STRUCT:
                return []
            return [self._assign(field.attribute, source)]
        filled = self._copy_of(field)
        expression = f"None if v is None else {filled}"
        return [f"    v = {source}", self._assign(field.attribute, expression)]

    def _copy_of(self, field: Field) -> str:
        if not field.is_message:
            return "list(v)" if field.container is Container.LIST else "dict(v)"
        item = self._nested_call(field)
        if field.container is Container.LIST:
            return f"[{item('e')} for e in v]"
        if field.container is Container.MAP:
            return f"{{k: {item('e')} for k, e in v.items()}}"
        return item("v")

    def _nested_call(self, field: Field) -> Callable[[str], str]:
        model = field.element.model
        if model is None:
            raise InvalidInputError(f"attribute {field.attribute!r} holds no model")
        name = f"clone_{len(self.nested)}"
        self.nested[name] = model
        nested = shape_of(model)
        passes_memo = (
            self.recursive and nested.family is not Family.PROTOBUF and contains_itself(nested)
        )
        return (lambda e: f"{name}({e}, memo)") if passes_memo else (lambda e: f"{name}({e})")

    def _private(self, name: str) -> list[str]:
        """Lines that give an ignored attribute its default, or share it where it has none."""
        declared = next(one for one in _declared(self.shape) if one.name == name)
        default, factory = f"default_{name}", f"factory_{name}"
        missing = _missing(self.shape)
        if declared.default is not missing:
            self.names[default] = declared.default
            return [self._assign(name, default)]
        if declared.default_factory is not missing:
            self.names[factory] = declared.default_factory
            return [self._assign(name, f"{factory}()")]
        return [self._assign(name, attribute_of("o", name))]


def _declared(shape: Shape) -> tuple[Any, ...]:
    if shape.family is Family.DATACLASS:
        return dataclasses.fields(shape.model)
    return msgspec.structs.fields(shape.model)


def _missing(shape: Shape) -> object:
    if shape.family is Family.DATACLASS:
        return dataclasses.MISSING
    return msgspec.NODEFAULT


@lru_cache(maxsize=4096)
def contains_itself(shape: Shape) -> bool:
    """Whether instances of a model can contain instances of the same model."""
    below = {field.element.model for field in shape.fields if field.is_message}
    return any(
        nested.model is shape.model
        for model in below
        if model is not None
        for nested in reachable(shape_of(model))
    )


CLONERS: dict[type, _Clone] = {}
_MAKING = RLock()


def cloner_of(model: type) -> _Clone:
    """Copying function of a model class; generated once.

    Raises:
        InvalidInputError: Not a model.
    """
    clone = CLONERS.get(model)
    if clone is not None:
        return clone
    with _MAKING:
        # Published together: no thread may meet a function whose parts are not made yet.
        made: dict[type, _Clone] = {}
        clone = _make(model, made)
        CLONERS.update(made)
        return clone


def _make(model: type, made: dict[type, _Clone]) -> _Clone:
    known = CLONERS.get(model) or made.get(model)
    if known is not None:
        return known
    shape = shape_of(model)
    if shape.family is Family.PROTOBUF:
        return made.setdefault(model, _clone_message)
    source = _Source(shape)
    clone = made[model] = function("clone", source.lines(), source.names)
    for name, nested in source.nested.items():
        source.names[name] = _make(nested, made)
    return clone
