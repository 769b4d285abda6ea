# SPDX-License-Identifier: Apache-2.0
"""A sample model and the small fakes of what works on models."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from l8types.enums import DecoratorType, UpdateMode
from l8types.errors import ConflictError, NotFoundError, PropertyError
from l8types.naming import go_name
from l8types.values import Change, ChangeSet

from .nodes import FakeModelNode

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

T = TypeVar("T")


@dataclass
class Book:
    """A book; a zero attribute counts as absent in a patch."""

    isbn: str = ""
    title: str = ""
    price: float = 0.0
    stock: int = 0
    code: str = ""


@dataclass
class Note:
    """Another model."""

    id: str = ""


MODELS = {"Book": Book, "Note": Note}


class FakeTypeInfo:
    """A registered type."""

    def __init__(self, model: type) -> None:
        self.name = model.__name__
        self.model = model


class FakeRegistry:
    """Types by short name."""

    def __init__(self) -> None:
        self.models: dict[str, type] = {}

    def register(self, model: type, *, name: str = "") -> FakeTypeInfo:
        if self.models.setdefault(model.__name__, model) is not model:
            raise ConflictError(f"another {model.__name__} is registered")
        return FakeTypeInfo(model)

    def info(self, name: str) -> FakeTypeInfo:
        if name not in self.models:
            raise NotFoundError(f"type {name!r} is not registered")
        return FakeTypeInfo(self.models[name])

    def info_of(self, value: type) -> FakeTypeInfo:
        if value.__name__ not in self.models:
            raise NotFoundError(f"type {value.__name__} is not registered")
        return FakeTypeInfo(value)


class FakeProperty:
    """One attribute of a book."""

    def __init__(self, property_id: str) -> None:
        self.id = property_id
        self.attribute = property_id.rpartition(".")[2]

    def get(self, instance: object) -> object:
        return getattr(instance, self.attribute)


def field_names(model: type) -> set[str]:
    """Names of the attributes of a model."""
    if dataclasses.is_dataclass(model):
        return {field.name for field in dataclasses.fields(model)}
    descriptor: Descriptor = model.DESCRIPTOR  # type: ignore[attr-defined]
    return {field.name for field in descriptor.fields}


class FakeIntrospector:
    """Keys as they were declared."""

    def __init__(self) -> None:
        self.declared: dict[tuple[type, DecoratorType], tuple[str, ...]] = {}

    def decorate(self, model: type, decorator: DecoratorType, *fields: str) -> None:
        known = field_names(model)
        for field in fields:
            if field not in known:
                raise PropertyError(f"{model.__name__} has no attribute {field!r}")
        self.declared[model, decorator] = fields

    def primary_key(self, item: object) -> str:
        fields = self.declared.get((type(item), DecoratorType.PRIMARY), ())
        key = "".join(str(getattr(item, field)) for field in fields)
        if not key:
            raise PropertyError(f"{item!r} has no primary key")
        return key

    def unique_key(self, item: object) -> str:
        fields = self.declared.get((type(item), DecoratorType.UNIQUE), ())
        return "".join(str(getattr(item, field)) for field in fields)

    def inspect(self, model: type) -> FakeModelNode:
        return FakeModelNode(model)

    def fields(self, model: type, decorator: DecoratorType) -> tuple[str, ...] | None:
        declared = self.declared.get((model, decorator))
        return None if declared is None else tuple(go_name(name) for name in declared)

    def property(self, property_id: str) -> FakeProperty:
        return FakeProperty(property_id)


class FakeCloner:
    """Deep copies."""

    def clone(self, item: T) -> T:
        return copy.deepcopy(item)


class FakeUpdater:
    """Differences of flat data classes."""

    def __init__(self, introspector: FakeIntrospector) -> None:
        self._introspector = introspector

    def diff(self, old: object, new: object, *, mode: UpdateMode = UpdateMode.PUT) -> ChangeSet:
        key = self._introspector.primary_key(old)
        root = type(old).__name__
        changes = []
        for field in dataclasses.fields(old):  # type: ignore[arg-type]
            before, after = getattr(old, field.name), getattr(new, field.name)
            present = mode is UpdateMode.PUT or after
            if present and before != after:
                property_id = f"{root.lower()}<{{24}}{key}>.{field.name}"
                changes.append(Change(property_id, before, after))
        return ChangeSet(root, key, tuple(changes))

    def apply(self, changes: ChangeSet, target: T) -> T:
        for change in changes:
            setattr(target, change.property_id.rpartition(".")[2], change.new)
        return target
