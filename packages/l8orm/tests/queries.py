# SPDX-License-Identifier: Apache-2.0
"""A query made of criteria, evaluated in memory by the plainest code that follows the protocol."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from l8types.criteria import (
    Aggregate,
    And,
    AttributePath,
    Comparison,
    Criteria,
    Not,
    SortKey,
)
from l8types.enums import Container, Kind, Operator, Presence, Quantifier
from l8types.protocols.models import ModelNode

if TYPE_CHECKING:
    from l8types.protocols.data import Query

NEGATIVE = {
    Operator.NE: Operator.EQ,
    Operator.NOT_IN: Operator.IN,
    Operator.NOT_LIKE: Operator.LIKE,
}
NULLS = {Operator.IS_NULL, Operator.IS_NOT_NULL}
Leaf = Callable[[Any], bool]


def path(root: ModelNode, text: str) -> AttributePath:
    """The attribute of a dotted name."""
    nodes, at = [], root
    for name in text.lower().split("."):
        at = at.attributes[name]
        nodes.append(at)
    return AttributePath(tuple(nodes))


def read(owner: Any, node: ModelNode) -> Any:
    """The value of an attribute, ``None`` when absent."""
    if node.presence is Presence.HAS_FIELD and not owner.HasField(node.attribute):
        return None
    return getattr(owner, node.attribute)


def walk(owner: Any, nodes: Sequence[ModelNode], leaf: Leaf, every: bool, whole: bool) -> bool:
    """Whether any or every value that a path reaches satisfies a condition."""
    node, rest = nodes[0], nodes[1:]
    value = read(owner, node)

    def go_on(each: Any) -> bool:
        if each is None:
            return False
        return walk(each, rest, leaf, every, whole) if rest else leaf(each)

    if node.container is Container.SINGLE or (whole and not rest):
        return go_on(value)
    elements = value or ()
    if node.container is Container.MAP:
        elements = [elements[key] for key in elements]
    return (all if every else any)(go_on(each) for each in elements)


def like(pattern: str, text: str) -> bool:
    """Whether a pattern of SQL matches a whole text."""
    pieces = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    source = "".join(wild.get(piece) or re.escape(piece[-1]) for piece in pieces)
    return re.fullmatch(source, text, re.DOTALL) is not None


def test(operator: Operator, value: Any, wanted: Any, fold: bool) -> bool:
    """One operator on one value."""
    if fold:
        value = value.lower()
        wanted = tuple(w.lower() for w in wanted) if isinstance(wanted, tuple) else wanted.lower()
    if operator is Operator.IN:
        return value in wanted
    if operator is Operator.BETWEEN:
        return bool(wanted[0] <= value <= wanted[1])
    if operator is Operator.LIKE:
        return like(wanted, value)
    compare: dict[Operator, Callable[[], bool]] = {
        Operator.EQ: lambda: value == wanted,
        Operator.GT: lambda: value > wanted,
        Operator.GE: lambda: value >= wanted,
        Operator.LT: lambda: value < wanted,
        Operator.LE: lambda: value <= wanted,
    }
    return bool(compare[operator]())


test.__test__ = False  # type: ignore[attr-defined]


def holds(criteria: Criteria, item: object) -> bool:
    """Whether an item satisfies criteria."""
    if isinstance(criteria, Not):
        return not holds(criteria.term, item)
    if not isinstance(criteria, Comparison):
        fold = all if isinstance(criteria, And) else any
        return fold(holds(term, item) for term in criteria.terms)
    if criteria.operator in NULLS or (
        criteria.value is None and criteria.operator in {Operator.EQ, Operator.NE}
    ):
        return absence(criteria, item)
    return comparison(criteria, item)


def comparison(criteria: Comparison, item: object) -> bool:
    """A comparison with a value or with another attribute."""
    nodes = criteria.path.nodes
    positive = NEGATIVE.get(criteria.operator, criteria.operator)
    negated = positive is not criteria.operator
    fans_out = any(node.container is not Container.SINGLE for node in nodes)
    every = criteria.quantifier is Quantifier.ALL
    if negated:
        every = not every and fans_out
    fold = not criteria.match_case and nodes[-1].kind is Kind.STRING

    def leaf(value: Any) -> bool:
        other = criteria.value
        if not isinstance(other, AttributePath):
            return test(positive, value, other, fold)
        return walk(item, other.nodes, lambda o: test(positive, value, o, fold), False, False)

    return walk(item, nodes, leaf, every, False) is not negated


def absence(criteria: Comparison, item: object) -> bool:
    """A test for null, or for nothing."""
    nodes, node = criteria.path.nodes, criteria.path.node
    negative = criteria.operator in {Operator.NE, Operator.IS_NOT_NULL}
    fans_out = any(each.container is not Container.SINGLE for each in nodes[:-1])

    def leaf(value: Any) -> bool:
        if node.container is not Container.SINGLE:
            return len(value) > 0
        return criteria.operator in NULLS or node.kind is Kind.MESSAGE or bool(value)

    default = Quantifier.ALL if negative and fans_out else Quantifier.ANY
    if criteria.quantifier is default:
        there = walk(item, nodes, leaf, True, True)
        there = there and (not fans_out or walk(item, nodes, lambda _: True, False, True))
    else:
        there = walk(item, nodes, leaf, False, True)
    return there is negative


FUNCTIONS: dict[str, Callable[[list[Any]], object]] = {
    "count": len,
    "sum": lambda found: sum(found) if found else None,
    "avg": lambda found: sum(found) / len(found) if found else None,
    "min": lambda found: min(found, default=None),
    "max": lambda found: max(found, default=None),
}


def values(item: Any, reached: AttributePath) -> list[Any]:
    """All values that a path reaches."""
    found: list[Any] = []

    def keep(value: Any) -> bool:
        found.append(value)
        return False

    walk(item, reached.nodes, keep, False, False)
    return found


def result(alias: str, kind: Kind = Kind.INT64) -> AttributePath:
    """A result of an aggregate query, as conditions on groups name it."""
    node = SimpleNamespace(
        field_name=alias,
        attribute=alias,
        path=alias,
        kind=kind,
        container=Container.SINGLE,
        presence=Presence.NONE,
        attributes={},
    )
    return AttributePath((cast("ModelNode", node),))


@dataclass(frozen=True)
class FakeQuery:
    """A query with everything given."""

    root: ModelNode
    criteria: Criteria | None = None
    sort_keys: tuple[SortKey, ...] = ()
    columns: tuple[AttributePath, ...] = ()
    limit: int = 0
    page: int = 0
    distinct: bool = False
    match_case: bool = True
    having: Criteria | None = None
    aggregates: tuple[Aggregate, ...] = ()
    group_by: tuple[AttributePath, ...] = ()

    def matches(self, item: object) -> bool:
        return self.criteria is None or holds(self.criteria, item)

    def filter(self, items: Iterable[object]) -> list[object]:
        return [item for item in items if self.matches(item)]

    def sort(self, items: Iterable[object]) -> list[object]:
        result = list(items)
        for key in reversed(self.sort_keys):
            nodes = key.path.nodes

            def rank(item: object, nodes: Any = nodes, down: bool = key.descending) -> Any:
                found: list[Any] = []

                def keep(value: Any) -> bool:
                    found.append(value)
                    return False

                walk(item, nodes, keep, False, False)
                best = (max if down else min)(found, default=None)
                return (best is None) is not down, best

            result.sort(key=rank, reverse=key.descending)
        return result

    def project(self, item: Any) -> object:
        if not self.columns:
            return item
        model: Any = self.root.model
        names = [each.nodes[0].attribute for each in self.columns]
        return model(**{"id": "", **{name: getattr(item, name) for name in names}})

    def aggregate(self, items: Iterable[Any]) -> list[dict[str, object]]:
        groups: dict[tuple[Any, ...], list[Any]] = {} if self.group_by else {(): []}
        for item in items:
            key = tuple(next(iter(values(item, each)), None) for each in self.group_by)
            groups.setdefault(key, []).append(item)
        rows: list[dict[str, object]] = []
        for key, members in groups.items():
            row = dict(zip((each.text for each in self.group_by), key, strict=True))
            for each in self.aggregates:
                found = members
                if each.path is not None:
                    found = [value for item in members for value in values(item, each.path)]
                row[each.alias] = FUNCTIONS[each.function](found)
            rows.append(row)
        if self.having is not None:
            rows = [row for row in rows if holds(self.having, SimpleNamespace(**row))]
        plain = FakeQuery(self.root, sort_keys=self.sort_keys)
        ordered = plain.sort(SimpleNamespace(**row) for row in rows)
        return [vars(cast("Any", row)) for row in ordered]


def query(root: ModelNode, criteria: Criteria | None = None, **facts: Any) -> Query:
    """A query about a model."""
    return cast("Query", FakeQuery(root, criteria, **facts))


def where(
    root: ModelNode, name: str, operator: Operator, value: object = None, **facts: Any
) -> Comparison:
    """One condition."""
    return Comparison(path(root, name), operator, value, **facts)
