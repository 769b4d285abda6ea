# SPDX-License-Identifier: Apache-2.0
"""All items of a service that a caller may see, page by page."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from l8services._mapreduce import COUNTS, FAILED, PARTICIPANTS
from l8services._reach import ask
from l8types.constants import METADATA_TOTAL
from l8types.enums import Action, WireProfile
from l8types.errors import InvalidInputError, L8Error, PropertyError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from l8types.pb import L8MetaData
    from l8types.protocols.data import Elements
    from l8types.protocols.services import Call
    from l8types.values import ServiceKey

__all__ = ["PAGE_SIZE", "pages"]

PAGE_SIZE: Final = 500
"""Items per page."""
_REREADS: Final = 100
"""How often pages are read again because items were deleted meanwhile."""

_log = logging.getLogger(__name__)


async def pages(
    call: Call, key: ServiceKey, model: str, *, size: int = PAGE_SIZE
) -> AsyncGenerator[list[object], None]:
    """The items of a service, each once, as the caller of ``call`` may see them.

    A service whose answers are merged from all participants is read from all of them. Items that
    are deleted while this reads do not make it miss others.

    Args:
        call: Whose identity counts.
        key: The service.
        model: Short name of its model, as the registry knows it.
        size: Items per page.

    Raises:
        UnavailableError: Some of the participants did not answer.
        L8Error: What the service answered.
    """
    reader = _Reader(call, key, model, size)
    while not reader.done:
        items = await reader.next()
        if items:
            yield items


class _Reader:
    def __init__(self, call: Call, key: ServiceKey, model: str, size: int) -> None:
        self._call = call
        self._key = key
        self._model = model
        self._size = size
        self._resources = call.vnic.resources
        self._action: Action | None = None
        self._page = 0
        self._total: float | None = None
        self._rereads = 0
        self._seen: set[str] = set()
        self.done = False

    async def next(self) -> list[object]:
        """The items of the next page that were not told yet."""
        try:
            answer = await self._read()
        except L8Error as error:
            # The error of one participant stands for a part that is missing.
            if error.answer is not None:
                _check_complete(error.answer.metadata, self._key)
            raise
        _check_complete(answer.metadata, self._key)
        values = [value for value in answer.values if value is not None]
        if not self._step_back(answer.metadata):
            self._page += 1
            merged = self._action is Action.MAP_REDUCE_GET
            self.done = not values if merged else len(values) < self._size
        return [value for value in values if self._is_new(value)]

    async def _read(self) -> Elements:
        # The name is that of a registered model, never one that came over the network.
        text = f"select * from {self._model} limit {self._size} page {self._page}"  # noqa: S608
        elements = self._resources.elements.query(text)
        if self._action is not None:
            return await ask(self._call, self._key, self._action, elements)
        if self._resources.settings.profile is WireProfile.NATIVE:
            try:
                answer = await ask(self._call, self._key, Action.MAP_REDUCE_GET, elements)
            except L8Error as error:
                if error.answer is not None:
                    _check_complete(error.answer.metadata, self._key)
                if not isinstance(error, InvalidInputError):
                    raise
                _log.debug("%s is read from one participant: %s", self._key, error)
            else:
                self._action = Action.MAP_REDUCE_GET
                return answer
        self._action = Action.GET
        return await ask(self._call, self._key, Action.GET, elements)

    def _step_back(self, metadata: L8MetaData | None) -> bool:
        """Read earlier pages again when what was behind them moved onto them."""
        counts = metadata.key_count.counts if metadata is not None else {}
        before, self._total = self._total, counts.get(METADATA_TOTAL, self._total)
        if before is None or self._total is None or self._total >= before:
            return False
        if self._rereads >= _REREADS:
            raise UnavailableError(
                f"service {self._key} changes faster than it can be read; try again later"
            )
        self._rereads += 1
        gone = int(before - self._total)
        self._page = max(0, self._page - 1 - gone // self._size)
        return True

    def _is_new(self, item: object) -> bool:
        try:
            key = self._resources.introspector.primary_key(item)
        except PropertyError:
            # An item without a key cannot be told from another one.
            return True
        if key in self._seen:
            return False
        self._seen.add(key)
        return True


def _check_complete(metadata: L8MetaData | None, key: ServiceKey) -> None:
    if metadata is None or COUNTS not in metadata.value_count:
        return
    counts = metadata.value_count[COUNTS].counts
    if counts[FAILED]:
        raise UnavailableError(
            f"{counts[FAILED]:.0f} of {counts[PARTICIPANTS]:.0f} participants of service {key} "
            "did not answer, so their items would be missing"
        )
