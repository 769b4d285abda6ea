# SPDX-License-Identifier: Apache-2.0
"""Frozen values that are made quickly are the same values."""

from __future__ import annotations

import copy
import inspect
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import pytest

from l8types.frozen import quick_init
from l8types.values import Element, Message


@dataclass(frozen=True, slots=True)
class Plain:
    """The same value, made as dataclasses are."""

    x: int
    y: object = 2
    name: str = ""


@quick_init
@dataclass(frozen=True, slots=True)
class Quick:
    """A value."""

    x: int
    y: object = 2
    name: str = ""


def test_has_the_same_signature() -> None:
    """Positional and named arguments and defaults are those of the dataclass."""
    assert str(inspect.signature(Quick)) == str(inspect.signature(Plain))
    made = Quick(1, name="a")
    assert (made.x, made.y, made.name) == (1, 2, "a")
    with pytest.raises(TypeError, match="missing 1 required"):
        Quick()  # type: ignore[call-arg]


def test_is_frozen() -> None:
    """What was made cannot be changed."""
    made = Quick(1)
    assert type(made) is Quick
    with pytest.raises(FrozenInstanceError):
        made.x = 3  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del made.name


def test_is_a_value() -> None:
    """Equality, hashes, texts, copies and changed copies work as for any dataclass."""
    made = Quick(1, "b")
    assert made == Quick(1, "b") != Quick(2, "b")
    assert hash(made) == hash(Quick(1, "b"))
    assert repr(made) == repr(Plain(1, "b")).replace("Plain", "Quick")
    assert replace(made, x=5) == Quick(5, "b")
    assert copy.copy(made) == copy.deepcopy(made) == made


@pytest.mark.parametrize("model", [Element, Message])
def test_every_default_is_kept(model: type[Element | Message]) -> None:
    """Values of this package that are made for each message have their declared defaults."""
    made = model()
    assert {one.name: getattr(made, one.name) for one in fields(made)} == {
        one.name: one.default for one in fields(made)
    }


def test_refuses_a_constructor_that_does_more() -> None:
    """A class whose constructor does more than to store is refused, not changed."""

    @dataclass(frozen=True, slots=True)
    class Checked:
        x: int

        def __post_init__(self) -> None:
            """Look at it."""

    @dataclass(frozen=True, slots=True)
    class Made:
        x: list[int] = field(default_factory=list)

    for model in (Checked, Made):
        with pytest.raises(TypeError, match="does more"):
            quick_init(model)


def test_refuses_a_class_without_slots() -> None:
    """Slots of its own for all attributes are needed, so a class that inherits is refused."""

    @dataclass(frozen=True)
    class Open:
        x: int

    @dataclass(frozen=True, slots=True)
    class Heir(Plain):
        z: int = 1

    for model in (Open, Heir):
        with pytest.raises(TypeError, match="no slots of its own"):
            quick_init(model)
