# SPDX-License-Identifier: Apache-2.0
"""The smallest registry, introspector, cloner and updater that keep their promises.

They take dataclasses alone, and are what the mutants of the tests are derived from.
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
import re
import typing
from dataclasses import dataclass
from enum import Enum, IntEnum
from types import NoneType
from typing import Any

from l8types.enums import Container, DecoratorType, Kind, Presence, UpdateMode
from l8types.errors import ConflictError, InvalidInputError, NotFoundError, PropertyError
from l8types.naming import go_name
from l8types.pb import L8Node, L8TableView
from l8types.values import Change, ChangeSet

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KINDS = {str: Kind.STRING, float: Kind.FLOAT64, bool: Kind.BOOL, int: Kind.INT64}


@dataclass(frozen=True)
class Info:
    """A registered type."""

    name: str
    model: type

    def new(self) -> object:
        try:
            return self.model()
        except TypeError as error:
            raise InvalidInputError(f"{self.name} needs arguments") from error


def nearest(name: str, names: Iterable[str]) -> str:
    """What may have been meant."""
    return ", ".join(difflib.get_close_matches(name, list(names), 3))


class FakeRegistry:
    """Types by name."""

    def __init__(self) -> None:
        self.known: dict[str, Info] = {}
        self.names: dict[str, int] = {}

    def register(self, model: type, *, name: str = "") -> Info:
        info = Info(name or model.__name__, model)
        if self.known.setdefault(info.name, info) != info:
            raise ConflictError(f"{info.name} is taken")
        return info

    def unregister(self, name: str) -> bool:
        return self.known.pop(name, None) is not None

    def info(self, name: str) -> Info:
        if name not in self.known:
            raise NotFoundError(f"no {name!r}; perhaps {nearest(name, self.known)}")
        return self.known[name]

    def info_of(self, value: type | object) -> Info:
        model = value if isinstance(value, type) else type(value)
        for info in self.known.values():
            if info.model is model:
                return info
        raise NotFoundError(f"no {model.__name__}")

    def types(self) -> tuple[Info, ...]:
        return tuple(self.known.values())

    def register_enum(self, names: Any) -> None:
        self.names |= names

    def enum(self, name: str) -> int | None:
        return self.names.get(name)


@dataclass(frozen=True)
class Node:
    """A model or an attribute."""

    type_name: str
    field_name: str
    attribute: str
    path: str
    parent: Node | None
    kind: Kind
    container: Container
    key_kind: Kind | None
    model: type | None
    enum: dict[str, int] | None = dataclasses.field(default=None, compare=False)
    enum_class: type[Enum] | None = None
    key_enum_class: type[Enum] | None = None
    presence: Presence = Presence.NONE

    @property
    def attributes(self) -> dict[str, Node]:
        if self.model is None:
            return {}
        hints = typing.get_type_hints(self.model, include_extras=True)
        nodes = (self.child(field.name, hints[field.name])
                 for field in dataclasses.fields(self.model))  # fmt: skip
        return {node.field_name.lower(): node for node in nodes}

    @property
    def decorators(self) -> dict[DecoratorType, tuple[str, ...]]:
        return {}

    def child(self, name: str, hint: Any) -> Node:
        """Node of an attribute of this type."""
        container, key_kind = Container.SINGLE, None
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin is list:
            container, hint = Container.LIST, arguments[0]
        elif origin is dict:
            container, key_kind, hint = Container.MAP, kind_of(arguments[0]), arguments[1]
        elif NoneType in arguments:
            hint = arguments[0]
        field, kind = go_name(name), kind_of(hint)
        model = hint if kind is Kind.MESSAGE else None
        named = isinstance(hint, type) and issubclass(hint, IntEnum)
        return Node(
            getattr(hint, "__name__", str(hint)), field, name, f"{self.path}.{field.lower()}",
            self, kind, container, key_kind, model,
            {one.name: one.value for one in hint} if named else None,
        )  # fmt: skip


def kind_of(hint: Any) -> Kind:
    """Kind of a type hint."""
    for extra in getattr(hint, "__metadata__", ()):
        return Kind(extra)
    if dataclasses.is_dataclass(hint):
        return Kind.MESSAGE
    if issubclass(hint, IntEnum):
        return Kind.INT32
    return KINDS[hint]


class FakeIntrospector:
    """Trees, keys and properties of dataclasses."""

    def __init__(self) -> None:
        self.known: dict[str, Node] = {}
        self.declared: dict[tuple[type, DecoratorType], tuple[str, ...]] = {}

    def inspect(self, model: type | object) -> Node:
        cls = model if isinstance(model, type) else type(model)
        if not dataclasses.is_dataclass(cls):
            raise InvalidInputError(f"{cls.__name__} is no model")
        name = cls.__name__
        single = Container.SINGLE
        node = Node(name, "", "", name.lower(), None, Kind.MESSAGE, single, None, cls)
        return self.known.setdefault(name.lower(), node)

    def node(self, path: str) -> Node:
        root, *steps = path.lower().split(".")
        if root not in self.known:
            raise NotFoundError(f"no {root!r}; perhaps {nearest(root, self.known)}")
        node = self.known[root]
        for step in steps:
            if step not in node.attributes:
                raise NotFoundError(f"no {step!r}; perhaps {nearest(step, node.attributes)}")
            node = node.attributes[step]
        return node

    def roots(self) -> tuple[Node, ...]:
        return tuple(self.known.values())

    def table_view(self, type_name: str) -> L8TableView:
        nodes = self.node(type_name).attributes.values()
        return L8TableView(columns=[L8Node(field_name=node.field_name) for node in nodes])

    def forget(self, type_name: str) -> None:
        self.known.pop(type_name.lower(), None)

    def decorate(self, model: type, decorator: DecoratorType, *fields: str) -> None:
        nodes = self.inspect(model).attributes
        for field in fields:
            if field.lower() not in nodes:
                raise PropertyError(f"no {field}; perhaps {nearest(field.lower(), nodes)}")
        names = tuple(nodes[field.lower()].field_name for field in fields)
        self.declared[model, decorator] = names

    def fields(self, model: type, decorator: DecoratorType) -> tuple[str, ...] | None:
        return self.declared.get((model, decorator))

    def primary_key(self, item: object) -> str:
        key = self.key(item, DecoratorType.PRIMARY)
        if not key:
            raise PropertyError(f"{type(item).__name__} has no key")
        return key

    def unique_key(self, item: object) -> str | None:
        return self.key(item, DecoratorType.UNIQUE) or None

    def key(self, item: object, decorator: DecoratorType) -> str:
        """Text of a key, empty without one."""
        nodes = self.inspect(item).attributes
        names = self.declared.get((type(item), decorator), ())
        return "::".join(str(getattr(item, nodes[name.lower()].attribute)) for name in names)

    def property(self, property_id: str) -> Property:
        match = re.fullmatch(r"(\w+)<\{24\}\{24\}(.*?)>\.(.+)", property_id)
        if not match or match[1] not in self.known:
            raise PropertyError(f"no property {property_id!r}")
        return Property(property_id, self.known[match[1]], match[3])

    def property_for(self, item: object, path: str) -> Property:
        root = self.inspect(item).path
        return self.property(f"{root}<{{24}}{{24}}{self.primary_key(item)}>.{path.lower()}")


class Property:
    """A place in an item."""

    def __init__(self, property_id: str, root: Node, path: str) -> None:
        self.id = property_id
        self.node = root
        self.steps: list[tuple[str, Any]] = []
        for step in path.split("."):
            match = re.fullmatch(r"(\w+)(?:<(?:\{(\d+)\})?(.*)>)?", step)
            if not match or match[1] not in self.node.attributes:
                raise PropertyError(f"no attribute {step!r} in {property_id!r}")
            self.node = self.node.attributes[match[1]]
            self.steps.append((self.node.attribute, None))
            if match[3] is not None:
                is_text = match[2] == "24"
                self.steps.append(("", match[3] if is_text else int(match[3])))

    def get(self, instance: object) -> Any:
        return next(reach(instance, self.steps, fan_out=False), None)

    def values(self, instance: object) -> Iterator[object]:
        return reach(instance, self.steps, fan_out=True)

    def set(self, instance: object, value: object) -> None:
        owner: Any = instance
        self.check(value)
        for attribute, key in self.steps[:-1]:
            found = owner[key] if key is not None else getattr(owner, attribute)
            if found is None:
                hints = typing.get_type_hints(type(owner), include_extras=True)
                found = typing.get_args(hints[attribute])[0]()
                setattr(owner, attribute, found)
            owner = found
        attribute, key = self.steps[-1]
        if key is not None:
            owner[key] = value
        else:
            setattr(owner, attribute, value)

    def check(self, value: object) -> None:
        """Refuse a number that does not fit."""
        if self.node.kind is not Kind.INT32 or self.node.container is not Container.SINGLE:
            return
        if not isinstance(value, int) or not -(2**31) <= value < 2**31:
            raise PropertyError(f"{value!r} does not fit {self.id}")

    def delete(self, instance: object) -> None:
        owner = next(reach(instance, self.steps[:-1], fan_out=False), None)
        attribute, key = self.steps[-1]
        if isinstance(owner, dict):
            owner.pop(key, None)
        elif owner is not None:
            setattr(owner, attribute, getattr(type(owner)(), attribute))


def reach(value: Any, steps: list[tuple[str, Any]], *, fan_out: bool) -> Iterator[Any]:
    """Values at the end of the steps."""
    if value is None:
        return
    if not steps:
        yield value
        return
    (attribute, key), rest = steps[0], steps[1:]
    if key is not None:
        found = value.get(key) if isinstance(value, dict) else value[key]
        yield from reach(found, rest, fan_out=fan_out)
    elif fan_out and isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from reach(one, steps, fan_out=fan_out)
    else:
        yield from reach(getattr(value, attribute), rest, fan_out=fan_out)


class FakeCloner:
    """Copies."""

    def clone(self, item: Any) -> Any:
        return copy.deepcopy(item)


class FakeUpdater:
    """Differences, attribute by attribute."""

    def __init__(self, introspector: FakeIntrospector) -> None:
        self.introspector = introspector

    def diff(self, old: Any, new: Any, *, mode: UpdateMode = UpdateMode.PUT) -> ChangeSet:
        if type(old) is not type(new):
            raise InvalidInputError("different models")
        key = self.introspector.primary_key(old)
        if self.introspector.primary_key(new) != key:
            raise PropertyError("different keys")
        root = self.introspector.inspect(old)
        changes = []
        for path, node in root.attributes.items():
            before, after = getattr(old, node.attribute), getattr(new, node.attribute)
            if mode is UpdateMode.PATCH:
                after = (before | after if isinstance(after, dict) else after) or before
            if before != after:
                name = f"{root.path}<{{24}}{{24}}{key}>.{path}"
                changes.append(Change(name, copy.deepcopy(before), copy.deepcopy(after)))
        return ChangeSet(root.type_name, key, tuple(changes))

    def apply(self, changes: ChangeSet, target: Any) -> Any:
        for change in changes:
            place = self.introspector.property(change.property_id)
            place.set(target, copy.deepcopy(change.new))
        return target

    def check(self, item: object) -> None:
        """Whatever is made of the model's attributes fits."""
        self.introspector.inspect(item)

    def invert(self, changes: ChangeSet) -> ChangeSet:
        back = [Change(one.property_id, one.new, one.old) for one in reversed(changes.changes)]
        return ChangeSet(changes.model, changes.key, tuple(back))
