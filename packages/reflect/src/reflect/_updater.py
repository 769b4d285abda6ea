# SPDX-License-Identifier: Apache-2.0
"""Differences between two states of an item as data: compute, apply, undo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar

from l8types.enums import Container, DecoratorType, UpdateMode
from l8types.errors import EncodeError, InvalidInputError, PropertyError
from l8types.values import DELETED, Change, ChangeSet, Deleted
from reflect._adapters import shape_of
from reflect._diff import Comparison, Paths
from reflect._equal import quick_equality_of
from reflect._fits import check
from reflect._keys import KeyPlan, make_key_plan
from reflect._mask import masked
from reflect._paths import split_id
from reflect._scalars import to_text
from reflect._setters import Setters
from reflect._shapes import Raw
from reflect._tidy import tidied

if TYPE_CHECKING:
    from collections.abc import Iterator

    from l8types.protocols.models import Introspector

__all__ = ["Updater"]

_PRIMARY: Final = DecoratorType.PRIMARY
_NO_PATHS: Final[Paths] = frozenset()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Form:
    """What is worked out once per model."""

    names: tuple[str, ...]
    name: str
    plan: KeyPlan
    text: Callable[[Raw], str]
    setters: Setters
    same: Callable[[Raw, Raw], bool]
    """May say no where only a closer look finds that nothing differs."""


def _form_of(model: type, names: tuple[str, ...] | None) -> _Form:
    shape = shape_of(model)
    if not names:
        raise PropertyError(
            f"no primary key is declared for {shape.name}; decorate the model with PRIMARY"
        )
    plan = make_key_plan(shape, tuple(shape.by_alias[name.lower()] for name in names))
    return _Form(names, shape.name, plan, plan.text, Setters(plan), quick_equality_of(model))


# Values that never change may be shared; making one costs more than finding it.
_no_changes = lru_cache(maxsize=4096)(ChangeSet)


class Updater:
    """Compares items, applies changes and turns them round.

    Args:
        introspector: Knows the keys and the ``ALWAYS_FULL`` paths of the models.
        series_limit: How many samples a time series keeps when a patch adds to it.
    """

    def __init__(self, introspector: Introspector, *, series_limit: int = 100) -> None:
        self._introspector = introspector
        self._fields = introspector.fields
        self._series_limit = series_limit
        self._forms: dict[type, _Form] = {}

    def diff_of(self, old: object, new: object, *names: str) -> ChangeSet:
        """Changes of named attributes, and of nothing else: a patch that can clear.

        Args:
            old: State before.
            new: Holds the new values; where it holds zero or nothing, that is the new value.
            *names: Attributes, in any spelling, dotted where they are within another. A list or map
                counts as a whole: what ``new`` lacks in it is removed.

        Raises:
            PropertyError: As for :meth:`diff`; an attribute does not exist or is within a list or
                map.
        """
        return masked(self.diff(old, new), old, new, names, self._introspector)

    def diff(self, old: object, new: object, *, mode: UpdateMode = UpdateMode.PUT) -> ChangeSet:
        """Changes that turn ``old`` into ``new``; neither is modified, nor shared with the changes.

        With ``PUT``, applying the changes to ``old`` makes it equal ``new``. With ``PATCH``,
        attributes of ``new`` at zero or without value change nothing, and nothing is removed.

        Raises:
            InvalidInputError: The two are of different models.
            PropertyError: The model has no primary key, the keys differ, a value is of another type
                than the model declares, or a part contains itself; the message names the place.
        """
        model = type(old)
        if type(new) is not model:
            raise InvalidInputError(
                f"a {model.__name__} cannot be compared with a {type(new).__name__}"
            )
        form = self._forms.get(model)
        # The key may have been declared anew since.
        if form is None or form.names != self._fields(model, _PRIMARY):
            form = self._form(model)
        try:
            key = form.text(old)
            if not key:
                raise PropertyError(f"an item of {form.name} has an empty primary key; set it")
            # Mostly nothing differs, and the answer should not cost more than the question.
            if form.same(old, new):
                return _no_changes(form.name, key)
            return self._changes(form, key, old, new, mode)
        except (AttributeError, TypeError, EncodeError, RecursionError):
            return self._tidied(old, new, mode)

    def _tidied(self, old: object, new: object, mode: UpdateMode) -> ChangeSet:
        """Compare what could not be compared as it is: it has gaps, or the error tells the fault.

        Raises:
            PropertyError: The fault.
        """
        tidy_old, tidy_new = tidied(old), tidied(new)
        if tidy_old is old and tidy_new is new:
            # It is neither; what it is, only the first error can tell.
            raise  # noqa: PLE0704 - called by a handler only
        return self.diff(tidy_old, tidy_new, mode=mode)

    def _changes(
        self, form: _Form, key: str, old: object, new: object, mode: UpdateMode
    ) -> ChangeSet:
        plan, setters = form.plan, form.setters
        shape = plan.shape
        root = setters.root(key, new)
        values = () if root else plan.values(old)
        if not root and plan.values(new) != values:
            raise PropertyError(
                f"the items have different keys, {key!r} and {plan.text(new)!r}; compare two "
                "states of the same item"
            )
        changes: list[Change] = []
        full = mode is UpdateMode.PUT
        run = Comparison(full, self._replaced, self._is_closed, self._series_limit, changes)
        run.message(shape, root or plan.root_id(values), old, new, frozenset())
        return ChangeSet(shape.name, key, tuple(changes))

    def _form(self, model: type) -> _Form:
        form = self._forms[model] = _form_of(model, self._fields(model, _PRIMARY))
        return form

    def _replaced(self, model: type) -> Paths:
        names = self._fields(model, DecoratorType.ALWAYS_FULL)
        if not names:
            return _NO_PATHS
        return frozenset(name.lower() for name in names)

    def _is_closed(self, model: type) -> bool:
        return self._fields(model, DecoratorType.NO_NESTED_INSPECTION) is not None

    def apply(self, changes: ChangeSet, target: T) -> T:
        """Apply changes to ``target`` in place and return it.

        Raises:
            PropertyError: A change does not fit; earlier changes of the set stay applied.
        """
        parts = changes.changes
        model = type(target)
        form, names = self._forms.get(model), self._fields(model, _PRIMARY)
        if names and (form is None or form.names != names):
            form = self._form(model)
        done = form.setters.apply(parts, target) if names and form is not None else 0
        if done == len(parts):
            return target
        for change in parts[done:]:
            place = self._introspector.property(change.property_id)
            if isinstance(change.new, Deleted):
                place.delete(target)
            else:
                place.set(target, change.new)
        return target

    def check(self, item: object) -> None:
        """Accept an item whose values are what its model declares, however deep.

        Raises:
            PropertyError: A value is not of the declared type, or a part contains itself; the
                message names the place.
        """
        check(item)

    def invert(self, changes: ChangeSet) -> ChangeSet:
        """Changes that undo ``changes``, as far as they know what was there before.

        Raises:
            PropertyError: A property id cannot be understood.
        """
        undone = tuple(back for change in reversed(changes.changes) for back in self._undo(change))
        return ChangeSet(changes.model, changes.key, undone)

    def _undo(self, change: Change) -> Iterator[Change]:
        place, old, new = change.property_id, change.old, change.new
        if split_id(place)[-1].key is None:
            yield Change(place, None if isinstance(new, Deleted) else new, old)
            return
        in_list = self._introspector.property(place).node.container is Container.LIST
        if in_list and isinstance(new, Deleted):
            yield from _restored(place, old)
        elif old is None:
            yield Change(place, [new] if in_list else new, DELETED)
        else:
            yield Change(place, None if isinstance(new, Deleted) else new, old)


def _restored(place: str, cut: object) -> Iterator[Change]:
    """Changes that put back the end of a list."""
    before, _, index = place.removesuffix(">").rpartition("<{2}")
    if not isinstance(cut, list):
        raise PropertyError(f"the change of {place!r} does not tell what was removed")
    for offset, item in enumerate(cut):
        yield Change(f"{before}<{to_text(int(index) + offset)}>", None, item)
