# SPDX-License-Identifier: Apache-2.0
"""A small registry, models of every kind, and the places of reference data."""

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import TypeAlias, cast

import msgspec
from google.protobuf.message import Message

from l8types.enums import WireProfile
from l8types.errors import NotFoundError
from l8types.pb import (
    L8MetaData,
    TestProto,
    TestProtoList,
    TestProtoSub,
    TestProtoSubSub,
)
from l8types.protocols.runtime import Resources
from l8types.settings import NodeSettings

# The models of the contract's tests, under names that pytest does not take for tests.
Item: TypeAlias = TestProto
ItemList: TypeAlias = TestProtoList
SubItem: TypeAlias = TestProtoSub
SubSubItem: TypeAlias = TestProtoSubSub


class Color(IntEnum):
    """An enumeration in Python."""

    RED = 1
    BLUE = 2


@dataclass
class Author:
    """A model within a model."""

    name: str = ""


@dataclass
class Book:
    """A dataclass as a service would define it."""

    isbn: str
    title: str = ""
    price: float = 0.0
    authors: list[Author] = field(default_factory=list)
    counters: L8MetaData | None = None
    """A message as an attribute of another kind of model."""


class Shelf(msgspec.Struct):
    """A struct."""

    room: int
    books: dict[str, Book] = {}


@dataclass(frozen=True)
class FakeInfo:
    """A registered type."""

    name: str
    model: type

    def new(self) -> object:
        return self.model()


class FakeRegistry:
    """Types in two dictionaries."""

    def __init__(self, *models: type) -> None:
        self._by_name: dict[str, FakeInfo] = {}
        self._by_model: dict[type, FakeInfo] = {}
        for model in models:
            self.register(model)

    def register(self, model: type, *, name: str = "") -> FakeInfo:
        info = FakeInfo(name or model.__name__, model)
        self._by_name[info.name] = self._by_model[model] = info
        return info

    def unregister(self, name: str) -> bool:
        info = self._by_name.pop(name, None)
        return info is not None and self._by_model.pop(info.model, None) is not None

    def info(self, name: str) -> FakeInfo:
        if name not in self._by_name:
            raise NotFoundError(f"type {name!r} is not registered")
        return self._by_name[name]

    def info_of(self, value: object) -> FakeInfo:
        model = value if isinstance(value, type) else type(value)
        if model not in self._by_model:
            raise NotFoundError(f"type {model.__name__} is not registered")
        return self._by_model[model]

    def types(self) -> tuple[FakeInfo, ...]:
        return tuple(self._by_name.values())

    def register_enum(self, names: Mapping[str, int]) -> None:
        raise NotImplementedError

    def enum(self, name: str) -> int | None:
        raise NotImplementedError


def registry() -> FakeRegistry:
    """A registry with all models of this module."""
    return FakeRegistry(Item, ItemList, SubItem, SubSubItem, Author, Book, Shelf)


@dataclass
class FakeResources:
    """As much of a node as the factories of this package ask for."""

    settings: NodeSettings
    registry: FakeRegistry


def resources(profile: WireProfile) -> Resources:
    """Resources of a node in a network of a profile."""
    return cast("Resources", FakeResources(NodeSettings(profile=profile), registry()))


def same(left: object, right: object) -> bool:
    """Whether two values are equal and of the same classes throughout."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return same(list(left), list(right)) and same(list(left.values()), list(right.values()))
    if isinstance(left, Message) or dataclasses.is_dataclass(left):
        return left == right
    # By their text, so that NaN equals NaN.
    return repr(left) == repr(right)


def shared() -> Path | None:
    """The folder with captures of real Go nodes, if there is one on this machine.

    The variable ``LAYER8_SHARED`` names it; by default it is beside the checkout.
    """
    named = os.environ.get("LAYER8_SHARED")
    folder = Path(named) if named else Path(__file__, *[".."] * 5, "shared").resolve()
    return folder if (folder / "golden").is_dir() else None
