# SPDX-License-Identifier: Apache-2.0
"""Writes that are worked out before they are made: the items of a transactional base service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from l8services._reads import parse_query
from l8types.enums import Action, UpdateMode
from l8types.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from l8types.protocols.services import Staged
from l8types.values import Element

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from l8types.protocols.data import Cache, Elements
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import Call, ServiceHook

__all__ = ["StagedItems"]

_NOTHING: Final = object()
"""Stands for the state of an item that was not staged before."""


class StagedItems:
    """A cache with a layer of new states above it that readers do not see.

    A write is one whole: when one of its items is refused, none is written.

    Args:
        cache: The visible items.
        resources: The parts of the node.
        hook: User code around each write; it runs on every instance, before the write is decided,
            and has to come to the same result on all of them.
    """

    def __init__(self, cache: Cache, resources: Resources, hook: ServiceHook | None) -> None:
        self._cache = cache
        # What was staged is nobody else's, unless a hook keeps it: a cache need not copy it.
        take_over = cache.put if hook is not None else getattr(cache, "adopt", cache.put)
        self._take_over: Callable[[object], object] = take_over
        self._resources = resources
        self._hook = hook
        self._staged: dict[str, object] = {}
        self._unique: dict[str, str] = {}

    async def stage(self, elements: Elements, call: Call) -> Staged:
        """Work out a write on top of those staged before; see ``TransactionalService``."""
        undo: dict[str, object] = {}
        try:
            keys = [await self._one(item, call, undo) for item in self._targets(elements, call)]
        except BaseException:
            for key, before in undo.items():
                if before is _NOTHING:
                    del self._staged[key]
                else:
                    self._staged[key] = before
            raise
        changed = [(key, self._staged[key]) for key in undo]
        answer = self._resources.elements.entries(Element(key=key) for key in keys)
        return Staged(answer, tuple(changed))

    def unstage(self) -> None:
        """Forget what is staged."""
        self._staged.clear()

    def apply(self, changes: Sequence[tuple[str, object]]) -> None:
        """Make changes visible."""
        for key, item in changes:
            was_staged = self._staged.pop(key, None) is item
            self._forget_unique(key)
            if item is None:
                self._cache.delete(key)
            else:
                (self._take_over if was_staged else self._cache.put)(item)
                unique = self._resources.introspector.unique_key(item)
                if unique:
                    self._unique[unique] = key

    def content(self) -> Iterator[tuple[str, object]]:
        """The visible items."""
        return self._cache.items()

    def _targets(self, elements: Elements, call: Call) -> Sequence[object]:
        if elements.query is None:
            return elements.values
        if call.action is not Action.DELETE:
            raise InvalidInputError(f"service {call.key} was asked to {call.action.name} a query")
        query = parse_query(elements.query, self._cache.model, self._resources)
        visible = self._resources.security.scope_item
        items = {**dict(self._cache.items()), **self._staged}
        return [
            items[key]
            for key in sorted(items)
            if items[key] is not None
            and query.matches(items[key])
            and visible(call.identity, items[key]) is not None
        ]

    async def _one(self, item: object, call: Call, undo: dict[str, object]) -> str | None:
        key = self._key(item, call)
        if self._hook is not None:
            decision = await self._hook.before(item, call)
            if not decision.proceed:
                return None
            item = item if decision.item is None else decision.item
            key = self._key(item, call)
        present = self._present(key)
        self._permit(key, present, call)
        after = self._after(key, present, item, call)
        undo.setdefault(key, self._staged.get(key, _NOTHING))
        self._staged[key] = after
        if self._hook is not None:
            await self._hook.after(item, call)
        return key

    def _key(self, item: object, call: Call) -> str:
        if isinstance(item, str) and call.action is Action.DELETE:
            return item
        if not isinstance(item, self._cache.model):
            raise InvalidInputError(
                f"service {call.key} keeps {self._cache.model.__name__}, not {type(item).__name__}"
            )
        return self._cache.key_of(item)

    def _present(self, key: str) -> object | None:
        return self._staged[key] if key in self._staged else self._cache.get(key)

    def _permit(self, key: str, present: object | None, call: Call) -> None:
        scope = self._resources.security.scope_item
        if present is not None and scope(call.identity, present) is None:
            raise PermissionDeniedError(
                f"{call.identity or 'nobody'!r} may not {call.action.name} item {key!r} "
                f"of service {call.key}"
            )

    def _after(self, key: str, present: object | None, item: object, call: Call) -> object | None:
        if call.action is Action.DELETE:
            if present is None:
                raise NotFoundError(f"service {call.key} has no item {key!r} to delete")
            return None
        after = item
        if call.action is Action.PATCH and present is not None:
            updater = self._resources.updater
            after = self._resources.cloner.clone(present)
            after = updater.apply(updater.diff(present, item, mode=UpdateMode.PATCH), after)
        self._check_unique(key, after)
        return after

    def _check_unique(self, key: str, item: object) -> None:
        unique_key = self._resources.introspector.unique_key
        unique = unique_key(item)
        if not unique:
            return
        for other, staged in self._staged.items():
            if other != key and staged is not None and unique_key(staged) == unique:
                raise ConflictError(f"unique key {unique!r} belongs to item {other!r}")
        owner = self._unique.get(unique, key)
        if owner != key and owner not in self._staged:
            raise ConflictError(f"unique key {unique!r} belongs to item {owner!r}")

    def _forget_unique(self, key: str) -> None:
        if not self._unique:
            return
        present = self._cache.get(key)
        if present is None:
            return
        unique = self._resources.introspector.unique_key(present)
        if unique and self._unique.get(unique) == key:
            del self._unique[unique]
