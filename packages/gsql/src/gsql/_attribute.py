# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for the attributes of a model, from which Python expressions become conditions.

A type checker sees the model itself: ``book.price < 20`` is a comparison of two numbers. At run
time ``book`` is a stand-in that notes what is asked of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, NoReturn, TypeVar, cast, overload

from typing_extensions import override

from l8types.enums import Kind, Operator, Quantifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = [
    "All",
    "Attribute",
    "Condition",
    "Element",
    "Inverse",
    "Leaf",
    "Operand",
    "all_of",
    "any_of",
    "attribute_of",
    "condition_of",
    "condition_on",
    "each",
    "every",
    "not_",
    "on",
    "path_of",
    "some",
]

K = TypeVar("K")
V = TypeVar("V")

_HINT: Final = "join conditions with '&' and '|' in brackets, and negate them with not_()"


class Condition:
    """What a comparison of stand-ins gives; joined by ``&`` and ``|``."""

    def __and__(self, other: object) -> Condition:
        return _joined(self, other, is_or=False)

    def __or__(self, other: object) -> Condition:
        return _joined(self, other, is_or=True)

    def __bool__(self) -> NoReturn:
        raise TypeError(f"a condition of a query is neither true nor false; {_HINT}")


@dataclass(frozen=True, slots=True, eq=False)
class Leaf(Condition):
    """One comparison."""

    attribute: Attribute
    operator: Operator
    value: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Element(Condition):
    """A condition on one object of a collection."""

    attribute: Attribute
    quantifier: Quantifier
    inner: Condition


@dataclass(frozen=True, slots=True, eq=False)
class Inverse(Condition):
    """The term does not hold."""

    term: Condition


@dataclass(frozen=True, slots=True, eq=False)
class All(Condition):
    """All terms hold, or at least one."""

    terms: tuple[Condition, ...]
    is_or: bool


def _joined(one: Condition, other: object, *, is_or: bool) -> Condition:
    terms: list[Condition] = []
    for term in (one, condition_of(other)):
        same = isinstance(term, All) and term.is_or is is_or
        terms.extend(cast("All", term).terms if same else (term,))
    return All(tuple(terms), is_or)


class Attribute:
    """Stand-in for one attribute, or for the item itself.

    ``item`` tells one stand-in for an item from another; by default it is a new one.
    """

    __slots__ = ("_item", "_path", "_quantifier")

    def __init__(
        self, path: str = "", quantifier: Quantifier | None = None, item: object = None
    ) -> None:
        self._path = path
        self._quantifier = quantifier
        self._item = object() if item is None else item

    def __getattr__(self, name: str) -> Attribute:
        if name.startswith("__"):
            raise AttributeError(name)
        return Attribute(f"{self._path}.{name}".lstrip("."), self._quantifier, self._item)

    def __getitem__(self, key: object) -> Attribute:
        return Attribute(f"{self._path}<{_key_text(key)}>", self._quantifier, self._item)

    @override
    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return Leaf(self, Operator.EQ, other)

    @override
    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return Leaf(self, Operator.NE, other)

    def __lt__(self, other: object) -> Condition:
        return Leaf(self, Operator.LT, other)

    def __le__(self, other: object) -> Condition:
        return Leaf(self, Operator.LE, other)

    def __gt__(self, other: object) -> Condition:
        return Leaf(self, Operator.GT, other)

    def __ge__(self, other: object) -> Condition:
        return Leaf(self, Operator.GE, other)

    def __bool__(self) -> NoReturn:
        raise TypeError(f"compare {self._path or 'an attribute'} with something; {_HINT}")

    def __iter__(self) -> NoReturn:
        raise TypeError(f"{self._path} has no elements here; use each() or any_of()")

    def __contains__(self, value: object) -> NoReturn:
        raise TypeError(f"{self._path} has no elements here; use each() or any_of()")

    __hash__ = None  # type: ignore[assignment]


def _key_text(key: object) -> str:
    if isinstance(key, bool):
        return f"{{{int(Kind.BOOL)}}}{str(key).lower()}"
    if isinstance(key, int):
        return f"{{{int(Kind.INT)}}}{key}"
    if not isinstance(key, str):
        raise TypeError(f"an entry is named by a position or a key, not {type(key).__name__}")
    encoded = "".join(f"%{ord(char):02X}" if char in "%<>:" else char for char in key)
    return f"{{{int(Kind.STRING)}%}}{encoded}"


def attribute_of(value: object) -> Attribute:
    """The stand-in that a value is.

    Raises:
        TypeError: It is none.
    """
    if isinstance(value, Attribute):
        return value
    raise TypeError(f"name an attribute of the model, not a value of type {type(value).__name__}")


def condition_of(value: object) -> Condition:
    """The condition that a value is.

    Raises:
        TypeError: It is none.
    """
    if isinstance(value, Condition):
        return value
    found = type(value).__name__
    raise TypeError(f"compare an attribute of the model, a value of type {found} is no condition")


