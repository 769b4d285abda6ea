# SPDX-License-Identifier: Apache-2.0
"""Tells the gateways of the network which services show on the web."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from l8types.constants import WEB_SERVICE
from l8types.enums import Action, MulticastMode
from l8types.errors import L8Error

if TYPE_CHECKING:
    from l8types.protocols.net import VNic
    from l8types.protocols.web import WebService

__all__ = ["announce_web", "withdraw_web"]

_log = logging.getLogger(__name__)


async def announce_web(service: WebService | None, vnic: VNic) -> None:
    """Describe a service to all gateways; nothing happens without a description."""
    await _tell(service, vnic, Action.POST)


async def withdraw_web(service: WebService | None, vnic: VNic) -> None:
    """Let all gateways forget a service."""
    await _tell(service, vnic, Action.DELETE)


async def _tell(service: WebService | None, vnic: VNic, action: Action) -> None:
    if service is None:
        return
    try:
        await vnic.send(MulticastMode.ALL, WEB_SERVICE, 0, action, service.to_wire())
    except L8Error as error:
        # A gateway that comes asks again; the service itself works without one.
        _log.warning("%s: gateways are not told (%s): %s", service.key, action.name, error)
