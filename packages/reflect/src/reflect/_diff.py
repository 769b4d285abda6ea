# SPDX-License-Identifier: Apache-2.0
"""The comparison of two states of an item, attribute by attribute.

Each kind of attribute has its rule; the rules work on fields, so they hold for every kind of model.
Nothing is modified, and every value in a change is a copy. Changes come in order of declaration,
list items by index, map entries by sorted key.

In a patch an attribute at its zero value, or without a value, is absent and leaves the old one as
it is. What is inside a list or map is there on purpose: zero counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from l8types.enums import Container, Kind, Presence
from l8types.values import DELETED, Change
from reflect._adapters import shape_of
from reflect._clone import cloner_of
from reflect._equal import equality_of, quick_equality_of, same_scalars
from reflect._scalars import to_text
from reflect._tidy import check_value, check_values

if TYPE_CHECKING:
    from reflect._shapes import Element, Field, Raw, Shape

__all__ = ["Comparison", "Paths"]

Paths = frozenset[str]
"""Lower-case paths, relative to the model at hand, of what is replaced as a whole."""

_NOTHING: Final[Paths] = frozenset()
_TELLING: Final = frozenset({str, int})
"""What is the same when it is equal, whatever the attribute: most of what does not differ."""


_INTEGERS: Final = frozenset({Kind.INT, Kind.INT32, Kind.INT64})
_SMALL: Final = 1 << 31


def _is_sure(element: Element, value: object) -> bool:
    """Whether a value fits its attribute at a glance, as most do."""
    if element.enum is not None or element.enum_class is not None:
        return False
    if type(value) is int:
        return element.kind in _INTEGERS and -_SMALL <= value < _SMALL
    if type(value) is str:
        return element.kind is Kind.STRING and value.isascii()
    return type(value) is float and element.kind is Kind.FLOAT64


@dataclass(slots=True)
class Comparison:
    """One run; collects the changes.

    Args:
        full: The new item is complete (PUT); otherwise what it lacks is left alone (PATCH).
        replaced: Gives the paths of a model that are replaced as a whole.
        is_closed: Whether nobody is to look into the values of a model, so that they are too.
        series_limit: Length of time series that are merged.
        changes: Receives the changes.
    """

    full: bool
    replaced: Callable[[type], Paths]
    is_closed: Callable[[type], bool]
    series_limit: int
    changes: list[Change]

    def message(self, shape: Shape, place: str, old: Raw, new: Raw, whole: Paths) -> None:
        """Compare two instances of a model.

        Args:
            shape: Their model.
            place: Property id of the instances.
            old: State before.
            new: State after.
            whole: Paths below that are replaced as a whole, declared above this model.
        """
        whole |= self.replaced(shape.model)
        for field in shape.fields:
            before, after = field.read(old), field.read(new)
            if before is after or (before.__class__ in _TELLING and before == after):
                continue
            if field.oneof and before is None and not self.full:
                self._clear_siblings(shape, field, place, old)
            self._attribute(field, f"{place}.{field.path}", before, after, whole)

    def _clear_siblings(self, shape: Shape, field: Field, place: str, old: Raw) -> None:
        """Tell what goes when another member of a group comes: the undo has to know."""
        for other in shape.fields:
            held = other.read(old) if other.oneof == field.oneof else None
            if held is not None:
                self._add(f"{place}.{other.path}", copy_of(other, held), None)

    def _attribute(self, field: Field, place: str, old: Raw, new: Raw, whole: Paths) -> None:
        if field.container is Container.SINGLE and not field.is_message:
            self._scalar(field, place, old, new)
        elif field.path in whole or self._is_whole(field):
            self._whole(field, place, old, new)
        elif (
            old is None or new is None or not (field.container is Container.SINGLE or (old and new))
        ):
            self._from_or_to_nothing(field, place, old, new)
        else:
            below = _NOTHING
            if whole:
                start = f"{field.path}."
                below = frozenset(p.removeprefix(start) for p in whole if p.startswith(start))
            self._both(field, place, old, new, below)

    def _is_whole(self, field: Field) -> bool:
        model = field.element.model
        return model is not None and (field.is_time_series or self.is_closed(model))

    def _add(self, place: str, old: object, new: object) -> None:
        self.changes.append(Change(place, old, new))

    def _scalar(self, field: Field, place: str, old: Raw, new: Raw) -> None:
        if same_scalars(old, new):
            return
        if not self.full and (new is None or (field.presence is Presence.ALWAYS and not new)):
            return
        if not _is_sure(field.element, new):
            check_values(field, place, new)
        self._add(place, old, new)

    def _from_or_to_nothing(self, field: Field, place: str, old: Raw, new: Raw) -> None:
        """Compare where one side is absent or an empty container."""
        if not self.full and (new is None or (field.container is not Container.SINGLE and not new)):
            return
        if not field.is_message:
            check_values(field, place, new)
        old, new = copy_of(field, old), copy_of(field, new)
        if old != new or field.container is Container.SINGLE:
            self._add(place, old, new)

    def _whole(self, field: Field, place: str, old: Raw, new: Raw) -> None:
        if _same(field, old, new) or (not self.full and _is_blank(field, new)):
            return
        if field.is_time_series and not self.full:
            new = _merged(old or (), new, self.series_limit)
            if _same(field, old, new):
                return
        self._add(place, copy_of(field, old), copy_of(field, new))

    def _both(self, field: Field, place: str, old: Raw, new: Raw, whole: Paths) -> None:
        if field.container is Container.LIST:
            self._list(field, place, old, new, whole)
        elif field.container is Container.MAP:
            self._map(field, place, old, new, whole)
        elif not _comparison_of(field)(old, new):
            self._entry(field, place, old, new, whole)

    def _entry(self, field: Field, place: str, old: Raw, new: Raw, whole: Paths) -> None:
        """Tell the changes between two values that are both there and differ."""
        model = field.element.model
        if model is None:
            check_value(place, new, field.element)
            self._add(place, old, new)
        else:
            self.message(shape_of(model), place, old, new, whole)

    def _list(self, field: Field, place: str, old: Raw, new: Raw, whole: Paths) -> None:
        same = _comparison_of(field)
        for index, (before, after) in enumerate(zip(old, new, strict=False)):
            if not same(before, after):
                self._entry(field, f"{place}<{to_text(index, Kind.INT)}>", before, after, whole)
        for index in range(len(old), len(new)):
            added = _copy_item(field, new[index])
            self._add(f"{place}<{to_text(index, Kind.INT)}>", None, added)
        if self.full and len(new) < len(old):
            cut = [_copy_item(field, item) for item in old[len(new) :]]
            self._add(f"{place}<{to_text(len(new), Kind.INT)}>", cut, DELETED)

    def _map(self, field: Field, place: str, old: Raw, new: Raw, whole: Paths) -> None:
        kind = Kind.STRING if field.key is None else field.key.kind
        same = _comparison_of(field)
        differing = [key for key in new if key not in old or not same(old[key], new[key])]
        for key in sorted(differing):
            entry = f"{place}<{to_text(key, kind)}>"
            if key in old:
                self._entry(field, entry, old[key], new[key], whole)
            else:
                self._add(entry, None, _copy_item(field, new[key]))
        if self.full:
            for key in sorted(key for key in old if key not in new):
                self._add(f"{place}<{to_text(key, kind)}>", _copy_item(field, old[key]), DELETED)


def _comparison_of(field: Field) -> Callable[[Raw, Raw], bool]:
    """Comparison of single values; may say no where a closer look finds that nothing differs."""
    model = field.element.model
    return same_scalars if model is None else quick_equality_of(model)


def _copy_item(field: Field, item: Raw) -> object:
    model = field.element.model
    if model is None:
        return item
    if item is None:
        # Who asked for the comparison takes a closer look at both sides then.
        raise TypeError(f"nothing where a {model.__name__} belongs in {field.attribute!r}")
    return cloner_of(model)(item)


def copy_of(field: Field, value: Raw) -> object:
    """Independent copy of the value of an attribute.

    An empty container counts as absent where the model cannot tell the two apart.
    """
    if value is None or (field.presence is Presence.ALWAYS and not _is_there(field, value)):
        return None
    if field.container is Container.LIST:
        return [_copy_item(field, item) for item in value]
    if field.container is Container.MAP:
        return {key: _copy_item(field, item) for key, item in value.items()}
    return _copy_item(field, value)


def _is_there(field: Field, value: Raw) -> bool:
    return value is not None and (field.container is Container.SINGLE or len(value) > 0)


def _is_blank(field: Field, value: Raw) -> bool:
    """Whether the value of a whole attribute counts as absent in a patch."""
    if not _is_there(field, value):
        return True
    model = field.element.model
    if model is None or field.container is not Container.SINGLE:
        return False
    return field.presence is Presence.ALWAYS and equality_of(model)(value, shape_of(model).new())


def _same(field: Field, old: Raw, new: Raw) -> bool:
    """Whether two values of a whole attribute are the same."""
    model = field.element.model
    old, new = copy_of(field, old), copy_of(field, new)
    if old is None or new is None:
        return old is new
    if model is None:
        return same_scalars(old, new)
    same = equality_of(model)
    if field.container is Container.LIST:
        return len(old) == len(new) and all(map(same, old, new))
    if field.container is Container.MAP:
        return old.keys() == new.keys() and all(same(old[key], new[key]) for key in old)
    return same(old, new)


def _merged(old: Raw, new: Raw, limit: int) -> list[Any]:
    """Samples of both, one for each time, the newest ``limit`` in order of time."""
    by_stamp = {point.stamp: point for point in old}
    by_stamp.update((point.stamp, point) for point in new)
    return [by_stamp[stamp] for stamp in sorted(by_stamp)][-limit:]
