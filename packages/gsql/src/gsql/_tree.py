# SPDX-License-Identifier: Apache-2.0
"""What a query says, before and after it is bound to a model.

Conditions keep the brackets of their source: the tree that travels to other nodes is made of them.
The same three shapes hold raw comparisons after parsing and bound ones after binding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Generic, TypeAlias, TypeVar

from l8types.enums import Operator, Quantifier

__all__ = [
    "COUNT_DISTINCT",
    "MAX_COMPARISONS",
    "MAX_DEPTH",
    "MAX_LIMIT",
    "MAX_LIST_ITEMS",
    "MAX_TEXT_CHARS",
    "Chain",
    "Column",
    "Form",
    "Negation",
    "Operand",
    "RawAggregate",
    "RawComparison",
    "RawQuery",
    "RawSort",
    "Unit",
]

MAX_TEXT_CHARS: Final = 65_536
"""Longest query text; what is longer is a mistake or an attack."""
MAX_DEPTH: Final = 64
"""Deepest nesting of brackets and negations, in texts and in received trees."""
MAX_COMPARISONS: Final = 1_024
"""Most comparisons of one query."""
MAX_LIST_ITEMS: Final = 10_000
"""Most items of one list of values."""
MAX_LIMIT: Final = 999
"""Largest page, as agreed between nodes."""

COUNT_DISTINCT: Final = "count distinct"
"""The function that counts equal values once."""

L = TypeVar("L")


class Form(Enum):
    """How an operand was written."""

    BARE = "bare"
    QUOTED = "quoted"
    PARAMETER = "parameter"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Operand:
    """One side of a comparison as written; the text of a quoted one is without quotes."""

    form: Form
    text: str
    offset: int = -1
    items: tuple[Operand, ...] = ()


@dataclass(frozen=True, slots=True)
class RawComparison:
    """One condition as written."""

    left: Operand
    operator: Operator
    right: Operand | None = None
    quantifier: Quantifier | None = None
    inner: Chain[RawComparison] | None = None
    """The condition on one object, of ``any(path: …)`` and ``all(path: …)``."""


@dataclass(frozen=True, slots=True)
class Chain(Generic[L]):
    """Units side by side at one level of brackets, and what joins each to the next.

    ``or_after[i]`` tells whether ``or`` stands between units ``i`` and ``i + 1``; ``and`` binds
    tighter than ``or``.
    """

    units: tuple[Unit[L], ...]
    or_after: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Negation(Generic[L]):
    """``not`` in front of a unit."""

    unit: Unit[L]


Unit: TypeAlias = "L | Chain[L] | Negation[L]"
"""A comparison, what stands in brackets, or a negation."""


@dataclass(frozen=True, slots=True)
class Column:
    """A name in a list of names."""

    text: str
    offset: int = -1


@dataclass(frozen=True, slots=True)
class RawAggregate:
    """An aggregate of the select list; ``column`` is ``*`` for all."""

    function: str
    column: Column
    alias: str
    offset: int = -1


@dataclass(frozen=True, slots=True)
class RawSort:
    """One sort key; ``None`` leaves the direction to the flag of the query."""

    column: Column
    descending: bool | None = None


@dataclass(slots=True)
class RawQuery:
    """A parsed query. Filled clause by clause, then left alone."""

    text: str = ""
    root: Column = field(default_factory=lambda: Column(""))
    columns: tuple[Column, ...] = ()
    everything: bool = False
    aggregates: tuple[RawAggregate, ...] = ()
    where: Chain[RawComparison] | None = None
    group_by: tuple[Column, ...] = ()
    having: Chain[RawComparison] | None = None
    sort_by: tuple[RawSort, ...] = ()
    descending: bool = False
    limit: Operand | None = None
    page: Operand | None = None
    offset: Operand | None = None
    distinct: bool = False
    match_case: bool = False
    map_reduce: bool = False
    register: bool = False
    identity: str = ""
