# SPDX-License-Identifier: Apache-2.0
"""A write of items of one model, checked before its transaction begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from l8orm._merge import mask_of, merged
from l8orm._rows import delete_keys, insert_rows, load_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection

    from l8orm._layout import Layout
    from l8orm._storing import Rows
    from l8types.protocols.models import Introspector

__all__ = ["WritePlan"]


class WritePlan:
    """What is to be written.

    Args:
        layout: The tables of the model.
        introspector: Knows the keys.
        patch: Whether items are merged into what is there, instead of replacing it.
        mask: Attributes that a patch takes as they are.
        items: The items; of those with one key the later ones are written over the earlier.

    Raises:
        InvalidInputError: A value is not what the model declares, or the mask names no attribute.
        PropertyError: An item has no key.
    """

    def __init__(
        self,
        layout: Layout,
        introspector: Introspector,
        items: Iterable[object],
        *,
        patch: bool,
        mask: Iterable[str] = (),
    ) -> None:
        self._layout = layout
        self._introspector = introspector
        self._patch = patch
        self._mask = mask_of(layout.root.body.node, mask)
        self._items: dict[str, object] = {}
        for item in items:
            key = introspector.primary_key(item)
            before = self._items.get(key)
            if patch and before is not None:
                self._items[key] = self._merged(before, item)
            else:
                self._items[key] = item
        # Wrong values are refused before anything happens.
        self._rows = self._made()

    @property
    def model(self) -> str:
        """Name of the model's table."""
        return self._layout.root.name

    @property
    def items(self) -> Mapping[str, object]:
        """The items by key; after the write as they are stored."""
        return self._items

    def _merged(self, before: object, item: object) -> object:
        return merged(self._layout.root.body.node, before, item, mask=self._mask)

    def _made(self) -> Rows:
        unique_key = self._introspector.unique_key
        rows: Rows = [[] for _ in self._layout.tables]
        entries = ((key, unique_key(item), item) for key, item in self._items.items())
        self._layout.store(entries, rows)
        return rows

    async def run(self, connection: AsyncConnection, *, sqlite: bool) -> None:
        """Replace the items with all their rows."""
        layout, keys = self._layout, list(self._items)
        if not sqlite:
            # Two writers of one key would both delete nothing and then both insert it.
            lock = sa.func.hashtext(layout.root.name)
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
        if self._patch:
            for key, before in (await load_keys(connection, layout, keys)).items():
                self._items[key] = self._merged(before, self._items[key])
            self._rows = self._made()
        await delete_keys(connection, layout, keys)
        await insert_rows(connection, layout, self._rows)
