# SPDX-License-Identifier: Apache-2.0
"""Criteria of a query as a condition of SQL.

A condition never lets less pass than the query. Where it lets exactly as much pass it is called
exact; otherwise the query itself decides about what was read. Conditions are true or false and
never NULL, so that they can be negated: a column that may be NULL is asked for that first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from l8orm._arrays import elements
from l8orm._kinds import FLOATS
from l8orm._leaves import Clause, Column, Leaves, UntranslatableError
from l8orm._members import Array, Body, Collection, Document, Member, Scalar, Single, key_column
from l8orm._order import STALE, order_text
from l8types.criteria import And, AttributePath, Comparison, Criteria, Not, Or
from l8types.enums import Container, Kind, Operator, Presence, Quantifier

if TYPE_CHECKING:
    from l8orm._layout import Layout
    from l8types.protocols.models import ModelNode

__all__ = ["Pushed", "Reached", "Translator"]

MAX_CONDITIONS: Final = 400
"""SQLite takes expressions of 1000 levels, and a chain of conditions has a level for each."""

MAX_DEPTH: Final = 24
"""Conditions within conditions, each of which takes two of the 100 places of SQLite's parser."""

_BY_INDEX: Final = 100
"""Members of a list up to which each is looked up in an index."""

_PER_COLLECTION: Final = 4
"""Levels that a condition on the elements of a list or map counts for."""

_NEGATIVE: Final = {
    Operator.NE: Operator.EQ,
    Operator.NOT_IN: Operator.IN,
    Operator.NOT_LIKE: Operator.LIKE,
    Operator.IS_NOT_NULL: Operator.IS_NULL,
}
_NULL_TESTS: Final = frozenset((Operator.IS_NULL, Operator.IS_NOT_NULL))
_ORDERS: Final = frozenset((Operator.EQ, Operator.GT, Operator.GE, Operator.LT, Operator.LE))
_TRUE: Final = sa.true()


@dataclass(frozen=True, slots=True)
class Pushed:
    """What of the criteria a database evaluates."""

    clause: Clause | None
    """The condition, ``None`` when everything has to be read."""
    exact: bool
    """Whether it is all there is to the criteria."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A single value of the root's table, and when it is there."""

    scalar: Scalar
    column: Column
    present: Clause
    nullable: bool
    """Whether it may be absent."""
    own: bool
    """Whether it is an attribute of the item itself: its column is NULL just where it is absent."""
    order: sa.Column[Any] | None = None
    """What a text is sorted by, ``None`` when only the query knows its order."""


@dataclass(frozen=True, slots=True)
class _Row:
    """Stands for a table where a value is in none."""

    c: Mapping[str, Column]


_Leaf = Callable[[Member, Any], Clause]
"""Makes the condition on an attribute that is there, in a table."""


