# SPDX-License-Identifier: Apache-2.0
"""Changes that happened on other nodes, applied to the items of a cache."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from l8types.enums import NotificationType, UpdateMode
from l8types.errors import InvalidInputError, L8Error, NotFoundError, PropertyError
from l8types.values import ItemChange

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from l8types.protocols.models import Cloner, KeyExtractor, Updater
    from l8types.values import ChangeSet
    from l8utils._cache_events import CacheEvents
    from l8utils._cache_items import CacheItems

_logger = logging.getLogger(__name__)


class Arrivals:
    """What a cache does with the changes of others.

    Args:
        model: Model of the items.
        name: Its short name.
        keys: Tells the keys of items.
        cloner: Makes copies.
        updater: Applies differences.
        items: Where the items are.
        shortened: Called when the journal of the items has become shorter.
        events: Tells of what changed.
    """

    def __init__(
        self,
        model: type,
        name: str,
        *,
        keys: KeyExtractor,
        cloner: Cloner,
        updater: Updater,
        items: CacheItems,
        shortened: Callable[[], None],
        events: CacheEvents,
    ) -> None:
        self._model = model
        self._name = name
        self._key_of = keys.primary_key
        self._clone = cloner.clone
        self._updater = updater
        self._items = items
        self._store = items.store
        self._shortened = shortened
        self._events = events

    def apply(self, change: ItemChange, *, own: bool) -> ItemChange | None:
        """Apply one change; see :meth:`~l8utils._cache.MemoryCache.apply`.

        Args:
            change: The change.
            own: Whether its item may be stored itself instead of a copy.
        """
        if change.model != self._name:
            raise InvalidInputError(f"change of a {change.model!r} in a cache of {self._name!r}")
        key = change.key
        if change.type is NotificationType.DELETE:
            return self._delete(change)
        if change.changes is not None:
            old, stored = self._update(key, change.changes)
        elif change.item is None:
            raise InvalidInputError(f"{change.type.name} of {change.model} {key!r} is empty")
        else:
            key, old, stored = self._replace(change.item, own=own)
        if stored is None:
            return None
        told = _with_item(change, key, stored)
        if self._events.wanted:
            self._events.tell(told, old)
        return told

    def apply_all(self, changes: Sequence[ItemChange]) -> int:
        """Apply changes that may be stored as they are, up to the first that does not fit.

        Events are made only when somebody wants them.

        Returns:
            How many were applied.
        """
        done, wanted, name = 0, self._events.wanted, self._name
        try:
            for change in changes:
                if wanted or change.type is NotificationType.DELETE or change.model != name:
                    self.apply(change, own=True)
                elif change.changes is not None:
                    self._update(change.key, change.changes)
                elif change.item is not None:
                    self._replace(change.item, own=True)
                else:
                    self.apply(change, own=True)
                done += 1
        except L8Error as error:
            _logger.debug("a change of %s does not fit: %s", self._name, error)
        return done

    def _delete(self, change: ItemChange) -> ItemChange | None:
        old = self._items.by_key.get(change.key)
        if old is None:
            return None
        if self._items.remove(change.key, old):
            self._shortened()
        told = _with_item(change, change.key, old)
        if self._events.wanted:
            self._events.tell(told, old)
        return told

    def _replace(self, item: object, *, own: bool) -> tuple[str, object | None, object | None]:
        """Let this be the item; its key, the old state and the new one if that is another."""
        if not isinstance(item, self._model):
            raise InvalidInputError(f"a cache of {self._name!r} takes no {type(item).__name__}")
        key = self._key_of(item)
        old = self._items.by_key.get(key)
        if own:
            self._updater.check(item)
        if old is not None:
            if old == item:
                return key, old, None
            # Texts of different keys may be equal (1 and 23, 12 and 3); a difference tells.
            self._updater.diff(old, item, mode=UpdateMode.PUT)
        stored = item if own else self._clone(item)
        if self._store(key, old, stored):
            self._shortened()
        return key, old, stored

    def _update(self, key: str, changes: ChangeSet) -> tuple[object, object | None]:
        """Make changes of an item; its old state, and the new one if that is another."""
        old = self._items.by_key.get(key)
        if old is None:
            raise NotFoundError(
                f"changes of {self._name} {key!r}, which is not here; fetch it as a whole"
            )
        stored = self._updater.apply(changes, self._clone(old))
        if self._key_of(stored) != key:
            raise PropertyError(f"changes of {self._name} {key!r} would change its key")
        if stored == old:
            return old, None
        if self._store(key, old, stored):
            self._shortened()
        return old, stored


def _with_item(change: ItemChange, key: str, item: object) -> ItemChange:
    """A change with the item that is stored."""
    if change.item is item and change.key == key:
        return change
    return ItemChange(
        change.type, change.model, key, item, change.changes, change.source, change.sequence
    )
