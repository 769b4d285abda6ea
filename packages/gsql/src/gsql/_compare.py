# SPDX-License-Identifier: Apache-2.0
"""Binds single comparisons: which side is the attribute, what kind of value stands against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from gsql._chains import bound_chain, criteria_of
from gsql._paths import UnknownNameError, fans_out, resolve
from gsql._patterns import like_pattern, loose_patterns, star_pattern, unescaped
from gsql._problems import did_you_mean, problem, shown
from gsql._tree import MAX_LIST_ITEMS, Chain, Form, Operand, RawComparison, RawQuery, Unit
from gsql._values import NUMBERS, ClashError, from_parameter, from_text, is_text, kind_name
from l8types.criteria import AttributePath, Comparison
from l8types.enums import Kind, Operator, Quantifier

if TYPE_CHECKING:
    from l8types.errors import QueryError
    from l8types.protocols.models import ModelNode

__all__ = ["NEGATIVE", "ComparisonBinder", "PathFinder", "default_quantifier", "tests_whole"]

PathFinder: TypeAlias = Callable[[str], AttributePath]
"""Attribute of a name.

Raises:
    UnknownNameError: There is none.
"""

NEGATIVE: Final = {
    Operator.NE: Operator.EQ,
    Operator.NOT_IN: Operator.IN,
    Operator.NOT_LIKE: Operator.LIKE,
    Operator.IS_NOT_NULL: Operator.IS_NULL,
}
"""Operators that are the negation of another."""

_MIRRORED: Final = {
    Operator.EQ: Operator.EQ,
    Operator.NE: Operator.NE,
    Operator.GT: Operator.LT,
    Operator.LT: Operator.GT,
    Operator.GE: Operator.LE,
    Operator.LE: Operator.GE,
}
_NULL_TESTS: Final = frozenset((Operator.IS_NULL, Operator.IS_NOT_NULL))
_SCALARS: Final = NUMBERS | {Kind.BOOL, Kind.UINT8, Kind.STRING}


def default_quantifier(operator: Operator, path: AttributePath, value: object) -> Quantifier:
    """What a comparison without ``any`` or ``all`` means on collections.

    Some element for the positive operators; no element for ``!=``, ``not in``, ``not like``.
    """
    negative = operator in NEGATIVE and fans_out(path, whole=tests_whole(operator, value))
    return Quantifier.ALL if negative else Quantifier.ANY


def tests_whole(operator: Operator, value: object) -> bool:
    """Whether the operand is the attribute itself, be it a collection, and not its elements."""
    return operator in _NULL_TESTS or (value is None and operator in {Operator.EQ, Operator.NE})


class ComparisonBinder:
    """Binds the comparisons of one condition."""

    def __init__(
        self,
        raw: RawQuery,
        root: ModelNode,
        paths: PathFinder,
        parameters: Mapping[str, object],
        used: set[str],
        *,
        around: ModelNode | None = None,
        loose: bool = False,
    ) -> None:
        """Take what conditions refer to.

        ``around`` is the model of the query where ``root`` is an object within it; ``loose`` says
        that stars are read as nodes of the first make read them.
        """
        self._loose = loose
        self._raw = raw
        self._root = root
        self._around = around
        self._prefix = root.type_name.lower() + "."
        self._paths = paths
        self._parameters = parameters
        self._used = used

    def bind(self, raw: RawComparison) -> Unit[Comparison]:
        """The comparison in terms of the model; now and then it takes several.

        Raises:
            QueryError: Neither side is an attribute, or the other side does not fit it.
        """
        if raw.inner is not None:
            return self._element(raw, raw.inner)
        path, operator, right = self._sides(raw)
        if self._loose and right is not None and raw.quantifier is not Quantifier.ALL:
            found = self._loosely(path, operator, right)
            if found is not None:
                return found
        try:
            operator, value = self._value(path, operator, right)
        except ClashError as error:
            place = raw.left if right is None else right
            raise self._problem(str(error), place) from None
        quantifier = default_quantifier(operator, path, value)
        if raw.quantifier is not None and fans_out(path, whole=tests_whole(operator, value)):
            quantifier = raw.quantifier
        match_case = self._raw.match_case or not is_text(path.node)
        return Comparison(path, operator, value, quantifier, match_case)

    def _element(self, raw: RawComparison, inner: Chain[RawComparison]) -> Comparison:
        """``any(path: …)``: the names in it are those of the objects that the path reaches."""
        try:
            path = self._paths(raw.left.text)
        except UnknownNameError as error:
            raise self._problem(str(error), raw.left) from None
        node = path.node
        if node.kind is not Kind.MESSAGE:
            kind = kind_name(node)
            raise self._problem(f"{path.text} is of kind {kind} and has no attributes", raw.left)
        binder = ComparisonBinder(
            self._raw,
            node,
            lambda text: resolve(node, text),
            self._parameters,
            self._used,
            around=self._around or self._root,
            loose=self._loose,
        )
        every = raw.quantifier is Quantifier.ALL and fans_out(path)
        return Comparison(
            path,
            Operator.MATCHES,
            criteria_of(bound_chain(inner, binder.bind)),
            Quantifier.ALL if every else Quantifier.ANY,
        )

    def _problem(self, message: str, operand: Operand) -> QueryError:
        return problem(message, self._raw.text, operand.offset, max(1, len(operand.text)))

    def _sides(self, raw: RawComparison) -> tuple[AttributePath, Operator, Operand | None]:
        """The attribute, the operator as seen from it, and the operand against it."""
        message = f"{shown(raw.left.text)} is no attribute"
        if raw.left.form is Form.BARE:
            try:
                return self._paths(raw.left.text), raw.operator, raw.right
            except UnknownNameError as error:
                message = f"{error}{self._outside(raw.left.text)}"
        right = self._attribute(raw.right)
        if right is None or raw.operator not in _MIRRORED:
            raise self._problem(message, raw.left)
        return right, _MIRRORED[raw.operator], raw.left

    def _attribute(self, operand: Operand | None) -> AttributePath | None:
        if operand is None or operand.form is not Form.BARE:
            return None
        try:
            return self._paths(operand.text)
        except UnknownNameError:
            return None

    def _value(
        self, path: AttributePath, operator: Operator, operand: Operand | None
    ) -> tuple[Operator, object]:
        node = path.node
        if operand is None:
            return operator, None
        if operator in {Operator.EQ, Operator.NE} and self._is_nil(operand):
            return operator, None
        if node.kind not in _SCALARS:
            inner = ", ".join(list(node.attributes)[:5])
            raise ClashError(
                f"{path.text} is of kind {kind_name(node)} and can only be compared with nil; "
                f"compare one of its attributes: {inner}"
            )
        if operator in {Operator.IN, Operator.NOT_IN}:
            return operator, self._members(node, operand)
        if operator in {Operator.LIKE, Operator.NOT_LIKE}:
            return operator, self._pattern(node, operand)
        if operator is Operator.BETWEEN:
            low, high = (self._scalar(node, item) for item in operand.items)
            return operator, (low, high)
        return self._simple(node, operator, operand)

    def _simple(
        self, node: ModelNode, operator: Operator, operand: Operand
    ) -> tuple[Operator, object]:
        """The operators that stand between two sides."""
        wild = {Operator.EQ: Operator.LIKE, Operator.NE: Operator.NOT_LIKE}.get(operator)
        if is_text(node) and wild is not None and operand.form is not Form.PARAMETER:
            pattern = star_pattern(operand.text)
            if pattern is not None:
                return wild, pattern
        other = self._other_attribute(node, operand)
        return operator, self._scalar(node, operand) if other is None else other

    def _loosely(
        self, path: AttributePath, operator: Operator, operand: Operand
    ) -> Unit[Comparison] | None:
        """A literal with stars as nodes of the first make read it, ``None`` when it is none.

        Only ``=`` knows stars there.
        """
        literal = is_text(path.node) and operand.form in {Form.BARE, Form.QUOTED}
        if not literal or star_pattern(operand.text) is None:
            return None
        case, some = self._raw.match_case, Quantifier.ANY
        if operator is Operator.NE:
            value = unescaped(operand.text)
            quantifier = default_quantifier(operator, path, value)
            return Comparison(path, operator, value, quantifier, case)
        if operator is not Operator.EQ:
            return None
        patterns = loose_patterns(operand.text)
        if not patterns:
            return Comparison(path, Operator.IN, (), some, case)
        found = [Comparison(path, Operator.LIKE, each, some, case) for each in patterns]
        return Chain(tuple(found), (True,) * (len(found) - 1)) if len(found) > 1 else found[0]

    def _other_attribute(self, node: ModelNode, operand: Operand) -> AttributePath | None:
        """The attribute on the other side.

        A word is an attribute only where that cannot be a matter of luck: with the model's name
        before it, or where a literal would not fit anyway. A value that comes from a user must not
        turn into an attribute because it happens to be called like one.
        """
        if operand.form is not Form.BARE:
            return None
        self._check_inside(operand.text)
        if not operand.text.lower().startswith(self._prefix):
            try:
                self._scalar(node, operand)
            except ClashError:
                pass
            else:
                return None
        path = self._attribute(operand)
        if path is not None and not _comparable(node, path.node):
            raise ClashError(
                f"{node.field_name} of kind {kind_name(node)} cannot be compared with {path.text} "
                f"of kind {kind_name(path.node)}"
            )
        return path

    def _check_inside(self, text: str) -> None:
        """Refuse an attribute that is named with the model of the query before it."""
        around = self._around
        if around is None or around.type_name == self._root.type_name:
            return
        if text.lower().startswith(around.type_name.lower() + "."):
            hint = self._outside(text)
            if hint:
                quoted = f"; write it in quotes where {shown(text)} is a value"
                raise ClashError(f"{text} cannot be compared with here{hint}{quoted}")

    def _outside(self, text: str) -> str:
        """What to do about an attribute of the item in a condition on an object within it."""
        around = self._around
        if around is None:
            return ""
        try:
            resolve(around, text)
        except UnknownNameError:
            return ""
        return (
            f"; it is one of {around.type_name}, and what stands in 'any(…)' or 'all(…)' is about "
            f"one {self._root.type_name} alone: put conditions on {around.type_name} outside of "
            "the brackets, joined with 'and'"
        )

    def _is_nil(self, operand: Operand) -> bool:
        if operand.form is Form.PARAMETER:
            return self._parameter(operand) is None
        return operand.form is Form.BARE and operand.text.lower() == "nil"

    def _scalar(self, node: ModelNode, operand: Operand) -> object:
        if operand.form is Form.PARAMETER:
            return from_parameter(node, self._parameter(operand))
        try:
            return from_text(node, unescaped(operand.text))
        except ClashError as error:
            hint = self._outside(operand.text) or _swallowed(operand)
            raise ClashError(f"{error}{hint}") from None

    def _members(self, node: ModelNode, operand: Operand) -> tuple[object, ...]:
        if operand.form is not Form.PARAMETER:
            return tuple(dict.fromkeys(self._scalar(node, item) for item in operand.items))
        values = self._parameter(operand)
        if not isinstance(values, list | tuple | set | frozenset):
            raise ClashError(f"parameter ':{operand.text}' must be a list of values")
        if len(values) > MAX_LIST_ITEMS:
            raise ClashError(f"parameter ':{operand.text}' has more than {MAX_LIST_ITEMS} values")
        if isinstance(values, set | frozenset):
            values = sorted(values, key=repr)
        return tuple(dict.fromkeys(from_parameter(node, value) for value in values))

    def _pattern(self, node: ModelNode, operand: Operand) -> str:
        if not is_text(node):
            raise ClashError(f"'like' needs a text, {node.field_name} is of kind {kind_name(node)}")
        if operand.form is Form.PARAMETER:
            return like_pattern(str(from_parameter(node, self._parameter(operand))))
        return like_pattern(operand.text)

    def _parameter(self, operand: Operand) -> object:
        name = operand.text
        if name not in self._parameters:
            hint = did_you_mean(name, self._parameters)
            raise ClashError(f"no value is given for the parameter ':{name}'{hint}")
        self._used.add(name)
        return self._parameters[name]


def _comparable(one: ModelNode, other: ModelNode) -> bool:
    if one.kind in NUMBERS:
        return other.kind in NUMBERS
    return one.kind is other.kind


def _swallowed(operand: Operand) -> str:
    """A hint when a misspelt keyword may have become part of a value without quotes."""
    if operand.form is not Form.BARE or " " not in operand.text:
        return ""
    clauses = ("and", "or", "sort-by", "group-by", "having", "limit", "page", "descending")
    hints = (did_you_mean(word, clauses) for word in operand.text.split()[1:])
    return next((hint for hint in hints if hint), "")