class Translator:
    """Translates the criteria of queries about one model.

    Args:
        layout: The tables of the model.
        sqlite: Whether the database is SQLite, otherwise PostgreSQL.
    """

    def __init__(self, layout: Layout, *, sqlite: bool) -> None:
        self._layout = layout
        self._tables = {table.name: table for table in layout.tables}
        self._leaves = Leaves(sqlite=sqlite)

    def translate(self, criteria: Criteria | None) -> Pushed:
        """The condition of some criteria."""
        if criteria is None:
            return Pushed(None, exact=True)
        return self._translate(criteria) if _is_modest(criteria) else Pushed(None, exact=False)

    def _translate(self, criteria: Criteria) -> Pushed:
        if isinstance(criteria, Comparison):
            return self._one(criteria)
        if isinstance(criteria, Not):
            term = self._translate(criteria.term)
            if term.clause is None or not term.exact:
                return Pushed(None, exact=False)
            return Pushed(sa.not_(term.clause), exact=True)
        return self._several(criteria)

    def _one(self, comparison: Comparison) -> Pushed:
        try:
            clause, exact = self._comparison(comparison)
        except UntranslatableError:
            return Pushed(None, exact=False)
        return Pushed(clause, exact)

    def _several(self, criteria: And | Or) -> Pushed:
        terms = [self._translate(term) for term in criteria.terms]
        clauses = [term.clause for term in terms if term.clause is not None]
        exact = all(term.exact for term in terms)
        if isinstance(criteria, And):
            return Pushed(sa.and_(_TRUE, *clauses), exact)
        if len(clauses) < len(terms):
            return Pushed(None, exact=False)
        return Pushed(sa.or_(sa.false(), *clauses), exact)

    def reach(self, path: AttributePath) -> Reached | None:
        """The column of an attribute that every item has at most once, ``None`` otherwise."""
        body, table = self._layout.root.body, self._layout.root.sql
        present: list[Clause] = [_TRUE]
        nullable = False
        for node in path.nodes:
            member = body.members.get(node.field_name.lower())
            nullable = nullable or node.presence is not Presence.ALWAYS
            if isinstance(member, Single):
                if member.presence is not None:
                    present.append(table.c[member.presence.name].is_(_TRUE))
                body = member.body
            elif isinstance(member, Scalar) and node is path.nodes[-1]:
                column = table.c[member.column.name]
                present.append(column.is_not(None))
                order = None if member.order is None else table.c[member.order.name]
                own = len(path.nodes) == 1
                return Reached(member, column, sa.and_(*present), nullable, own, order)
            else:
                return None
        return None

    def columns(self, path: AttributePath) -> set[str]:
        """Names of the root's columns that tell the value of a reached attribute."""
        body, names = self._layout.root.body, set[str]()
        for node in path.nodes:
            member = _member(body, node)
            if isinstance(member, Single):
                if member.presence is not None:
                    names.add(member.presence.name)
                body = member.body
            elif isinstance(member, Scalar):
                names.add(member.column.name)
        return names

    def _comparison(self, comparison: Comparison) -> tuple[Clause, bool]:
        path, operator, value = comparison.path, comparison.operator, comparison.value
        if operator in _NULL_TESTS or (value is None and operator in {Operator.EQ, Operator.NE}):
            return self._absence(comparison), True
        if isinstance(value, AttributePath):
            return self._two_paths(comparison, value), True
        positive = _NEGATIVE.get(operator, operator)
        negated = positive is not operator
        every = comparison.quantifier is Quantifier.ALL
        if negated:
            # "No element is equal" and "some element is not" are negations of conditions with "=".
            every = not every and _fans_out(path)
        exact = True

        def leaf(member: Member, table: Any) -> Clause:  # noqa: ANN401 - a table or an alias
            nonlocal exact
            if not isinstance(member, Scalar):
                raise UntranslatableError(path.text)
            clause, is_exact = self._leaves.condition(
                member,
                table.c[member.column.name],
                positive,
                value,
                fold=not comparison.match_case,
                strict=negated or every,
            )
            exact = exact and is_exact
            if member.order is not None and positive in {Operator.EQ, Operator.IN}:
                return sa.and_(_by_index(table.c[member.order.name], value), clause)
            return clause

        found = self._walk(path.nodes, self._layout.root.body, self._root, leaf, every=every)
        return (sa.not_(found) if negated else found), exact

    @property
    def _root(self) -> Any:  # noqa: ANN401 - a table or an alias
        return self._layout.root.sql

    def _walk(
        self,
        nodes: Sequence[ModelNode],
        body: Body,
        table: Any,  # noqa: ANN401 - a table or an alias
        leaf: _Leaf,
        *,
        every: bool,
        whole: bool = False,
    ) -> Clause:
        """Condition on what a path reaches; ``whole`` takes a last collection as one value."""
        node, rest = nodes[0], nodes[1:]
        member = _member(body, node)
        if isinstance(member, Collection) and (rest or not whole):
            return self._elements(member, rest, table, leaf, every=every, whole=whole)
        if isinstance(member, Array) and not whole:
            return self._any_element(member, table, leaf, every=every)
        if isinstance(member, Document) and (
            rest or (node.container is not Container.SINGLE and not whole)
        ):
            raise UntranslatableError(node.path)
        if isinstance(member, Single) and rest:
            inner = self._walk(rest, member.body, table, leaf, every=every, whole=whole)
        else:
            inner = leaf(member, table)
        return _guarded(member, table, inner)

    def _elements(
        self,
        member: Collection,
        rest: Sequence[ModelNode],
        table: Any,  # noqa: ANN401 - a table or an alias
        leaf: _Leaf,
        *,
        every: bool,
        whole: bool,
    ) -> Clause:
        child = self._tables[member.table].sql.alias()
        if rest:
            inner = self._walk(rest, member.body, child, leaf, every=every, whole=whole)
        else:
            inner = leaf(member, child)
        condition = sa.not_(inner) if every else inner
        found = sa.exists().where(self._joined(member, child, table), condition)
        return sa.not_(found) if every else found

    def _any_element(
        self,
        member: Array,
        table: Any,  # noqa: ANN401 - a table or an alias
        leaf: _Leaf,
        *,
        every: bool,
    ) -> Clause:
        """Condition on some, or on every, element of an array."""
        rows = elements(table.c[member.column.name], member.element.type)
        inner = leaf(member.element, _Row({member.column.name: rows.c.value}))
        found = sa.exists(
            sa.select(sa.literal_column("1"))
            .select_from(rows)
            .where(sa.not_(inner) if every else inner)
        )
        return sa.not_(found) if every else found

    def _joined(self, member: Collection, child: Any, owner: Any) -> Clause:  # noqa: ANN401
        names = [key_column(level) for level in range(member.width - 1)]
        return sa.and_(*(child.c[name] == owner.c[name] for name in names))

    def _absence(self, comparison: Comparison) -> Clause:
        """``is null`` and ``= nil`` with their negations.

        A path is null when it reaches nothing or something null; with ``all`` it is null when it
        reaches nothing that is not. The negations are those of these.
        """
        path, operator = comparison.path, comparison.operator
        negative = operator in _NEGATIVE
        fans_out = any(node.container is not Container.SINGLE for node in path.nodes[:-1])
        default = Quantifier.ALL if negative and fans_out else Quantifier.ANY

        def leaf(member: Member, table: Any) -> Clause:  # noqa: ANN401 - a table or an alias
            return self._is_there(member, table, zero_counts=operator in _NULL_TESTS)

        def walk(leaf: _Leaf, *, every: bool) -> Clause:
            body = self._layout.root.body
            return self._walk(path.nodes, body, self._root, leaf, every=every, whole=True)

        if comparison.quantifier is not default:
            there = walk(leaf, every=False)
        else:
            there = walk(leaf, every=True)
            if fans_out:
                there = sa.and_(walk(lambda *_: _TRUE, every=False), there)
        return there if negative else sa.not_(there)

    def _is_there(self, member: Member, table: Any, *, zero_counts: bool) -> Clause:  # noqa: ANN401
        """Whether an attribute that is not absent has a value; an empty collection has none."""
        if isinstance(member, Collection):
            child = self._tables[member.table].sql.alias()
            return sa.exists().where(self._joined(member, child, table))
        if isinstance(member, Array):
            count = sa.func.coalesce(sa.func.cardinality(table.c[member.column.name]), 0)
            filled: Clause = count > 0
            return filled
        if isinstance(member, Document):
            column: Column = table.c[member.column.name]
            if member.node.container is Container.SINGLE:
                return column.is_not(None)
            text = sa.cast(column, sa.Text())
            return sa.and_(column.is_not(None), text.not_in(["[]", "{}"]))
        if isinstance(member, Scalar) and not zero_counts:
            zero = sa.bindparam(None, member.type.zero, type_=member.column.type)
            something: Clause = table.c[member.column.name] != zero
            return something
        return _TRUE

    def _two_paths(self, comparison: Comparison, other: AttributePath) -> Clause:
        left, right = self.reach(comparison.path), self.reach(other)
        operator = comparison.operator
        positive = _NEGATIVE.get(operator, operator)
        if left is None or right is None or positive not in _ORDERS:
            raise UntranslatableError(other.text)
        kinds = {left.scalar.node.kind, right.scalar.node.kind}
        if len(kinds) > 1 or kinds & (FLOATS | {Kind.UINT64}):
            raise UntranslatableError(other.text)
        if Kind.STRING in kinds and not comparison.match_case:
            raise UntranslatableError(other.text)
        clause = sa.and_(left.present, right.present, left.column.op(positive.value)(right.column))
        return clause if positive is operator else sa.not_(clause)


