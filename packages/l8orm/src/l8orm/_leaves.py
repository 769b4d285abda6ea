# SPDX-License-Identifier: Apache-2.0
"""Conditions on one value, as SQL on a column that holds a value of a kind.

The column is not NULL where these conditions are used, so each is true or false and can be
negated. Values of a query may lie outside the range of a column, or be of another type than the
column: what a database would make of such a comparison differs from database to database, so it is
decided here.
"""

from __future__ import annotations

import math
import operator as operators
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from l8orm import _sqlite
from l8orm._among import among
from l8orm._kinds import FLOATS, RANGES, wrapped
from l8types.enums import Kind, Operator

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8orm._members import Scalar

__all__ = ["MAX_MEMBERS", "Clause", "Column", "Leaves", "UntranslatableError"]

Clause = sa.ColumnElement[bool]
Column = sa.ColumnElement[Any]

MAX_MEMBERS: Final = 5_000
"""Longest list of an ``in`` that has a parameter for each member; numbers with a fraction, truth
values and bytes have. A longer one is evaluated in memory."""

_FEW: Final = 100
"""Members up to which each has a parameter, which databases plan better."""

_TRUE: Final = sa.true()
_FALSE: Final = sa.false()


class UntranslatableError(Exception):
    """A condition without an exact equivalent in SQL; it is evaluated in memory."""


class Leaves:
    """Makes the conditions for one database.

    Args:
        sqlite: Whether the database is SQLite, otherwise PostgreSQL.
    """

    def __init__(self, *, sqlite: bool) -> None:
        self._sqlite = sqlite

    def condition(
        self,
        scalar: Scalar,
        column: Column,
        operator: Operator,
        value: object,
        *,
        fold: bool,
        strict: bool,
    ) -> tuple[Clause, bool]:
        """The condition of an operator that is not a negation.

        Args:
            scalar: The attribute.
            column: Where its value is.
            operator: ``EQ``, ``IN``, ``BETWEEN``, ``LIKE`` or an order.
            value: What it is compared with.
            fold: Whether case does not matter.
            strict: The condition must be exact; otherwise it may let too much pass.

        Returns:
            The condition, and whether it is exact.

        Raises:
            UntranslatableError: There is none.
        """
        kind = scalar.node.kind
        if kind in RANGES:
            return self._integer(kind, column, operator, value), True
        if kind in FLOATS:
            return self._float(column, operator, value), True
        if kind is not Kind.STRING:
            return self._plain(bool if kind is Kind.BOOL else bytes, column, operator, value), True
        return self._text(column, operator, value, fold=fold, strict=strict)

    def _integer(  # noqa: PLR0911 - one return for each operator
        self, kind: Kind, column: Column, operator: Operator, value: object
    ) -> Clause:
        low, high = RANGES[kind]
        if operator in {Operator.EQ, Operator.IN}:
            found = [
                wrapped(whole)
                for each in _members(operator, value)
                if (whole := _whole(each)) is not None and low <= whole <= high
            ]
            return self._among(column, found) if found else _FALSE
        if operator is Operator.BETWEEN:
            first, last = _pair(value)
            if _is_nan(first) or _is_nan(last):
                return _FALSE
            above = _above(kind, column, _ceil(first) - 1)
            return sa.and_(above, sa.not_(_above(kind, column, _floor(last))))
        number = _number(value)
        if _is_nan(number):
            return _FALSE
        if operator is Operator.GT:
            return _above(kind, column, _floor(number))
        if operator is Operator.GE:
            return _above(kind, column, _ceil(number) - 1)
        if operator is Operator.LT:
            return sa.not_(_above(kind, column, _ceil(number) - 1))
        if operator is Operator.LE:
            return sa.not_(_above(kind, column, _floor(number)))
        raise UntranslatableError(operator)

    def _float(  # noqa: PLR0911 - one return for each operator
        self, column: Column, operator: Operator, value: object
    ) -> Clause:
        if operator in {Operator.EQ, Operator.IN}:
            found = [_exact(each) for each in _few(operator, value)]
            found = [each for each in found if not math.isnan(each)]
            return column.in_(found) if found else _FALSE
        if operator is Operator.BETWEEN:
            first, last = (_exact(each) for each in _pair(value))
            if math.isnan(first) or math.isnan(last):
                return _FALSE
            return sa.and_(column >= first, column <= last)
        number = _exact(value)
        if math.isnan(number):
            return _FALSE
        # Both databases sort a NaN above everything, while it is above nothing in memory.
        is_number = column <= math.inf
        if operator is Operator.GT:
            return sa.and_(column > number, is_number)
        if operator is Operator.GE:
            return sa.and_(column >= number, is_number)
        return _ordered(column, operator, number)

    def _plain(self, wanted: type, column: Column, operator: Operator, value: object) -> Clause:
        for each in _few(operator, value):
            if each.__class__ is not wanted:
                raise UntranslatableError(value)
        return _ordered(column, operator, value)

    def _text(
        self, column: Column, operator: Operator, value: object, *, fold: bool, strict: bool
    ) -> tuple[Clause, bool]:
        for each in _members(operator, value):
            self._check_text(each)
        if not fold:
            return self._text_condition(column, operator, value), True
        folded = (
            tuple(each.lower() for each in value)
            if isinstance(value, tuple)
            else str(value).lower()
        )
        if self._sqlite:
            lower: Column = getattr(sa.func, _sqlite.FOLD)(column)
            return self._text_condition(lower, operator, folded), True
        if strict:
            raise UntranslatableError(value)
        # PostgreSQL folds ASCII only in this collation, so other texts are looked at in memory.
        other = sa.func.octet_length(column) != sa.func.char_length(column)
        return sa.or_(self._text_condition(sa.func.lower(column), operator, folded), other), False

    def _among(self, column: Column, values: list[Any]) -> Clause:
        if len(values) <= _FEW:
            return column.in_(values)
        if self._sqlite and any(isinstance(each, str) and "\0" in each for each in values):
            raise UntranslatableError(values)
        return among(column, values, sqlite=self._sqlite)

    def _check_text(self, value: object) -> None:
        if not isinstance(value, str) or (not self._sqlite and "\0" in value):
            raise UntranslatableError(value)
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise UntranslatableError(value) from error

    def _text_condition(self, column: Column, operator: Operator, value: Any) -> Clause:  # noqa: ANN401
        if operator is Operator.IN and value:
            return self._among(column, list(value))
        if operator is not Operator.LIKE:
            return _ordered(column, operator, value)
        if self._sqlite:
            function: Clause = getattr(sa.func, _sqlite.LIKE)(value, column)
            return function == 1
        pieces = _sqlite.pattern_pieces(value)
        text = "".join(piece if piece in {"%", "_"} else _escaped(piece[1:]) for piece in pieces)
        return column.like(text, escape="\\")


