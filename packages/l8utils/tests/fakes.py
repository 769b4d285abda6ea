# SPDX-License-Identifier: Apache-2.0
"""Small stand-ins for the parts that other packages bring: keys, copies, differences, queries."""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, TypeVar, cast

from l8types.criteria import Aggregate, And, AttributePath, Comparison, Criteria, SortKey
from l8types.enums import Container, DecoratorType, Kind, Operator, UpdateMode
from l8types.errors import DecodeError, PropertyError
from l8types.pb import L8Query
from l8types.protocols.models import ModelNode
from l8types.settings import NodeSettings
from l8types.values import Change, ChangeSet
from l8utils import MemoryCache, NodeResources, PluginCatalog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from l8types.protocols.data import ObjectCodec, Query
    from l8types.protocols.models import Cloner, Introspector, KeyExtractor, Updater

T = TypeVar("T")

NODE = "11111111-2222-4333-8444-555555555555"


@dataclass
class Book:
    """The model of most tests: ``isbn`` is its key, ``code`` is unique."""

    isbn: str = ""
    title: str = ""
    price: float | None = None
    code: str = ""
    shelf: int = 0
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FakeNode:
    """The members of a model node that the package looks at."""

    type_name: str = "Book"
    field_name: str = ""
    attribute: str = ""
    kind: Kind = Kind.STRING
    container: Container = Container.SINGLE
    model: type | None = None
    attributes: Mapping[str, FakeNode] = field(default_factory=dict, hash=False)


ROOT = cast("ModelNode", FakeNode())
KINDS = {"isbn": Kind.STRING, "price": Kind.FLOAT32, "shelf": Kind.INT32, "tags": Kind.STRING}


def node_of(attribute: str) -> FakeNode:
    """Node of an attribute of a book."""
    container = Container.LIST if attribute == "tags" else Container.SINGLE
    kind = KINDS.get(attribute, Kind.STRING)
    return FakeNode("Book", attribute.capitalize(), attribute, kind, container)


def path_of(attribute: str) -> AttributePath:
    """Path to an attribute of a book."""
    return AttributePath((cast("ModelNode", node_of(attribute)),))


def where(attribute: str, operator: Operator, value: object, **options: bool) -> Comparison:
    """Condition on an attribute of a book."""
    return Comparison(path_of(attribute), operator, value, **options)  # type: ignore[arg-type]


def by(attribute: str, *, descending: bool = False) -> SortKey:
    """Order by an attribute of a book."""
    return SortKey(path_of(attribute), descending)


def holds(criteria: Criteria | None, item: object) -> bool:
    """Whether an item satisfies criteria, decided the simple way."""
    match criteria:
        case None:
            return True
        case And(terms):
            return all(holds(term, item) for term in terms)
        case Comparison(path, operator, value):
            have = getattr(item, path.node.attribute)
            if have is None:
                return operator is Operator.NE
            return {
                Operator.EQ: lambda: bool(have == value),
                Operator.NE: lambda: bool(have != value),
                Operator.LT: lambda: bool(have < value),
                Operator.GE: lambda: bool(have >= value),
            }[operator]()
    raise NotImplementedError(criteria)


