# SPDX-License-Identifier: Apache-2.0
"""What of a query every node of the network understands, in those nodes' terms.

The tree that travels knows ``and``, ``or``, brackets and eight operators, and reads chains by their
shape: what stands right of a logical word belongs together. So negations are pushed down, ranges
become two comparisons, and brackets are added where the shape would say something else than the
precedence of ``and``. Some things cannot be said at all, or are known to end a peer of another
make; a query with one of them travels as text only, which such a peer refuses.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from gsql._compare import default_quantifier
from gsql._paths import SizeNode, UnknownNameError, fans_out, has_entry, resolve
from gsql._patterns import pattern_pieces
from gsql._tree import COUNT_DISTINCT, Chain, Negation, Unit
from gsql._values import INTEGERS, is_text
from l8types.criteria import AttributePath, Comparison
from l8types.enums import Container, Kind, Operator, Presence
from l8types.pb import L8Comparator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gsql._bind import Bound
    from l8types.protocols.models import ModelNode

__all__ = ["NotPortableError", "comparator", "lowered"]

_OPPOSITE: Final = {
    Operator.EQ: Operator.NE,
    Operator.NE: Operator.EQ,
    Operator.GT: Operator.LE,
    Operator.LE: Operator.GT,
    Operator.LT: Operator.GE,
    Operator.GE: Operator.LT,
    Operator.IN: Operator.NOT_IN,
    Operator.NOT_IN: Operator.IN,
    Operator.LIKE: Operator.NOT_LIKE,
    Operator.NOT_LIKE: Operator.LIKE,
}
_ORDERED: Final = frozenset((Operator.GT, Operator.GE, Operator.LT, Operator.LE))
_LISTS: Final = frozenset((Operator.IN, Operator.NOT_IN))
_WIRE: Final = {
    **{operator: operator.value for operator in (Operator.EQ, Operator.NE, *_ORDERED)},
    Operator.IN: " in ",
    Operator.NOT_IN: " not in ",
}


class NotPortableError(Exception):
    """The query says something that the tree cannot; the message says what."""


def lowered(bound: Bound) -> Bound:
    """The query in the words of the tree; the same object when nothing had to change.

    Raises:
        NotPortableError: It cannot be said there.
    """
    if bound.having is not None or bound.distinct or len(bound.sort_keys) > 1:
        raise NotPortableError("having, distinct and several sort keys have no place in the tree")
    if any(each.function == COUNT_DISTINCT for each in bound.aggregates):
        raise NotPortableError("'count(distinct …)' has no place in the tree")
    if any(map(has_entry, bound.named_paths)):
        raise NotPortableError("sorting and grouping by one entry ends a peer where it is absent")
    if bound.where is None or bound.as_written is not None:
        return bound
    where = _chain(bound.where)
    return bound if where == bound.where else dataclasses.replace(bound, where=where)


def _chain(chain: Chain[Comparison]) -> Chain[Comparison]:
    regrouped = chain if _reads_alike(chain) else _regrouped(chain)
    return Chain(tuple(_unit(unit) for unit in regrouped.units), regrouped.or_after)


def _unit(unit: Unit[Comparison]) -> Unit[Comparison]:
    if isinstance(unit, Chain):
        return _chain(unit)
    if isinstance(unit, Negation):
        return _unit(_negated(unit.unit))
    if unit.operator is Operator.BETWEEN:
        return _range(unit, (Operator.GE, Operator.LE), is_or=False)
    return unit


def _reads_alike(chain: Chain[Comparison]) -> bool:
    """Whether the shape of the chain says the same as precedence does."""
    if len(set(chain.or_after)) < 2:
        return True
    return _by_shape(chain) == _by_precedence(chain.or_after)


def _joined(is_or: bool, parts: Sequence[object]) -> object:
    """A conjunction or disjunction in normal form: no part is of the same make."""
    flat: list[object] = []
    for part in parts:
        same = isinstance(part, tuple) and part[0] is is_or
        flat.extend(part[1] if same else (part,))  # type: ignore[index]
    return (is_or, tuple(flat)) if len(flat) > 1 else flat[0]


def _by_precedence(or_after: Sequence[bool]) -> object:
    groups: list[list[object]] = [[0]]
    for index, is_or in enumerate(or_after):
        if is_or:
            groups.append([index + 1])
        else:
            groups[-1].append(index + 1)
    return _joined(True, [_joined(False, group) for group in groups])


def _by_shape(chain: Chain[Comparison]) -> object:
    """The reading of other nodes: runs of comparisons are units, everything leans to the right."""
    nodes: list[object] = []
    words: list[bool] = []
    run: list[int] = []
    for index, unit in enumerate(chain.units):
        is_or = chain.or_after[index] if index < len(chain.or_after) else False
        following = chain.units[index + 1] if index + 1 < len(chain.units) else None
        run.append(index)
        if _is_group(unit) or following is None or _is_group(following):
            inner = [chain.or_after[position] for position in run[:-1]]
            nodes.append(_leaning(list(run), inner))
            words.append(is_or)
            run.clear()
    return _leaning(nodes, words[:-1])


def _leaning(parts: Sequence[object], words: Sequence[bool]) -> object:
    *first, result = parts
    for part, is_or in zip(reversed(first), reversed(words), strict=True):
        result = _joined(is_or, [part, result])
    return result


def _is_group(unit: Unit[Comparison]) -> bool:
    """Whether a unit travels as a node of its own."""
    return not isinstance(unit, Comparison) or unit.operator is Operator.BETWEEN


def _regrouped(chain: Chain[Comparison]) -> Chain[Comparison]:
    """The same with brackets around each conjunction, so that only ``or`` is left beside them."""
    groups: list[list[Unit[Comparison]]] = [[chain.units[0]]]
    for unit, is_or in zip(chain.units[1:], chain.or_after, strict=True):
        if is_or:
            groups.append([unit])
        else:
            groups[-1].append(unit)
    units = tuple(
        group[0] if len(group) == 1 else Chain(tuple(group), (False,) * (len(group) - 1))
        for group in groups
    )
    return Chain(units, (True,) * (len(units) - 1))


def _negated(unit: Unit[Comparison]) -> Unit[Comparison]:
    """A unit that holds exactly where the given one does not."""
    if isinstance(unit, Negation):
        return unit.unit
    if isinstance(unit, Chain):
        plain = _regrouped(unit) if len(set(unit.or_after)) > 1 else unit
        units = tuple(_negated(each) for each in plain.units)
        return Chain(units, tuple(not is_or for is_or in plain.or_after))
    if unit.operator is Operator.BETWEEN:
        _require_value(unit)
        return _range(unit, (Operator.LT, Operator.GT), is_or=True)
    opposite = _OPPOSITE.get(unit.operator)
    if opposite is None:
        raise NotPortableError(f"'{unit.operator.value}' has no place in the tree")
    if unit.operator in _ORDERED:
        _require_value(unit)
    _require_default(unit)
    quantifier = default_quantifier(opposite, unit.path, unit.value)
    return dataclasses.replace(unit, operator=opposite, quantifier=quantifier)


def _require_value(comparison: Comparison) -> None:
    """Refuse to turn an order around where a value may be absent, or be several."""
    for node in comparison.path.nodes:
        if node.container is not Container.SINGLE or node.presence is not Presence.ALWAYS:
            raise NotPortableError(f"{comparison.path.text} may be absent")


def _require_default(comparison: Comparison) -> None:
    default = default_quantifier(comparison.operator, comparison.path, comparison.value)
    if comparison.quantifier is not default:
        raise NotPortableError("'any' and 'all' have no place in the tree")


def _range(
    comparison: Comparison, operators: tuple[Operator, Operator], *, is_or: bool
) -> Chain[Comparison]:
    if fans_out(comparison.path) or not isinstance(comparison.value, tuple):
        raise NotPortableError("'between' on a collection has no place in the tree")
    low, high = comparison.value
    return Chain(
        (
            dataclasses.replace(comparison, operator=operators[0], value=low),
            dataclasses.replace(comparison, operator=operators[1], value=high),
        ),
        (is_or,),
    )


def comparator(root: ModelNode, comparison: Comparison) -> L8Comparator:
    """The comparison as it travels.

    Raises:
        NotPortableError: It cannot be said, or would end a peer.
    """
    if comparison.operator is Operator.MATCHES:
        raise NotPortableError("conditions on one and the same object have no place in the tree")
    if has_entry(comparison.path):
        raise NotPortableError(f"{comparison.path.text} ends a peer where there is no such entry")
    if isinstance(comparison.path.node, SizeNode):
        raise NotPortableError("the size of a collection has no place in the tree")
    _require_default(comparison)
    node, operator, value = comparison.path.node, comparison.operator, comparison.value
    if operator is Operator.LIKE:
        operator, right = Operator.EQ, _stars(str(value))
    elif operator in _LISTS and isinstance(value, tuple):
        right = f"[{','.join(_member(node, each) for each in value)}]"
        if not value:
            raise NotPortableError("an empty list has no place in the tree")
    elif value is None or isinstance(value, AttributePath):
        right = _nil(comparison)
    else:
        right = _literal(root, node, value)
    if operator not in _WIRE:
        raise NotPortableError(f"'{operator.value}' has no place in the tree")
    _check_kind(comparison, operator)
    return L8Comparator(left=comparison.path.text, oper=_WIRE[operator], right=right)


def _check_kind(comparison: Comparison, operator: Operator) -> None:
    node = comparison.path.node
    if node.container is Container.MAP or node.presence is not Presence.ALWAYS:
        raise NotPortableError("maps of plain values and optional values end a peer")
    if node.kind is Kind.BOOL and operator is not Operator.EQ:
        raise NotPortableError("bools can only be equal there")
    if node.kind not in INTEGERS | {Kind.BOOL, Kind.STRING}:
        raise NotPortableError(f"values of kind {node.kind.name.lower()} end a peer")
    if is_text(node) and comparison.match_case and operator is not Operator.EQ:
        raise NotPortableError("only '=' heeds case there")


def _stars(pattern: str) -> str:
    pieces = pattern_pieces(pattern)
    if "_" in pieces or "=*" in pieces:
        raise NotPortableError("only '*' is a wildcard there")
    text = "".join("*" if piece == "%" else piece[1:] for piece in pieces)
    while "**" in text:
        text = text.replace("**", "*")
    return _plain(text)


def _plain(text: str) -> str:
    if "'" in text or '"' in text:
        raise NotPortableError("quotes in values are lost there")
    return text


def _literal(root: ModelNode, node: ModelNode, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) < 2**63:
        return str(value)
    if not isinstance(value, str) or not is_text(node):
        raise NotPortableError("only whole numbers of 64 bits can be compared there")
    if "*" in value or value.lower() == "nil" or value != value.strip():
        raise NotPortableError("the value means something else there")
    try:
        resolve(root, value)
    except UnknownNameError:
        return _plain(value)
    raise NotPortableError("the value is the name of an attribute there")


def _member(node: ModelNode, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return str(value)
    strange = not isinstance(value, str) or not is_text(node) or not value
    if strange or value != value.strip() or any(mark in value for mark in ",[]"):  # type: ignore[operator,attr-defined]
        raise NotPortableError("the value cannot stand in a list there")
    return _plain(str(value))


def _nil(comparison: Comparison) -> str:
    if comparison.value is not None or comparison.operator is not Operator.EQ:
        raise NotPortableError("two attributes, and '!= nil', have no place in the tree")
    _require_value(comparison)
    return "nil"
