# SPDX-License-Identifier: Apache-2.0
"""Queries put together in Python, which type checkers and editors understand.

    select(Book).where(lambda book: (book.price < 20) & on(book.title).like("Du%"))

The functions take the model as a type checker knows it, so a misspelt attribute, a value of the
wrong kind or an attribute of another model is found before anything runs. The result is the same
raw query that a text gives; all values are parameters, nothing in them has a meaning.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from gsql._attribute import (
    All,
    Attribute,
    Condition,
    Element,
    Inverse,
    Leaf,
    condition_of,
    condition_on,
    path_of,
)
from gsql._parser import default_alias
from gsql._paths import UnknownNameError, resolve
from gsql._problems import problem
from gsql._tree import (
    COUNT_DISTINCT,
    MAX_COMPARISONS,
    MAX_DEPTH,
    Chain,
    Column,
    Form,
    Negation,
    Operand,
    RawAggregate,
    RawComparison,
    RawQuery,
    RawSort,
    Unit,
)
from l8types.enums import Operator

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8types.protocols.models import Inspector, ModelNode

__all__ = ["Results", "Selection", "select"]

T = TypeVar("T")


class Results:
    """Results of an aggregate query, for ``having``."""

    def number(self, alias: str) -> float:
        """A result that is a number."""
        return cast("float", Attribute(alias))

    def text(self, alias: str) -> str:
        """A result that is a text."""
        return cast("str", Attribute(alias))


@dataclass(frozen=True, slots=True)
class Selection(Generic[T]):
    """A query on a model, not yet bound; immutable, each method gives a new one.

    It becomes a query by ``QueryFactory.build``.
    """

    model: type[T]
    _raw: RawQuery
    _where: tuple[Condition, ...] = ()
    _having: tuple[Condition, ...] = ()

    def columns(self, *paths: Callable[[T], object]) -> Selection[T]:
        """Only these attributes; without any, all."""
        return self._with(columns=tuple(map(_column, paths)), everything=not paths)

    def distinct(self) -> Selection[T]:
        """Equal results once."""
        return self._with(distinct=True)

    def where(self, condition: Callable[[T], bool]) -> Selection[T]:
        """Only what satisfies the condition too.

        Args:
            condition: Is called once, with a stand-in for an item; conditions are joined by ``&``
                and ``|``.

        Raises:
            TypeError: What it returns is no condition on the item.
        """
        return replace(self, _where=(*self._where, condition_on(condition)))

    def sort_by(self, path: Callable[[T], object], *, descending: bool = False) -> Selection[T]:
        """One more sort key, of less weight than those before."""
        return self._with(sort_by=(*self._raw.sort_by, RawSort(_column(path), descending)))

    def limit(self, limit: int, *, page: int = 0) -> Selection[T]:
        """A page of at most ``limit`` items."""
        return self._with(
            limit=Operand(Form.BARE, str(int(limit))), page=Operand(Form.BARE, str(int(page)))
        )

    def match_case(self) -> Selection[T]:
        """Texts compare case-sensitively."""
        return self._with(match_case=True)

    def map_reduce(self) -> Selection[T]:
        """Every provider answers for its part."""
        return self._with(map_reduce=True)

    def register(self) -> Selection[T]:
        """The caller is told of changes from now on."""
        return self._with(register=True)

    def count(self, path: Callable[[T], object] | None = None, *, alias: str = "") -> Selection[T]:
        """Number of the items, or of the values of an attribute."""
        column = Column("*") if path is None else _column(path)
        return self._aggregate("count", column, alias)

    def count_distinct(self, path: Callable[[T], object], *, alias: str = "") -> Selection[T]:
        """Number of the different values of an attribute."""
        column = _column(path)
        name = alias or default_alias("countDistinct", column.text)
        return self._aggregate(COUNT_DISTINCT, column, name)

    def sum(self, path: Callable[[T], object], *, alias: str = "") -> Selection[T]:
        """Sum of the values of an attribute."""
        return self._aggregate("sum", _column(path), alias)

    def avg(self, path: Callable[[T], object], *, alias: str = "") -> Selection[T]:
        """Mean of the values of an attribute."""
        return self._aggregate("avg", _column(path), alias)

    def min(self, path: Callable[[T], object], *, alias: str = "") -> Selection[T]:
        """Least value of an attribute."""
        return self._aggregate("min", _column(path), alias)

    def max(self, path: Callable[[T], object], *, alias: str = "") -> Selection[T]:
        """Greatest value of an attribute."""
        return self._aggregate("max", _column(path), alias)

    def group_by(self, *paths: Callable[[T], object]) -> Selection[T]:
        """One row of results for each combination of the values of these attributes."""
        columns = tuple(map(_column, paths))
        return self._with(columns=columns, group_by=columns, everything=False)

    def having(self, condition: Callable[[Results], bool]) -> Selection[T]:
        """Only the groups whose results satisfy the condition too."""
        return replace(self, _having=(*self._having, condition_of(condition(Results()))))

    def sort_by_result(self, alias: str, *, descending: bool = False) -> Selection[T]:
        """Sort the rows of an aggregate query by one of their results."""
        return self._with(sort_by=(*self._raw.sort_by, RawSort(Column(alias), descending)))

    def parts(self, inspector: Inspector) -> tuple[RawQuery, dict[str, object]]:
        """The raw query and its parameters.

        Raises:
            QueryError: An attribute on the way to another does not exist, or it is too large.
        """
        root = inspector.inspect(self.model)
        writer = _Writer()
        where = writer.chain(self._where, root)
        having = writer.chain(self._having, root)
        query = replace(self._raw, root=Column(root.type_name), where=where, having=having)
        return query, writer.parameters

    def _aggregate(self, function: str, column: Column, alias: str) -> Selection[T]:
        name = alias or default_alias(function, column.text)
        made = RawAggregate(function, column, name)
        return self._with(aggregates=(*self._raw.aggregates, made), everything=False)

    def _with(self, **changes: object) -> Selection[T]:
        return replace(self, _raw=replace(self._raw, **changes))  # type: ignore[arg-type]


def select(model: type[T]) -> Selection[T]:
    """Begin a query on a model: a dataclass, a ``msgspec.Struct`` or a protobuf message."""
    return Selection(model, RawQuery(everything=True))


def _column(path: Callable[[T], object]) -> Column:
    return Column(path_of(path(cast("T", Attribute())))[0])


class _Writer:
    """Turns conditions into those of a raw query, with a parameter for each value."""

    def __init__(self) -> None:
        self.parameters: dict[str, object] = {}
        self._comparisons = 0

    def chain(
        self, conditions: tuple[Condition, ...], root: ModelNode
    ) -> Chain[RawComparison] | None:
        """All conditions."""
        if not conditions:
            return None
        joined = conditions[0]
        for each in conditions[1:]:
            joined = joined & each
        return _as_chain(self._unit(joined, root, 0))

    def _unit(self, condition: Condition, root: ModelNode, depth: int) -> Unit[RawComparison]:
        if depth > MAX_DEPTH:
            raise problem(f"the conditions are nested deeper than {MAX_DEPTH}")
        if isinstance(condition, All):
            units = tuple(self._unit(term, root, depth + 1) for term in condition.terms)
            return Chain(units, (condition.is_or,) * (len(units) - 1))
        if isinstance(condition, Inverse):
            return Negation(self._unit(condition.term, root, depth + 1))
        self._comparisons += 1
        if self._comparisons > MAX_COMPARISONS:
            raise problem(f"there are more than {MAX_COMPARISONS} comparisons")
        if isinstance(condition, Element):
            return self._element(condition, root, depth)
        return self._leaf(cast("Leaf", condition), root)

    def _element(self, condition: Element, root: ModelNode, depth: int) -> RawComparison:
        path, _ = path_of(condition.attribute)
        try:
            node = resolve(root, path).node
        except UnknownNameError as error:
            raise problem(str(error)) from None
        return RawComparison(
            Operand(Form.BARE, path),
            Operator.MATCHES,
            quantifier=condition.quantifier,
            inner=_as_chain(self._unit(condition.inner, node, depth + 1)),
        )

    def _leaf(self, leaf: Leaf, root: ModelNode) -> RawComparison:
        path, quantifier = path_of(leaf.attribute)
        right: Operand | None = None
        if leaf.operator is Operator.BETWEEN and isinstance(leaf.value, tuple):
            items = tuple(self._value(value, root) for value in leaf.value)
            right = Operand(Form.PARAMETER, "", items=items)
        elif leaf.operator is not Operator.IS_NULL:
            right = self._value(leaf.value, root)
        return RawComparison(Operand(Form.BARE, path), leaf.operator, right, quantifier)

    def _value(self, value: object, root: ModelNode) -> Operand:
        if isinstance(value, Attribute):
            return Operand(Form.BARE, f"{root.type_name}.{path_of(value)[0]}")
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return Operand(Form.PARAMETER, name)


def _as_chain(unit: Unit[RawComparison]) -> Chain[RawComparison]:
    return unit if isinstance(unit, Chain) else Chain((unit,))
