# SPDX-License-Identifier: Apache-2.0
"""The items of one model as a plain store by key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.enums import Action
from l8types.errors import ClosedError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from l8orm._orm import SqlOrm

__all__ = ["SqlStorage"]


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
        self._check_open()
        if not isinstance(item, self._model):
            raise InvalidInputError(
                f"a store of {self._model.__name__} takes no {type(item).__name__}"
            )
        own = self._orm.key_of(item)
        if own != key:
            raise InvalidInputError(f"an item with the key {own!r} cannot be stored as {key!r}")
        await self._orm.write(Action.PUT, [item])

    async def get(self, key: str) -> object | None:
        """The item, ``None`` when absent."""
        self._check_open()
        return await self._orm.get(self._model, key)

    async def delete(self, key: str) -> object | None:
        """Remove and return the item, ``None`` when absent."""
        self._check_open()
        return await self._orm.take(self._model, key)

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