def _by_index(order: Column, value: object) -> Clause:
    """What an index on the order of a text can find: more than its value, and never less."""
    texts = value if isinstance(value, tuple) else (value,)
    if len(texts) > _BY_INDEX:
        return _TRUE
    return order.in_([*(order_text(str(text)) for text in texts), STALE])


def _is_modest(criteria: Criteria) -> bool:
    """Whether a database takes criteria of this size."""
    left: list[tuple[Criteria, int]] = [(criteria, 0)]
    seen = 0
    while left:
        each, depth = left.pop()
        seen += 1
        if isinstance(each, Comparison):
            fans = [node for node in each.path.nodes if node.container is not Container.SINGLE]
            depth += _PER_COLLECTION * len(fans)
        if seen > MAX_CONDITIONS or depth > MAX_DEPTH:
            return False
        if isinstance(each, Not):
            left.append((each.term, depth + 1))
        elif isinstance(each, And | Or):
            left.extend((term, depth + 1) for term in each.terms)
    return True


def _member(body: Body, node: ModelNode) -> Member:
    member = body.members.get(node.field_name.lower())
    if member is None:
        raise UntranslatableError(node.path)
    return member


def _fans_out(path: AttributePath) -> bool:
    return any(node.container is not Container.SINGLE for node in path.nodes)


def _guarded(member: Member, table: Any, inner: Clause) -> Clause:  # noqa: ANN401
    """The condition, asked only where the attribute is there."""
    if isinstance(member, Single):
        if member.presence is None:
            return inner
        return sa.and_(table.c[member.presence.name].is_(_TRUE), inner)
    if isinstance(member, Scalar):
        # NULL also where the model around it is absent or the row is older than the column.
        column = table.c[member.column.name]
        if member.node.presence is Presence.ALWAYS:
            return inner
        return sa.and_(column.is_not(None), inner)
    return inner
