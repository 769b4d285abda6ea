# SPDX-License-Identifier: Apache-2.0
"""The five verbs of one service as methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.enums import Action

if TYPE_CHECKING:
    from l8types.protocols.data import Elements
    from l8types.protocols.net import Requester, Target

__all__ = ["BoundServiceApi"]


class BoundServiceApi:
    """Requests to one service.

    Args:
        requester: Sends them.
        service: Name of the service.
        area: Its area.
        target: Who is to answer.
    """

    def __init__(self, requester: Requester, service: str, area: int, target: Target) -> None:
        self._requester = requester
        self._service = service
        self._area = area
        self._target = target

    async def post(self, payload: object) -> Elements:
        """Add items."""
        return await self._request(Action.POST, payload)

    async def put(self, payload: object) -> Elements:
        """Replace items."""
        return await self._request(Action.PUT, payload)

    async def patch(self, payload: object) -> Elements:
        """Merge what is present into items."""
        return await self._request(Action.PATCH, payload)

    async def delete(self, payload: object) -> Elements:
        """Remove the items given, or those that a query matches."""
        return await self._request(Action.DELETE, payload)

    async def get(self, query: object) -> Elements:
        """Answer a query, or find the items given as examples."""
        return await self._request(Action.GET, query)

    async def _request(self, action: Action, payload: object) -> Elements:
        return await self._requester.request(
            self._target, self._service, self._area, action, payload
        )
