# SPDX-License-Identifier: Apache-2.0
"""A raw query to a bound one: names become attributes, literals values of their kind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gsql._chains import bound_chain
from gsql._compare import ComparisonBinder, PathFinder
from gsql._paths import ResultNode, UnknownNameError, has_entry, resolve
from gsql._problems import did_you_mean, problem, shown
from gsql._shape import by_shape, is_plain
from gsql._tree import (
    COUNT_DISTINCT,
    MAX_LIMIT,
    Chain,
    Column,
    Form,
    Operand,
    RawAggregate,
    RawComparison,
    RawQuery,
)
from gsql._values import FLOATS, NUMBERS, is_text, kind_name
from l8types.criteria import Aggregate, AttributePath, Comparison, SortKey
from l8types.enums import Kind
from l8types.errors import NotFoundError
from l8types.protocols.models import Inspector, ModelNode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Bound", "bind"]

_INTEGER: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Bound:
    """A query bound to its model, with the brackets of its source.

    ``column_texts``, ``group_texts`` and ``root_text`` are the names as written, since other nodes
    are sent what their own parser would have made.
    """

    root: ModelNode
    root_text: str
    columns: tuple[AttributePath, ...]
    column_texts: tuple[str, ...]
    aggregates: tuple[Aggregate, ...]
    aggregate_texts: tuple[str, ...]
    where: Chain[Comparison] | None
    group_by: tuple[AttributePath, ...]
    group_texts: tuple[str, ...]
    having: Chain[Comparison] | None
    sort_keys: tuple[SortKey, ...]
    sort_texts: tuple[str, ...]
    limit: int
    page: int
    distinct: bool
    match_case: bool
    map_reduce: bool
    register: bool
    by_shape: bool = False
    loose: bool = False
    as_written: Chain[Comparison] | None = None
    """The condition as other nodes read it, where the shape of the text decides."""

    @property
    def named_paths(self) -> Iterator[AttributePath]:
        """Attributes that it sorts by, groups by and computes with."""
        yield from (key.path for key in self.sort_keys)
        yield from self.group_by
        yield from (each.path for each in self.aggregates if each.path is not None)


def bind(
    raw: RawQuery,
    inspector: Inspector,
    parameters: Mapping[str, object],
    *,
    by_shape: bool = False,
    loose: bool = False,
) -> Bound:
    """Bind a query to the model that it names.

    Args:
        raw: The query.
        inspector: Knows the models.
        parameters: Values of the parameters.
        by_shape: Its conditions are read by their shape, not by precedence.
        loose: Its stars are read as nodes of the first make read them.

    Raises:
        QueryError: A name or value does not fit; tells where.
    """
    root = _root(raw, inspector)
    return _Binder(raw, root, parameters, shaped=by_shape, loose=loose).bind()


def _root(raw: RawQuery, inspector: Inspector) -> ModelNode:
    name = raw.root.text
    try:
        node = inspector.node(name)
    except NotFoundError:
        node = None
    if node is None or node.parent is not None:
        known = [root.type_name for root in inspector.roots()]
        hint = did_you_mean(name, known) or "; register the model first"
        raise problem(
            f"there is no model {shown(name)}{hint}", raw.text, raw.root.offset, len(name)
        )
    return node


class _Binder:
    """Binds one query."""

    def __init__(
        self,
        raw: RawQuery,
        root: ModelNode,
        parameters: Mapping[str, object],
        *,
        shaped: bool,
        loose: bool,
    ) -> None:
        self.raw = raw
        self.shaped = shaped
        self.loose = loose
        self.root = root
        self.parameters = parameters
        self.used: set[str] = set()

    def bind(self) -> Bound:
        """The bound query."""
        raw = self.raw
        columns = tuple(self._path(column) for column in raw.columns)
        if raw.everything and columns:
            column = raw.columns[0]
            message = "select either '*' or attributes, not both"
            raise problem(message, raw.text, column.offset, len(column.text))
        self._check_columns(columns)
        group_by = tuple(self._path(column) for column in raw.group_by)
        aggregates = tuple(self._aggregate(aggregate) for aggregate in raw.aggregates)
        results = {aggregate.alias.lower(): _result(aggregate) for aggregate in aggregates}
        self._check_grouping(columns, group_by)
        where = self._chain(raw.where, self._path_of_name)
        having = self._chain(raw.having, lambda text: self._result_path(text, results))
        sort_keys = self._sort_keys(results)
        bound = Bound(
            root=self.root,
            root_text=raw.root.text,
            columns=columns,
            column_texts=_texts(raw.columns, columns),
            aggregates=aggregates,
            aggregate_texts=tuple(each.column.text for each in raw.aggregates),
            where=where,
            group_by=group_by,
            group_texts=_texts(raw.group_by, group_by),
            having=having,
            sort_keys=sort_keys,
            sort_texts=_texts(
                tuple(key.column for key in raw.sort_by), tuple(key.path for key in sort_keys)
            ),
            limit=self._count(raw.limit, "limit", MAX_LIMIT),
            page=self._page(),
            distinct=raw.distinct,
            match_case=raw.match_case,
            map_reduce=raw.map_reduce,
            register=raw.register,
            by_shape=self.shaped,
            loose=self.loose,
            as_written=self._as_written(),
        )
        unused = sorted(self.parameters.keys() - self.used)
        if unused:
            raise problem(f"the query has no parameter ':{unused[0]}'")
        return bound

    def _path_of_name(self, text: str) -> AttributePath:
        if text.endswith(")") and "(" in text.lower().removesuffix(".size()"):
            raise UnknownNameError(
                f"{text} is an aggregate; conditions on aggregates stand in 'having'"
            )
        return resolve(self.root, text)

    def _path(self, column: Column) -> AttributePath:
        try:
            return resolve(self.root, column.text)
        except UnknownNameError as error:
            raise problem(str(error), self.raw.text, column.offset, len(column.text)) from None

    def _check_columns(self, columns: tuple[AttributePath, ...]) -> None:
        for column, path in zip(self.raw.columns, columns, strict=True):
            if has_entry(path):
                raise problem(
                    f"{column.text} names one entry, which an item cannot be reduced to; select "
                    "the whole attribute",
                    self.raw.text,
                    column.offset,
                    len(column.text),
                )

    def _chain(
        self, chain: Chain[RawComparison] | None, paths: PathFinder
    ) -> Chain[Comparison] | None:
        if chain is None:
            return None
        binder = ComparisonBinder(
            self.raw, self.root, paths, self.parameters, self.used, loose=self.loose
        )
        return bound_chain(by_shape(chain) if self.shaped else chain, binder.bind)

    def _as_written(self) -> Chain[Comparison] | None:
        """The condition without the brackets that its shape stands for, as it is sent."""
        where = self.raw.where
        if where is None or not self.shaped or self.loose or not is_plain(where):
            return None
        binder = ComparisonBinder(
            self.raw, self.root, self._path_of_name, self.parameters, self.used
        )
        return bound_chain(where, binder.bind)

    def _aggregate(self, raw: RawAggregate) -> Aggregate:
        if raw.column.text == "*":
            if raw.function != "count":
                message = f"{raw.function} needs an attribute, only count takes '*'"
                raise problem(message, self.raw.text, raw.offset, len(raw.function))
            return Aggregate(raw.function, None, raw.alias)
        path = self._path(raw.column)
        if raw.function == COUNT_DISTINCT and path.node.kind is Kind.MESSAGE:
            inner = ", ".join(list(path.node.attributes)[:5])
            message = f"count the different values of one of its attributes: {inner}"
            raise problem(message, self.raw.text, raw.column.offset, len(raw.column.text))
        numeric = path.node.kind in NUMBERS and path.node.enum is None
        ordered = path.node.kind in NUMBERS or is_text(path.node)
        if raw.function in {"sum", "avg"} and not numeric:
            needed = "a number"
        elif raw.function in {"min", "max"} and not ordered:
            needed = "a number or text"
        else:
            return Aggregate(raw.function, path, raw.alias)
        raise problem(
            f"{raw.function} needs {needed}, {path.text} is of kind {kind_name(path.node)}",
            self.raw.text,
            raw.column.offset,
            len(raw.column.text),
        )

    def _check_grouping(
        self, columns: tuple[AttributePath, ...], group_by: tuple[AttributePath, ...]
    ) -> None:
        raw = self.raw
        if not raw.aggregates:
            clause = "group-by" if group_by else "having" if raw.having else ""
            if clause:
                message = f"'{clause}' needs an aggregate in the select list, such as count(*)"
                raise problem(message, raw.text, raw.text.lower().find(clause), len(clause))
            return
        seen = {path.text for path in group_by}
        for alias, offset in ((each.alias.lower(), each.offset) for each in raw.aggregates):
            if alias in seen:
                message = f"two results are called {shown(alias)}; name one with 'as'"
                raise problem(message, raw.text, offset)
            seen.add(alias)
        for column, path in zip(raw.columns, columns, strict=True):
            if path not in group_by:
                message = (
                    f"{column.text} is selected beside aggregates, so it must be in 'group-by'"
                )
                raise problem(message, raw.text, column.offset, len(column.text))

    def _result_path(self, text: str, results: Mapping[str, ResultNode]) -> AttributePath:
        """An alias, an aggregate as in the select list, or a grouping attribute."""
        wanted = text.lower()
        for raw in self.raw.aggregates:
            distinct = raw.function == COUNT_DISTINCT
            name = "count(distinct" if distinct else f"{raw.function}("
            if f"{name}{raw.column.text.lower()})" == wanted:
                wanted = raw.alias.lower()
        if wanted in results:
            return AttributePath((results[wanted],))
        path = None if wanted.endswith(")") else resolve(self.root, text)
        if path is None or path.text not in self._group_texts():
            known = ", ".join([*(each.alias for each in self.raw.aggregates), *self._group_texts()])
            raise UnknownNameError(f"{text} is no result of the query; it has {known}")
        return path

    def _group_texts(self) -> list[str]:
        return [self._path(column).text for column in self.raw.group_by]

    def _sort_keys(self, results: Mapping[str, ResultNode]) -> tuple[SortKey, ...]:
        keys: list[SortKey] = []
        for raw in self.raw.sort_by:
            descending = self.raw.descending if raw.descending is None else raw.descending
            keys.append(SortKey(self._sort_path(raw.column, results), descending))
        return tuple(keys)

    def _sort_path(self, column: Column, results: Mapping[str, ResultNode]) -> AttributePath:
        place = (self.raw.text, column.offset, len(column.text))
        try:
            path = (
                self._result_path(column.text, results)
                if results
                else resolve(self.root, column.text)
            )
        except UnknownNameError as error:
            raise problem(str(error), *place) from None
        if path.node.kind in {Kind.MESSAGE, Kind.MAP, Kind.LIST}:
            inner = ", ".join(list(path.node.attributes)[:5])
            raise problem(f"{path.text} has no order; sort by one of: {inner}", *place)
        return path

    def _page(self) -> int:
        """The page, also where an offset names it: answers travel in numbered pages."""
        raw = self.raw
        if raw.offset is None:
            return self._count(raw.page, "page", 2**31 - 1)
        offset = self._count(raw.offset, "offset", 2**31 - 1)
        limit = self._count(raw.limit, "limit", MAX_LIMIT)
        message = ""
        if raw.page is not None:
            message = "say either 'page' or 'offset'"
        elif not limit:
            message = "'offset' needs a 'limit'"
        elif offset % limit:
            message = (
                f"the offset must be a multiple of the limit, {limit}, since answers come in "
                "pages; a cursor goes on behind any item"
            )
        if message:
            raise problem(message, raw.text, raw.offset.offset, len(raw.offset.text))
        return offset // limit

    def _count(self, operand: Operand | None, clause: str, maximum: int) -> int:
        if operand is None:
            return 0
        value: object = operand.text
        if operand.form is Form.PARAMETER:
            self.used.add(operand.text)
            value = self.parameters.get(operand.text, f":{operand.text}")
        elif _INTEGER.fullmatch(operand.text):
            value = int(operand.text)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= maximum:
            raise problem(
                f"{clause} must be a whole number from 0 to {maximum}, not {shown(str(value))}",
                self.raw.text,
                operand.offset,
                len(operand.text),
            )
        return value


def _texts(columns: tuple[Column, ...], paths: tuple[AttributePath, ...]) -> tuple[str, ...]:
    """Names as written, where another node knows them by that; else as the network calls them."""
    return tuple(
        column.text if column.text.lower() == path.text else path.text
        for column, path in zip(columns, paths, strict=True)
    )


def _result(aggregate: Aggregate) -> ResultNode:
    kind = Kind.INT64
    if aggregate.path is not None and aggregate.function not in {"count", COUNT_DISTINCT}:
        node = aggregate.path.node
        single = aggregate.function in {"min", "max"}
        floating = aggregate.function == "avg" or (not single and node.kind in FLOATS)
        kind = Kind.FLOAT64 if floating else node.kind
        if single and node.kind is Kind.FLOAT32:
            kind = Kind.FLOAT64
    return ResultNode(aggregate.alias, kind)
