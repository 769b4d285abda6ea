# SPDX-License-Identifier: Apache-2.0
"""A bound query in plain words, for the person who wonders what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from gsql._compare import default_quantifier, tests_whole
from gsql._paths import fans_out
from gsql._values import is_text, kind_name, value_text
from l8types.criteria import And, AttributePath, Comparison, Criteria, Not
from l8types.enums import Operator, Quantifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gsql._bind import Bound
    from gsql._lint import Finding
    from l8types.protocols.models import ModelNode

__all__ = ["explanation"]

_WORDS: Final = {
    Operator.EQ: "is",
    Operator.NE: "is not",
    Operator.GT: "is greater than",
    Operator.GE: "is at least",
    Operator.LT: "is less than",
    Operator.LE: "is at most",
    Operator.IN: "is one of",
    Operator.NOT_IN: "is none of",
    Operator.LIKE: "fits the pattern",
    Operator.NOT_LIKE: "does not fit the pattern",
    Operator.IS_NULL: "is absent or an empty collection",
    Operator.IS_NOT_NULL: "is there",
}
_SHOWN_VALUES: Final = 10
"""Values of a long list that are shown."""


def explanation(
    bound: Bound,
    criteria: Criteria | None,
    having: Criteria | None,
    findings: Iterable[Finding],
    source: str,
) -> str:
    """The text of ``explain``."""
    lines = [f"model: {bound.root.type_name}", *_selected(bound)]
    lines += _condition("where", criteria) or ["where: everything"]
    if bound.group_by:
        lines.append(f"groups: {', '.join(path.text for path in bound.group_by)}")
    lines += _condition("having", having)
    lines += _order(bound)
    lines.append(f"page: {_page(bound)}")
    lines += [f"flag: {words}" for words in _flags(bound)]
    found = [f"  {each}" for each in findings]
    lines += ["on other nodes:", *found] if found else ["on other nodes: evaluated as it stands"]
    if source:
        lines += ["generated code:", *(f"  {line}" for line in source.splitlines())]
    return "\n".join(lines)


def _selected(bound: Bound) -> Iterator[str]:
    distinct = ", equal results once" if bound.distinct else ""
    if bound.columns:
        names = (f"{path.text} ({kind_name(path.node)})" for path in bound.columns)
        yield f"columns: {', '.join(names)}{distinct}"
    elif not bound.aggregates:
        yield f"columns: all{distinct}"
    for each in bound.aggregates:
        of = "the items" if each.path is None else each.path.text
        yield f"result: {each.alias} = {each.function} of {of}"


def _condition(title: str, criteria: Criteria | None) -> list[str]:
    return [] if criteria is None else [f"{title}:", *_lines(criteria, 1)]


def _lines(criteria: Criteria, level: int) -> Iterator[str]:
    indent = "  " * level
    if isinstance(criteria, Comparison):
        yield from _comparison(criteria, level)
    elif isinstance(criteria, Not):
        yield f"{indent}not:"
        yield from _lines(criteria.term, level + 1)
    else:
        yield f"{indent}{'all of' if isinstance(criteria, And) else 'any of'}:"
        for term in criteria.terms:
            yield from _lines(term, level + 1)


def _comparison(comparison: Comparison, level: int) -> Iterator[str]:
    indent, path = "  " * level, comparison.path
    if comparison.operator is Operator.MATCHES:
        every = comparison.quantifier is Quantifier.ALL
        yield f"{indent}{'every' if every else 'one and the same'} object of {path.text} satisfies:"
        yield from _lines(cast("Criteria", comparison.value), level + 1)
        return
    case = ""
    if is_text(path.node) and comparison.value is not None:
        case = " (case counts)" if comparison.match_case else " (in any case)"
    yield f"{indent}{_subject(comparison)} {_predicate(comparison)}{case}"


def _subject(comparison: Comparison) -> str:
    path, operator = comparison.path, comparison.operator
    whole = tests_whole(operator, comparison.value)
    if not fans_out(path, whole=whole):
        return path.text
    default = default_quantifier(operator, path, comparison.value)
    if comparison.quantifier is Quantifier.ALL:
        return f"every {path.text}"
    return f"some {path.text}" if default is Quantifier.ANY else f"at least one {path.text}"


def _predicate(comparison: Comparison) -> str:
    operator, value, node = comparison.operator, comparison.value, comparison.path.node
    if operator in _NULLS:
        return _WORDS[operator]
    if tests_whole(operator, value):
        return f"is {'not ' if operator is Operator.NE else ''}absent, empty or zero"
    return _with_value(operator, node, value)


def _with_value(operator: Operator, node: ModelNode, value: object) -> str:
    if isinstance(value, AttributePath):
        return f"{_WORDS[operator]} the attribute {value.text}"
    if operator is Operator.BETWEEN and isinstance(value, tuple):
        low, high = (value_text(node, each) for each in value)
        return f"is from {low} to {high}"
    if isinstance(value, tuple):
        return f"{_WORDS[operator]} {_members(node, value)}"
    if operator in {Operator.LIKE, Operator.NOT_LIKE}:
        return f"{_WORDS[operator]} {str(value)!r}"
    return f"{_WORDS[operator]} {value_text(node, value)}"


_NULLS: Final = frozenset((Operator.IS_NULL, Operator.IS_NOT_NULL))


def _members(node: ModelNode, values: tuple[object, ...]) -> str:
    texts = [value_text(node, each) for each in values[:_SHOWN_VALUES]]
    more = len(values) - len(texts)
    return f"[{', '.join(texts)}{f', and {more} more' if more else ''}]"


def _order(bound: Bound) -> Iterator[str]:
    for key in bound.sort_keys:
        direction = "descending" if key.descending else "ascending"
        yield f"sort: {key.path.text}, {direction}, absent values last"


def _page(bound: Bound) -> str:
    if not bound.limit:
        return "everything"
    first = bound.page * bound.limit
    return f"number {bound.page} (from 0), {bound.limit} items from position {first}"


def _flags(bound: Bound) -> Iterator[str]:
    if bound.map_reduce:
        yield "every provider answers for its part (mapreduce)"
    if bound.register:
        yield "the caller is told of changes from now on (register)"
