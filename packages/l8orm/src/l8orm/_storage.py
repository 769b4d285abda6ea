# SPDX-License-Identifier: Apache-2.0
"""The items of one model as a plain store by key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.enums import Action
from l8types.errors import ClosedError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from l8orm._orm import SqlOrm

__all__ = ["SqlStorage", "check_item"]


def check_item(model: type, key_of: Callable[[object], str], key: str, item: object) -> None:
    """Refuse an item that is not of a store's model or not under its own key."""
    if not isinstance(item, model):
        raise InvalidInputError(f"a store of {model.__name__} takes no {type(item).__name__}")
    own = key_of(item)
    if own != key:
        raise InvalidInputError(f"an item with the key {own!r} cannot be stored as {key!r}")


class SqlStorage:
    """Items of one model in a relational store; implements ``l8types`` ``Storage``.

    Args:
        orm: The store, which outlives this.
        model: The model.
    """

    def __init__(self, orm: SqlOrm, model: type) -> None:
        self._orm = orm
        self._model = model
        self._closed = False

    async def put(self, key: str, item: object) -> None:
        """Store an item, replacing the one with its key; durable when it returns.

        Raises:
            InvalidInputError: It is of another model, or the key is not its own.
            UnavailableError: The database is down, locked, full or read-only.
        """
        await self.put_many([(key, item)])

    async def put_many(self, items: Sequence[tuple[str, object]]) -> None:
        """Store items in one transaction, each replacing the one with its key.

        Raises:
            InvalidInputError: One is of another model, or its key is not its own.
            ConflictError: A unique key belongs to another item.
            UnavailableError: The database is down, locked, full or read-only.
        """
        self._check_open()
        for key, item in items:
            check_item(self._model, self._orm.key_of, key, item)
        await self._orm.write(Action.PUT, [item for _, item in items])

    async def get(self, key: str) -> object | None:
        """The item, ``None`` when absent."""
        self._check_open()
        return await self._orm.get(self._model, key)

    async def delete(self, key: str) -> object | None:
        """Remove and return the item, ``None`` when absent."""
        self._check_open()
        return await self._orm.take(self._model, key)

    async def delete_many(self, keys: Sequence[str]) -> None:
        """Remove items in one transaction; those that are absent do not matter.

        Raises:
            UnavailableError: The database is down, locked or read-only; nothing was removed.
        """
        self._check_open()
        await self._orm.discard(self._model, keys)

    async def items(self) -> AsyncIterator[tuple[str, object]]:
        """All keys and items in key order, read in batches."""
        self._check_open()
        async for entry in self._orm.items(self._model):
            yield entry

    async def aclose(self) -> None:
        """Refuse further calls; the database stays open. Idempotent."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError(f"the store of {self._model.__name__} was closed")
