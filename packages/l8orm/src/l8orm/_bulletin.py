# SPDX-License-Identifier: Apache-2.0
"""Tells the service of the people who watch what was written through this one."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Final

from l8types.enums import Action, MulticastMode, NotificationType
from l8types.errors import L8Error
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from l8types.protocols.net import VNic
    from l8types.values import ItemChange

__all__ = ["WATCHERS", "Bulletin"]

WATCHERS: Final = ServiceKey("websock", 0)
"""The service that passes changes on to whoever watches."""
_LIMIT: Final = 10_000
"""Changes that wait to be told; of more than these the oldest are forgotten."""
_ACTIONS: Final = {
    NotificationType.POST: Action.POST,
    NotificationType.PUT: Action.PUT,
    NotificationType.PATCH: Action.PATCH,
    NotificationType.DELETE: Action.DELETE,
}

_log = logging.getLogger(__name__)


class Bulletin:
    """Changes on their way to those who watch.

    Args:
        key: The service whose items they are of.
        vnic: The interface of the node.
    """

    def __init__(self, key: ServiceKey, vnic: VNic) -> None:
        self._key = key
        self._vnic = vnic
        self._changes: deque[ItemChange] = deque(maxlen=_LIMIT)

    def note(self, change: ItemChange) -> None:
        """Keep a change until :meth:`tell`."""
        self._changes.append(change)

    async def tell(self) -> None:
        """Send what was noted, in order; nothing is sent while nobody offers the service.

        A write has happened whether or not it could be told, so an error here is logged only.
        """
        if not self._changes:
            return
        if not self._vnic.directory.providers(WATCHERS):
            self._changes.clear()
            return
        codec = self._vnic.resources.notifications
        try:
            while self._changes:
                change = self._changes.popleft()
                message = codec.encode(change, service=self._key.name, area=self._key.area)
                await self._vnic.send(
                    MulticastMode.ALL,
                    WATCHERS.name,
                    WATCHERS.area,
                    _ACTIONS[change.type],
                    message,
                )
        except L8Error as error:
            _log.warning("%s: a change is not told to those who watch: %s", self._key, error)
