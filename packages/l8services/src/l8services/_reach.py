# SPDX-License-Identifier: Apache-2.0
"""Calls of one service to another one, in the name of whoever called the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.enums import MulticastMode

if TYPE_CHECKING:
    from l8types.enums import Action
    from l8types.protocols.data import Elements
    from l8types.protocols.services import Call
    from l8types.values import ServiceKey

__all__ = ["ask"]


async def ask(call: Call, key: ServiceKey, action: Action, elements: Elements) -> Elements:
    """Call a service with the identity of ``call``: on this node when it is active, else anywhere.

    Either way the call is authorized, ordered and filtered like any other.

    Raises:
        L8Error: What the service answered, or that nobody offers it.
    """
    vnic = call.vnic
    services = vnic.resources.services
    if key in services.active():
        return await services.call(key, action, elements, vnic, identity=call.identity)
    return await vnic.request(
        MulticastMode.PROXIMITY, key.name, key.area, action, elements, identity=call.identity
    )
