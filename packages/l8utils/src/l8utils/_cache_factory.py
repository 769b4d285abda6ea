# SPDX-License-Identifier: Apache-2.0
"""Caches made from the parts of a node; what the entry point ``layer8.cache`` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.enums import DecoratorType
from l8types.errors import PropertyError
from l8utils._cache import DEFAULT_ANSWERS, MemoryCache

if TYPE_CHECKING:
    from collections.abc import Iterable

    from l8types.protocols.runtime import Resources


class MemoryCacheFactory:
    """Makes caches in memory with the keys and indexes that the introspector knows.

    Args:
        resources: The parts that a cache needs.
        max_answers: Answers of queries that each cache keeps.
    """

    def __init__(self, resources: Resources, *, max_answers: int = DEFAULT_ANSWERS) -> None:
        self._resources = resources
        self._max_answers = max_answers

    def create(self, model: type, *, items: Iterable[object] = ()) -> MemoryCache:
        """Cache of a model whose keys are declared in the introspector.

        Raises:
            PropertyError: No primary key is declared, or one of ``items`` has none.
        """
        introspector = self._resources.introspector
        root = introspector.inspect(model)
        if not introspector.fields(model, DecoratorType.PRIMARY):
            raise PropertyError(
                f"model {root.type_name!r} has no primary key, decorate it before caching it"
            )
        indexed = introspector.fields(model, DecoratorType.NON_UNIQUE) or ()
        return MemoryCache(
            model,
            keys=introspector,
            cloner=self._resources.cloner,
            updater=self._resources.updater,
            name=root.type_name,
            items=items,
            indexed={field.lower(): root.attributes[field.lower()].attribute for field in indexed},
            unique_fields=lambda: introspector.fields(model, DecoratorType.UNIQUE) or (),
            max_answers=self._max_answers,
            clock=self._resources.clock,
        )


def create_caches(resources: Resources) -> MemoryCacheFactory:
    """Entry point ``layer8.cache``."""
    return MemoryCacheFactory(resources)