@dataclass(frozen=True)
class FakeQuery:
    """A query whose criteria are plain comparisons; counts how often it was asked to match."""

    criteria: Criteria | None = None
    sort_keys: tuple[SortKey, ...] = ()
    limit: int = 0
    page: int = 0
    distinct: bool = False
    columns: tuple[AttributePath, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    group_by: tuple[AttributePath, ...] = ()
    text: str = ""
    match_case: bool = True
    map_reduce: bool = False
    register: bool = False
    having: Criteria | None = None
    identity: str = ""
    root: ModelNode = ROOT
    asked: list[object] = field(default_factory=list, compare=False)

    def matches(self, item: object) -> bool:
        self.asked.append(item)
        return holds(self.criteria, item)

    def filter(self, items: Iterable[object]) -> list[object]:
        return [item for item in items if self.matches(item)]

    def sort(self, items: Iterable[object]) -> list[object]:
        ordered = list(items)
        for key in reversed(self.sort_keys):
            name = key.path.node.attribute
            present = [item for item in ordered if getattr(item, name) is not None]
            absent = [item for item in ordered if getattr(item, name) is None]
            present.sort(key=self.rank(name), reverse=key.descending)
            ordered = present + absent
        return ordered

    def rank(self, name: str) -> Callable[[object], Any]:
        def of(item: object) -> object:
            value = getattr(item, name)
            return value if self.match_case or not isinstance(value, str) else value.lower()

        return of

    def project(self, item: object) -> object:
        if not self.columns:
            return item
        names = [path.node.attribute for path in self.columns]
        return type(item)(**{name: getattr(item, name) for name in names})

    def aggregate(self, items: Iterable[object]) -> list[dict[str, object]]:
        groups: dict[tuple[object, ...], dict[str, object]] = {}
        for item in items:
            values = {path.text: getattr(item, path.node.attribute) for path in self.group_by}
            group = groups.setdefault(tuple(values.values()), {**values})
            for aggregate in self.aggregates:
                group[aggregate.alias] = cast("int", group.get(aggregate.alias, 0)) + 1
        return list(groups.values())

    def to_wire(self) -> L8Query:
        return L8Query(text=self.text)


class FakeKeys:
    """Keys of books, and of anything else with the attributes of a book."""

    def primary_key(self, item: object) -> str:
        key = cast("Book", item).isbn
        if not key:
            raise PropertyError("the primary key is empty")
        return key

    def unique_key(self, item: object) -> str | None:
        return cast("Book", item).code or None


class FakeCloner:
    """Deep copies; counts them."""

    def __init__(self) -> None:
        self.copies = 0

    def clone(self, item: T) -> T:
        self.copies += 1
        return copy.deepcopy(item)


class FakeUpdater:
    """Differences of dataclasses attribute by attribute."""

    def diff(self, old: object, new: object, *, mode: UpdateMode = UpdateMode.PUT) -> ChangeSet:
        key = cast("Book", old).isbn
        changes = []
        for one in fields(old):  # type: ignore[arg-type]
            before, after = getattr(old, one.name), getattr(new, one.name)
            if before == after or (mode is UpdateMode.PATCH and not after):
                continue
            changes.append(Change(property_id(key, one.name), before, after))
        return ChangeSet("Book", key, tuple(changes))

    def apply(self, changes: ChangeSet, target: T) -> T:
        for change in changes:
            setattr(target, change.property_id.rpartition(".")[2], copy.deepcopy(change.new))
        return target

    def check(self, item: object) -> None:
        """Accept a book whose title is a text."""
        if not isinstance(cast("Book", item).title, str):
            raise PropertyError("Book.title is no text")

    def invert(self, changes: ChangeSet) -> ChangeSet:
        reverse = tuple(
            Change(change.property_id, change.new, change.old)
            for change in reversed(changes.changes)
        )
        return ChangeSet(changes.model, changes.key, reverse)


def property_id(key: str, attribute: str) -> str:
    """Property id of an attribute of a book."""
    return f"book<{{24}}{key}>.{attribute}"


@dataclass
class FakeProperty:
    """A property of which only the node is asked for."""

    node: FakeNode


class FakeIntrospector(FakeKeys):
    """Knows books and their declarations."""

    def __init__(self, declared: Mapping[DecoratorType, tuple[str, ...]] | None = None) -> None:
        self.declared = declared or {DecoratorType.PRIMARY: ("Isbn",)}
        self.inspected: list[type] = []
        self.nested: dict[str, FakeNode] = {}

    def inspect(self, model: type) -> FakeNode:
        self.inspected.append(model)
        attributes = {one.name: node_of(one.name) for one in fields(Book)}
        return FakeNode(model.__name__, model=model, attributes=attributes | self.nested)

    def fields(self, model: type, decorator: DecoratorType) -> tuple[str, ...] | None:
        return self.declared.get(decorator)

    def property(self, text: str) -> FakeProperty:
        attribute = text.rpartition(".")[2].partition("<")[0]
        if attribute not in {one.name for one in fields(Book)}:
            raise PropertyError(f"no attribute {attribute!r}")
        return FakeProperty(node_of(attribute))


class FakeCodec:
    """The value as a Python literal behind one byte for the kind that was asked for."""

    def encode(self, value: object, *, kind: Kind | None = None) -> bytes:
        literal = {"Book": vars(value)} if isinstance(value, Book) else value
        return bytes([kind or 0]) + repr(literal).encode()

    def decode(self, data: bytes | memoryview) -> object:
        try:
            value: object = ast.literal_eval(bytes(data)[1:].decode())
        except (ValueError, SyntaxError, MemoryError) as error:
            raise DecodeError(f"not a value: {error}") from error
        if isinstance(value, dict) and value.keys() == {"Book"}:
            return Book(**value["Book"])
        return value


@dataclass
class ManualClock:
    """A clock that stands still until it is told otherwise."""

    time: float = 1000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


def cache_of(
    *items: Book,
    indexed: Mapping[str, str] | None = None,
    cloner: FakeCloner | None = None,
    max_items: int = 0,
    max_answers: int = 64,
    clock: ManualClock | None = None,
) -> MemoryCache:
    """A cache of books."""
    return MemoryCache(
        Book,
        keys=cast("KeyExtractor", FakeKeys()),
        cloner=cast("Cloner", cloner or FakeCloner()),
        updater=cast("Updater", FakeUpdater()),
        items=items,
        indexed=indexed,
        max_items=max_items,
        max_answers=max_answers,
        clock=clock,
    )


def resources_of(
    settings: NodeSettings | None = None,
    *,
    introspector: FakeIntrospector | None = None,
    catalog: PluginCatalog | None = None,
) -> NodeResources:
    """Resources with fakes for what other packages bring."""
    return NodeResources(
        settings or NodeSettings(uuid=NODE),
        catalog=catalog,
        introspector=cast("Introspector", introspector or FakeIntrospector()),
        cloner=cast("Cloner", FakeCloner()),
        updater=cast("Updater", FakeUpdater()),
        codec=cast("ObjectCodec", FakeCodec()),
    )


def query(**options: object) -> Query:
    """A fake query as the protocol it stands for."""
    return cast("Query", FakeQuery(**options))  # type: ignore[arg-type]


def books(*prices: float) -> list[Book]:
    """Books numbered from 1 with these prices."""
    return [
        Book(isbn=str(number), title=f"t{number}", price=price)
        for number, price in enumerate(prices, 1)
    ]
