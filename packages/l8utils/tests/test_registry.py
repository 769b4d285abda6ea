# SPDX-License-Identifier: Apache-2.0
"""Types by name."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from l8types.errors import ConflictError, InvalidInputError, NotFoundError
from l8types.pb import EventRecord, L8Health, L8MetaData, L8Query
from l8utils import TypeRegistry
from l8utils._names import short_name

from .fakes import Book

PRE_REGISTERED = [
    "AuthToken",
    "AuthUser",
    "L8Empty",
    "L8Health",
    "L8HealthList",
    "L8MetaData",
    "L8Node",
    "L8NotificationSet",
    "L8Plugin",
    "L8Query",
    "L8ReplicationIndex",
    "L8Services",
    "L8SysConfig",
    "L8SystemMessage",
    "L8TableView",
    "L8Transaction",
    "L8WebService",
    "L8Top",
    "L8TypeList",
    "L8TSDBNotification",
    "L8TimeSeriesPoint",
]


@pytest.mark.feature("REG-01")
@pytest.mark.parametrize("name", PRE_REGISTERED)
def test_messages_of_the_ecosystem_are_known_from_the_start(name: str) -> None:
    """Each under its own name, ready to be made."""
    info = TypeRegistry().info(name)
    assert info.name == name
    assert type(info.new()).__name__ == name


def test_names_without_the_prefix_are_left_to_applications() -> None:
    """An application may have an event record of its own."""
    registry = TypeRegistry()
    own = type("EventRecord", (), {})
    assert registry.register(own).model is own
    with pytest.raises(ConflictError, match=r"'EventRecord' of l8types.* is held by "):
        registry.register(EventRecord)


@pytest.mark.feature("REG-02")
def test_registering_again_returns_the_same_info() -> None:
    """Nothing is replaced."""
    registry = TypeRegistry()
    info = registry.register(Book)
    assert registry.register(Book) is info
    assert registry.register(Book, name="Book") is info
    assert registry.types()[-1] is info
    assert "Book" in repr(info)


def test_a_class_has_one_name() -> None:
    """A second name would make its identity depend on who asks."""
    registry = TypeRegistry()
    assert registry.register(Book, name="Volume").name == "Volume"
    with pytest.raises(ConflictError, match="registered as 'Volume'"):
        registry.register(Book, name="Book")


def test_only_classes_are_registered() -> None:
    """An instance is a mistake, and so is nothing."""
    with pytest.raises(InvalidInputError, match="a model is a class"):
        TypeRegistry().register(Book())  # type: ignore[arg-type]


@pytest.mark.feature("REG-05")
def test_types_are_found_by_name_instance_and_class() -> None:
    """All three lead to the same info."""
    registry = TypeRegistry()
    info = registry.register(Book)
    assert registry.info("Book") is registry.info_of(Book) is registry.info_of(Book()) is info


@pytest.mark.feature("REG-05")
def test_an_unregistered_type_is_unknown() -> None:
    """The name is free again."""
    registry = TypeRegistry()
    registry.register(Book)
    assert registry.unregister("Book")
    assert not registry.unregister("Book")
    with pytest.raises(NotFoundError, match="Book is not registered"):
        registry.info_of(Book)
    other = type("Book", (), {})
    assert registry.register(other).model is other


@pytest.mark.parametrize(
    ("wrong", "right"), [("l8health", "L8Health"), ("L8Metadata", "L8MetaData")]
)
def test_an_unknown_name_suggests_the_nearest(wrong: str, right: str) -> None:
    """Wrong capital letters are the usual mistake."""
    with pytest.raises(NotFoundError, match=rf"unknown type '{wrong}', did you mean '{right}'"):
        TypeRegistry().info(wrong)


def test_a_name_like_no_other_suggests_nothing() -> None:
    """A far-fetched suggestion misleads."""
    with pytest.raises(NotFoundError, match=r"^unknown type 'zzz'$"):
        TypeRegistry().info("zzz")


def test_a_class_with_required_attributes_cannot_be_made_empty() -> None:
    """The message tells what to change."""

    @dataclass
    class Strict:
        name: str

    with pytest.raises(InvalidInputError, match=r"'Strict' cannot be made empty, give .* defaults"):
        TypeRegistry().register(Strict).new()


@pytest.mark.feature("REG-04")
def test_enum_names_are_known_unless_they_mean_two_numbers() -> None:
    """A wrong number would be worse than none."""
    registry = TypeRegistry()
    registry.register_enum({"Up": 1, "Down": 2})
    registry.register_enum({"Up": 1, "Down": 3, "Left": 4})
    registry.register_enum({"Down": 2})
    names = ("Up", "Left", "Down", "Right")
    assert [registry.enum(name) for name in names] == [1, 4, None, None]


def test_short_names_follow_the_wire() -> None:
    """Messages as Go names them, nested ones joined, other classes by their own name."""
    nested = L8MetaData.ValueCountEntry
    assert short_name(L8Query) == "L8Query"
    assert short_name(nested) == "L8MetaData_ValueCountEntry"
    assert short_name(Book) == "Book"
    assert TypeRegistry().info_of(L8Health()).name == "L8Health"
