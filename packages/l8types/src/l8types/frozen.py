# SPDX-License-Identifier: Apache-2.0
"""Frozen dataclasses that are made in a third of the time.

The constructor of a frozen dataclass stores every attribute with a call, as the class itself
refuses to. A container or a message with a dozen attributes is made for each request, several
times, and that is felt. Here the new instance is of a twin class with the same slots while its
attributes are stored, and of its own class before anybody else sees it.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from dataclasses import Field

__all__ = ["quick_init"]

T = TypeVar("T")


def quick_init(cls: type[T]) -> type[T]:
    """Give a frozen dataclass with slots a quicker constructor with the same signature.

    Args:
        cls: The dataclass; all its attributes are arguments of the constructor.

    Returns:
        The same class.

    Raises:
        TypeError: It is no dataclass with slots of its own, has ``__post_init__``, or an attribute
            that the constructor does not take as a plain argument with a plain default.

    Example:
        @quick_init
        @dataclass(frozen=True, slots=True)
        class Point:
            x: int
            y: int = 0
    """
    attributes = fields(cls)  # type: ignore[arg-type] # a TypeError for what is no dataclass
    names = [one.name for one in attributes]
    if cls.__bases__ != (object,) or set(cls.__dict__.get("__slots__", ())) != set(names):
        raise TypeError(f"{cls.__name__} has no slots of its own for all its attributes")
    if hasattr(cls, "__post_init__") or not all(map(_is_plain, attributes)):
        raise TypeError(f"the constructor of {cls.__name__} does more than to store its arguments")
    twin = type(f"_{cls.__name__}Twin", (object,), {"__slots__": tuple(cls.__dict__["__slots__"])})
    space: dict[str, object] = {"own": cls, "twin": twin, "become": object.__setattr__}
    space |= {f"default_{one.name}": one.default for one in attributes}
    exec(_source(attributes), space)  # noqa: S102 - names of attributes, as dataclasses does it
    init = space["__init__"]
    original = cls.__init__
    for name in ("__qualname__", "__doc__", "__annotations__", "__module__"):
        setattr(init, name, getattr(original, name))
    type.__setattr__(cls, "__init__", init)
    return cls


def _is_plain(attribute: Field[object]) -> bool:
    return attribute.init and not attribute.kw_only and attribute.default_factory is MISSING


def _source(attributes: tuple[Field[object], ...]) -> str:
    arguments = ", ".join(
        one.name if one.default is MISSING else f"{one.name}=default_{one.name}"
        for one in attributes
    )
    stores = "\n".join(f"    self.{one.name} = {one.name}" for one in attributes)
    return (
        f"def __init__(self, {arguments}):\n"
        "    become(self, '__class__', twin)\n"
        f"{stores}\n"
        "    self.__class__ = own\n"
    )
