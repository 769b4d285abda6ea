# SPDX-License-Identifier: Apache-2.0
"""Many items cut into batches."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable

__all__ = ["in_batches"]


async def in_batches(
    items: Iterable[object] | AsyncIterable[object], size: int
) -> AsyncIterator[list[object]]:
    """Lists of at most ``size`` items, of what is given now or comes in time."""
    batch: list[object] = []
    async for item in _each(items):
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


async def _each(items: Iterable[object] | AsyncIterable[object]) -> AsyncIterator[object]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
