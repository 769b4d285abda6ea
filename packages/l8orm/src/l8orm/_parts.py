# SPDX-License-Identifier: Apache-2.0
"""Answers of a service that are read in parts."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from l8types.protocols.data import Query, Scope
    from l8types.protocols.stores import Orm

__all__ = ["PART", "answer"]

PART: Final = 500
"""Items of one part."""


async def answer(orm: Orm, query: Query, scope: Scope | None) -> AsyncGenerator[list[object], None]:
    """Items of an answer as a caller may see them, in parts; at least one, which may be empty.

    Args:
        orm: The store.
        query: What is asked.
        scope: What the caller may see, ``None`` for everything.
    """
    part: list[object] = []
    sent = False
    async with aclosing(_items(orm, query, scope)) as items:
        async for item in items:
            part.append(item)
            if len(part) == PART:
                yield part
                part, sent = [], True
    if part or not sent:
        yield part


async def _items(orm: Orm, query: Query, scope: Scope | None) -> AsyncGenerator[object, None]:
    if query.aggregates:
        for item in (await orm.read(query, scope=scope)).items:
            yield item
        return
    found = orm.stream(query, scope=scope)
    # Closed when the reader stops, and not when the garbage is collected.
    async with aclosing(cast("AsyncGenerator[object, None]", found)) as items:
        async for item in items:
            yield item
