# SPDX-License-Identifier: Apache-2.0
"""Changed copies of frozen values, whatever they are made with."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import msgspec
import pytest

from l8types.frozen import replace
from l8types.values import Element, Message, Page, ServiceKey


@dataclass(frozen=True, slots=True)
class Plain:
    """A dataclass."""

    x: int
    name: str = ""


class Quick(msgspec.Struct, frozen=True):
    """The same as a struct."""

    x: int
    name: str = ""


@pytest.mark.parametrize("model", [Plain, Quick])
def test_gives_a_changed_copy(model: type[Plain | Quick]) -> None:
    """The named attributes are new, the others as before, and the value is not changed."""
    made = model(1, name="a")
    assert replace(made, x=5) == model(5, name="a")
    assert made == model(1, name="a")


@pytest.mark.parametrize("model", [Plain, Quick])
def test_refuses_unknown_attributes(model: type[Plain | Quick]) -> None:
    """A misspelt name is an error."""
    with pytest.raises(TypeError, match="y"):
        replace(model(1), y=5)


def test_refuses_what_is_no_value() -> None:
    """Only structs and dataclasses have attributes to replace."""
    with pytest.raises(TypeError, match="dataclass"):
        replace("text", x=1)


@pytest.mark.parametrize("value", [Element(1, "k"), Message(service="A"), Page(), ServiceKey("A")])
def test_values_are_frozen(value: object) -> None:
    """What was made cannot be changed, and copies are equal."""
    name = next(iter(type(value).__annotations__))
    with pytest.raises(AttributeError):
        setattr(value, name, 3)
    assert copy.copy(value) == copy.deepcopy(value) == value


def test_a_changed_key_is_checked_again() -> None:
    """A copy with a wrong attribute is refused like a new value."""
    with pytest.raises(ValueError, match="area"):
        replace(ServiceKey("A"), area=256)
