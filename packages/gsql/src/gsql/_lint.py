# SPDX-License-Identifier: Apache-2.0
"""Which parts of a query nodes of another make evaluate, and which not.

A part is *refused* when the tree has no words for it or when it is known to end such a peer: the
query then travels as text only, which the peer answers with an error. It is *rewritten* when the
tree says it in other words. It is a *risk* when it is sent as it is, and such a peer may give
another answer, or end, for some data.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from gsql._paths import fans_out
from gsql._portable import NotPortableError, comparator, lowered
from gsql._print import criteria_text
from gsql._tree import Chain, Negation, Unit
from gsql._wire import travels_as_tree
from l8types.criteria import Comparison
from l8types.enums import Container, Operator, Presence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gsql._bind import Bound

__all__ = ["Finding", "Portability", "findings"]

_KEYWORD: Final = re.compile(
    r"(?:^|\W)(select|from|where|sort-by|group-by|having|limit|page)(?:$|\W)"
    r"|(ascending|descending|match-case|mapreduce|register)",
    re.IGNORECASE,
)


class Portability(Enum):
    """What becomes of a part of a query on a node of another make."""

    REFUSED = "refused"
    REWRITTEN = "rewritten"
    RISK = "risk"


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of a query that does not simply travel.

    Attributes:
        portability: What becomes of it.
        part: The part, as a query says it.
        reason: Why, in lower case.
    """

    portability: Portability
    part: str
    reason: str

    def __str__(self) -> str:
        return f"{self.portability.value}: {self.part}: {self.reason}"


def findings(bound: Bound, text: str) -> tuple[Finding, ...]:
    """All findings on a query; none when every node evaluates it as it stands.

    Args:
        bound: The query.
        text: As written, "" when it did not come as text.
    """
    found = [*_clauses(bound)]
    if bound.where is not None:
        found += _chain(bound, bound.where)
    found += _whole(bound, found)
    found += _text(text)
    return tuple(dict.fromkeys(found))


def _refused(part: str, reason: str) -> Finding:
    return Finding(Portability.REFUSED, part, reason)


def _clauses(bound: Bound) -> Iterator[Finding]:
    if bound.having is not None:
        yield _refused("having", "conditions on groups end a peer")
    if bound.distinct:
        yield _refused("distinct", "the tree has no word for it")
    if len(bound.sort_keys) > 1:
        yield _refused("sort-by", "the tree has room for one sort key")
    for path in bound.columns:
        if any(node.container is not Container.SINGLE for node in path.nodes[:-1]):
            yield Finding(Portability.RISK, path.text, "a column below a collection may be lost")


def _chain(bound: Bound, chain: Chain[Comparison]) -> Iterator[Finding]:
    for unit in chain.units:
        yield from _unit(bound, unit, negated=False)


def _unit(bound: Bound, unit: Unit[Comparison], *, negated: bool) -> Iterator[Finding]:
    if isinstance(unit, Negation):
        yield from _unit(bound, unit.unit, negated=not negated)
    elif isinstance(unit, Chain):
        for each in unit.units:
            yield from _unit(bound, each, negated=negated)
    else:
        yield from _comparison(bound, unit, negated=negated)


def _comparison(bound: Bound, comparison: Comparison, *, negated: bool) -> Iterator[Finding]:
    part = criteria_text(comparison, bound.root.type_name)
    reason = _obstacle(bound, comparison, negated=negated)
    if reason:
        yield _refused(part, reason)
        return
    path = comparison.path
    before = path.nodes[:-1]
    if any(node.presence is not Presence.ALWAYS for node in before) or fans_out(path):
        yield Finding(
            Portability.RISK, part, f"a peer ends where {path.text} leads to nothing in an item"
        )
    if comparison.operator in {Operator.LIKE, Operator.NOT_LIKE}:
        yield Finding(Portability.RISK, part, "a peer looks for the pieces of a pattern anywhere")


def _obstacle(bound: Bound, comparison: Comparison, *, negated: bool) -> str:
    """Why one comparison cannot be in the tree, "" when it can."""
    unit: Unit[Comparison] = Negation(comparison) if negated else comparison
    alone = replace(
        bound,
        where=Chain((unit,)),
        as_written=None,
        having=None,
        distinct=False,
        sort_keys=(),
        group_by=(),
        aggregates=(),
    )
    try:
        where = lowered(alone).where
        if where is not None:
            _check(bound, where)
    except NotPortableError as error:
        return str(error)
    return ""


def _check(bound: Bound, unit: Unit[Comparison]) -> None:
    if isinstance(unit, Chain):
        for each in unit.units:
            _check(bound, each)
    elif isinstance(unit, Comparison):
        comparator(bound.root, unit)


def _whole(bound: Bound, found: list[Finding]) -> Iterator[Finding]:
    """What concerns the query as a whole."""
    refused = any(each.portability is Portability.REFUSED for each in found)
    reason = "" if refused else travels_as_tree(bound)
    if reason:
        yield _refused("query", reason)
    elif not refused and lowered(bound) is not bound:
        yield Finding(
            Portability.REWRITTEN,
            "where",
            "the tree gets brackets, or words that every node knows",
        )


def _text(text: str) -> Iterator[Finding]:
    """What would mislead a peer that parses the text itself."""
    if text != text.lstrip():
        yield Finding(Portability.RISK, "text", "a peer that parses it trips over leading blanks")
    if any(mark in text for mark in "\t\r\n"):
        yield Finding(Portability.RISK, "text", "tabs and line breaks do not separate words there")
    for quoted in re.findall(r"\"[^\"]*\"|'[^']*'", text):
        word = _KEYWORD.search(quoted)
        if word is not None:
            name = word.group(1) or word.group(2)
            yield Finding(Portability.RISK, "text", f"the word {name!r} in a value ends it there")