def condition_on(made: Callable[[V], bool]) -> Condition:
    """The condition that a function makes of a stand-in for an item.

    Raises:
        TypeError: What it returns is no condition, or one on something else than the item.
    """
    item = Attribute()
    condition = condition_of(made(cast("V", item)))
    for found in _named(condition):
        if _item_of(found) is not _item_of(item):
            raise TypeError(
                f"{path_of(found)[0]} is no attribute of what this condition is about; a condition "
                "in any_of() or all_of() is about one object alone: put others beside it with '&'"
            )
    return condition


def _named(condition: Condition) -> Iterator[Attribute]:
    """The attributes of its item that a condition names."""
    left = [condition]
    while left:
        part = left.pop()
        if isinstance(part, All):
            left.extend(part.terms)
        elif isinstance(part, Inverse):
            left.append(part.term)
        elif isinstance(part, Element | Leaf):
            yield part.attribute
            if isinstance(part, Leaf) and isinstance(part.value, Attribute):
                yield part.value


def _item_of(attribute: Attribute) -> object:
    return attribute._item  # noqa: SLF001 - attributes of a stand-in stand for others


def path_of(value: object) -> tuple[str, Quantifier | None]:
    """Dotted path and quantifier of a stand-in."""
    found = attribute_of(value)
    return found._path, found._quantifier  # noqa: SLF001 - attributes of a stand-in stand for others


class Operand(Generic[V]):
    """An attribute, for the comparisons that Python has no operators for."""

    def __init__(self, value: object) -> None:
        self._value = attribute_of(value)

    def one_of(self, values: Iterable[V]) -> bool:
        """``in``."""
        return _typed(Leaf(self._value, Operator.IN, _members(values)))

    def none_of(self, values: Iterable[V]) -> bool:
        """``not in``."""
        return _typed(Leaf(self._value, Operator.NOT_IN, _members(values)))

    def between(self, low: V, high: V) -> bool:
        """From ``low`` to ``high``, both included."""
        return _typed(Leaf(self._value, Operator.BETWEEN, (low, high)))

    def like(self: Operand[str], pattern: str) -> bool:
        """Whether the text fits a pattern: ``%`` any run, ``_`` one character."""
        return _typed(Leaf(self._value, Operator.LIKE, pattern))

    def is_null(self) -> bool:
        """Absent, or an empty collection."""
        return _typed(Leaf(self._value, Operator.IS_NULL))

    def is_nil(self) -> bool:
        """Absent, empty or zero."""
        return _typed(Leaf(self._value, Operator.EQ))


def _members(values: Iterable[object]) -> object:
    """A list of values; of a set the binder makes one in a fixed order."""
    return values if isinstance(values, set | frozenset) else tuple(values)


def on(value: V | None) -> Operand[V]:
    """An attribute, for ``one_of``, ``between``, ``like`` and the tests of absence."""
    return Operand(value)


def some(value: V | None) -> V:
    """An attribute that may be absent, for comparisons and for what is below it."""
    return cast("V", attribute_of(value))


@overload
def each(values: Mapping[K, V]) -> V: ...
@overload
def each(values: Iterable[V]) -> V: ...
def each(values: object) -> object:
    """Any element of a list, or value of a map: one has to satisfy what is asked of it."""
    return attribute_of(values)


@overload
def every(values: Mapping[K, V]) -> V: ...
@overload
def every(values: Iterable[V]) -> V: ...
def every(values: object) -> object:
    """All elements of a list, or values of a map."""
    found = attribute_of(values)
    return Attribute(path_of(found)[0], Quantifier.ALL, _item_of(found))


@overload
def any_of(values: Mapping[K, V], condition: Callable[[V], bool]) -> bool: ...
@overload
def any_of(values: Iterable[V], condition: Callable[[V], bool]) -> bool: ...
def any_of(values: object, condition: Callable[[V], bool]) -> bool:
    """Whether one and the same object of a collection satisfies the whole condition."""
    return _element(values, condition, Quantifier.ANY)


@overload
def all_of(values: Mapping[K, V], condition: Callable[[V], bool]) -> bool: ...
@overload
def all_of(values: Iterable[V], condition: Callable[[V], bool]) -> bool: ...
def all_of(values: object, condition: Callable[[V], bool]) -> bool:
    """Whether each object of a collection satisfies the whole condition."""
    return _element(values, condition, Quantifier.ALL)


def not_(condition: bool) -> bool:
    """Whether a condition does not hold."""
    return _typed(Inverse(condition_of(condition)))


def _element(values: object, condition: Callable[[V], bool], quantifier: Quantifier) -> bool:
    return _typed(Element(attribute_of(values), quantifier, condition_on(condition)))


def _typed(condition: Condition) -> bool:
    """A condition as the type checker sees it."""
    return cast("bool", condition)