def _escaped(char: str) -> str:
    return "\\" + char if char in {"%", "_", "\\"} else char


_ORDERS: Final[dict[Operator, Callable[[Any, Any], Any]]] = {
    Operator.EQ: operators.eq,
    Operator.GT: operators.gt,
    Operator.GE: operators.ge,
    Operator.LT: operators.lt,
    Operator.LE: operators.le,
}


def _ordered(column: Column, operator: Operator, value: Any) -> Clause:  # noqa: ANN401 - any kind
    """The operators as databases know them."""
    if operator is Operator.IN:
        return column.in_(list(value)) if value else _FALSE
    if operator is Operator.BETWEEN:
        first, last = _pair(value)
        return sa.and_(_ordered(column, Operator.GE, first), _ordered(column, Operator.LE, last))
    if operator not in _ORDERS:
        raise UntranslatableError(operator)
    # A truth value given as it is would become a keyword, which not every operator takes.
    parameter = sa.bindparam(None, value, type_=column.type)
    clause: Clause = _ORDERS[operator](column, parameter)
    return clause


def _above(kind: Kind, column: Column, number: int) -> Clause:
    """Whether a whole number is greater, in terms of what the column can hold."""
    low, high = RANGES[kind]
    if number < low:
        return _TRUE
    if number >= high:
        return _FALSE
    if kind is not Kind.UINT64:
        return column > number
    # Numbers from 2**63 on are kept as negative ones, in the same order.
    if number < 2**63:
        return sa.or_(column > number, column < 0)
    return sa.and_(column < 0, column > wrapped(number))


def _members(operator: Operator, value: object) -> tuple[Any, ...]:
    if operator is Operator.BETWEEN:
        return _pair(value)
    if operator is not Operator.IN:
        return (value,)
    if not isinstance(value, tuple | list | frozenset | set):
        raise UntranslatableError(value)
    return tuple(value)


def _few(operator: Operator, value: object) -> tuple[Any, ...]:
    """Members that are sent one by one."""
    found = _members(operator, value)
    if len(found) > MAX_MEMBERS:
        raise UntranslatableError(operator)
    return found


def _pair(value: object) -> tuple[Any, Any]:
    if not isinstance(value, tuple) or len(value) != 2:
        raise UntranslatableError(value)
    return value


def _number(value: object) -> int | float:
    if not isinstance(value, int | float):
        raise UntranslatableError(value)
    return value


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _whole(value: object) -> int | None:
    """The whole number equal to a value, ``None`` when there is none."""
    number = _number(value)
    if isinstance(number, float):
        return int(number) if number.is_integer() else None
    return int(number)


def _exact(value: object) -> float:
    number = _number(value)
    try:
        exact = float(number)
    except OverflowError as error:
        raise UntranslatableError(value) from error
    if exact != number and not _is_nan(number):
        raise UntranslatableError(value)
    return exact


_BEYOND: Final = 2**70
"""Beyond every column, in place of infinity."""


def _floor(value: object) -> int:
    number = _number(value)
    if number in {math.inf, -math.inf}:
        return _BEYOND if number > 0 else -_BEYOND
    return math.floor(number)


def _ceil(value: object) -> int:
    number = _number(value)
    return _floor(number) if number in {math.inf, -math.inf} else math.ceil(number)
