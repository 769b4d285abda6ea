# SPDX-License-Identifier: Apache-2.0
"""A bound query as text; parsing the text gives an equal query."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from gsql._compare import NEGATIVE, default_quantifier
from gsql._patterns import quoted, star_text
from gsql._tree import COUNT_DISTINCT, Chain, Negation, Unit
from gsql._values import value_text
from l8types.criteria import Aggregate, And, AttributePath, Comparison, Criteria, Not
from l8types.enums import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gsql._bind import Bound

__all__ = ["chain_text", "criteria_text", "query_text"]

_FLAGS = (
    ("match_case", "match-case"),
    ("map_reduce", "mapreduce"),
    ("register", "register"),
)


def query_text(bound: Bound) -> str:
    """The canonical text of a query."""
    return " ".join(_clauses(bound))


def _clauses(bound: Bound) -> Iterator[str]:
    items = [path.text for path in bound.columns]
    items += [_aggregate_text(each) for each in bound.aggregates]
    yield f"select {'distinct ' if bound.distinct else ''}{', '.join(items) or '*'}"
    yield f"from {bound.root.type_name}"
    if bound.where is not None:
        yield f"where {chain_text(bound.where, bound.root.type_name)}"
    if bound.group_by:
        yield f"group-by {', '.join(path.text for path in bound.group_by)}"
    if bound.having is not None:
        yield f"having {chain_text(bound.having, bound.root.type_name)}"
    if bound.sort_keys:
        keys = (f"{key.path.text}{' descending' * key.descending}" for key in bound.sort_keys)
        yield f"sort-by {', '.join(keys)}"
    if bound.limit:
        yield f"limit {bound.limit}"
    if bound.page:
        yield f"page {bound.page}"
    yield from (word for name, word in _FLAGS if getattr(bound, name))


def _aggregate_text(aggregate: Aggregate) -> str:
    inner = "*" if aggregate.path is None else aggregate.path.text
    if aggregate.function == COUNT_DISTINCT:
        return f"count(distinct {inner}) as {aggregate.alias}"
    return f"{aggregate.function}({inner}) as {aggregate.alias}"


def criteria_text(criteria: Criteria | None, root: str) -> str:
    """Criteria fully bracketed: equal criteria have equal texts."""
    if criteria is None:
        return ""
    if isinstance(criteria, Comparison):
        return _comparison_text(criteria, root)
    if isinstance(criteria, Not):
        return f"not ({criteria_text(criteria.term, root)})"
    word = " and " if isinstance(criteria, And) else " or "
    return word.join(f"({criteria_text(term, root)})" for term in criteria.terms)


def chain_text(chain: Chain[Comparison], root: str) -> str:
    """A condition with a bracket for each nested chain and nowhere else."""
    words = [" or " if is_or else " and " for is_or in chain.or_after]
    parts = [_unit_text(unit, root) for unit in chain.units]
    return "".join(part + word for part, word in zip(parts, [*words, ""], strict=True))


def _unit_text(unit: Unit[Comparison], root: str) -> str:
    if isinstance(unit, Chain):
        return f"({chain_text(unit, root)})"
    if isinstance(unit, Negation):
        return f"not {_unit_text(unit.unit, root)}"
    return _comparison_text(unit, root)


def _comparison_text(comparison: Comparison, root: str) -> str:
    path, operator, value = comparison.path, comparison.operator, comparison.value
    if operator is Operator.MATCHES:
        inner = criteria_text(cast("Criteria", value), path.node.type_name)
        return f"{comparison.quantifier.value}({path.text}: {inner})"
    default = default_quantifier(operator, path, value)
    prefix = "" if comparison.quantifier is default else f"{comparison.quantifier.value} "
    left = f"{prefix}{path.text}"
    if operator in {Operator.IS_NULL, Operator.IS_NOT_NULL}:
        return f"{left} {operator.value}"
    if operator in {Operator.LIKE, Operator.NOT_LIKE}:
        return _pattern_text(left, operator, str(value))
    return left + _right_text(comparison, root)


def _right_text(comparison: Comparison, root: str) -> str:
    """Operator and value."""
    node, operator, value = comparison.path.node, comparison.operator, comparison.value
    if isinstance(value, tuple):
        texts = [value_text(node, each) for each in value]
        if operator is Operator.BETWEEN:
            return f" between {texts[0]} and {texts[1]}"
        return f" {operator.value} [{','.join(texts)}]"
    if isinstance(value, AttributePath):
        return f"{operator.value}{root}.{value.text}"
    return f"{operator.value}{value_text(node, value)}"


def _pattern_text(left: str, operator: Operator, pattern: str) -> str:
    star = star_text(pattern)
    if star is None:
        return f"{left} {operator.value} {quoted(pattern, pattern=True)}"
    sign = "!=" if operator in NEGATIVE else "="
    return f"{left}{sign}{quoted(star, pattern=True)}"
