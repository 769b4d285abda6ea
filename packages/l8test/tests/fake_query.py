# SPDX-License-Identifier: Apache-2.0
"""The smallest query language that keeps its promises; it has neither aggregates nor ``like``."""

from __future__ import annotations

import copy
import operator
import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from l8types.criteria import And, AttributePath, Comparison, Criteria, Not, Or, SortKey
from l8types.enums import Kind, Operator
from l8types.errors import NotFoundError, QueryError
from l8types.pb import L8Query

from .fake_models import FakeIntrospector, reach

if TYPE_CHECKING:
    from collections.abc import Iterable

    from l8types.protocols.models import ModelNode

TOKEN = re.compile(r"\s*(\[[^\]]*\]|!=|>=|<=|[=<>()]|[^\s=<>!()\[\]]+)")
COMPARE: dict[Operator, Any] = {
    Operator.EQ: operator.eq, Operator.NE: operator.ne, Operator.GT: operator.gt,
    Operator.LT: operator.lt, Operator.GE: operator.ge, Operator.LE: operator.le,
    Operator.IN: lambda value, values: value in values,
}  # fmt: skip


@dataclass
class FakeQuery:
    """A parsed query."""

    text: str
    root: Any = None
    columns: tuple[AttributePath, ...] = ()
    criteria: Criteria | None = None
    sort_keys: tuple[SortKey, ...] = ()
    limit: int = 0
    page: int = 0
    aggregates: tuple[object, ...] = ()
    having: None = None
    distinct: bool = False
    introspector: Any = field(default=None, repr=False)

    def matches(self, item: object) -> bool:
        return self.criteria is None or holds(self.criteria, item)

    def filter(self, items: Iterable[Any]) -> list[Any]:
        return [item for item in items if self.matches(item)]

    def sort(self, items: Iterable[Any]) -> list[Any]:
        found = sorted(items, key=self.introspector.primary_key)
        for key in reversed(self.sort_keys):
            found.sort(key=partial(values_of, key.path), reverse=key.descending)
        return found

    def project(self, item: Any) -> Any:
        if not self.columns:
            return item
        new = type(item)()
        for path in self.columns:
            value = copy.deepcopy(getattr(item, path.node.attribute))
            setattr(new, path.node.attribute, value)
        return new

    def to_wire(self) -> L8Query:
        return L8Query(text=self.text)


def values_of(path: AttributePath, item: object) -> list[Any]:
    """All values that a path reaches."""
    return list(reach(item, [(node.attribute, None) for node in path.nodes], fan_out=True))


def holds(criteria: Criteria, item: object) -> bool:
    """Whether an item satisfies criteria."""
    match criteria:
        case And(terms):
            return all(holds(term, item) for term in terms)
        case Or(terms):
            return any(holds(term, item) for term in terms)
        case Not(term):
            return not holds(term, item)
    values = values_of(criteria.path, item)
    if criteria.operator is Operator.IS_NULL:
        return not any(values)
    if not values:
        return criteria.operator is Operator.NE
    return any(COMPARE[criteria.operator](value, criteria.value) for value in values)


class FakeQueries:
    """Parses queries."""

    def __init__(self, introspector: FakeIntrospector) -> None:
        self.introspector = introspector

    def parse(self, text: str, **parameters: object) -> FakeQuery:
        return Parser(text, self.introspector, parameters).query()

    def from_wire(self, message: L8Query) -> FakeQuery:
        return self.parse(message.text)


class Parser:
    """Reads one text."""

    def __init__(self, text: str, introspector: FakeIntrospector, parameters: Any) -> None:
        self.text, self.introspector, self.parameters = text, introspector, parameters
        self.tokens = TOKEN.findall(text)
        self.root: Any = None

    def fail(self) -> QueryError:
        column = len(self.text) - sum(map(len, self.tokens)) + 1
        return QueryError(f"bad query {self.text!r}", line=1, column=max(column, 1))

    def take(self, *wanted: str) -> bool:
        """Whether these words come next; they are gone then."""
        found = [token.lower() for token in self.tokens[: len(wanted)]] == list(wanted)
        if found:
            del self.tokens[: len(wanted)]
        return found

    def next(self) -> str:
        if not self.tokens:
            raise self.fail()
        return str(self.tokens.pop(0))

    def query(self) -> FakeQuery:
        if not self.take("select"):
            raise self.fail()
        names = self.next()
        if not self.take("from"):
            raise self.fail()
        try:
            self.root = self.introspector.node(self.next())
        except NotFoundError as error:
            raise QueryError(str(error), line=1, column=1) from error
        query = FakeQuery(self.text, self.root, introspector=self.introspector)
        if names != "*":
            query.columns = tuple(self.path(name) for name in names.split(","))
        if self.take("where"):
            query.criteria = self.either()
        if self.take("sort-by"):
            query.sort_keys = (SortKey(self.path(self.next()), self.take("descending")),)
        query.limit = int(self.next()) if self.take("limit") else 0
        query.page = int(self.next()) if self.take("page") else 0
        if self.tokens:
            raise self.fail()
        return query

    def either(self) -> Criteria:
        terms = [self.both()]
        while self.take("or"):
            terms.append(self.both())
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def both(self) -> Criteria:
        terms = [self.term()]
        while self.take("and"):
            terms.append(self.term())
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def term(self) -> Criteria:
        if self.take("not"):
            return Not(self.term())
        if self.take("("):
            found = self.either()
            if not self.take(")"):
                raise self.fail()
            return found
        path, sign, text = self.path(self.next()), Operator(self.next().lower()), self.next()
        if text.lower() == "nil":
            return Comparison(path, Operator.IS_NULL)
        if text.startswith("["):
            values = tuple(self.value(path.node, one) for one in text[1:-1].split(","))
            return Comparison(path, sign, values)
        return Comparison(path, sign, self.value(path.node, text))

    def path(self, name: str) -> AttributePath:
        nodes, node = [], self.root
        for step in name.lower().split("."):
            if step not in node.attributes:
                raise QueryError(f"no attribute {step!r}", line=1, column=1)
            node = node.attributes[step]
            nodes.append(node)
        return AttributePath(tuple(nodes))

    def value(self, node: ModelNode, text: str) -> object:
        if text.startswith(":"):
            return self.parameters[text[1:]]
        if node.kind is Kind.BOOL:
            return text == "true"
        return int(text) if node.kind in (Kind.INT32, Kind.INT64) else text
