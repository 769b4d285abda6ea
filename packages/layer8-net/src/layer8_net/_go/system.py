# SPDX-License-Identifier: Apache-2.0
"""The messages between nodes and switches themselves: services that appear, routes that change.

Of each only the forms are made here that every Go switch understands: one that is without its
part, or that removes a service, ends the process of the receiver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from l8types.constants import SYSTEM_AREA_PRIMARY, SYSTEM_MESSAGE_SERVICE
from l8types.errors import DecodeError
from l8types.pb import L8ServiceData, L8SystemMessage
from l8types.pb.system_pb2 import L8SystemAction
from layer8_net._go.values import pack_elements, read_messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from l8types.values import ServiceKey

__all__ = [
    "SWITCH_NAMES",
    "SYSTEM",
    "read_system",
    "routes_added",
    "routes_removed",
    "service_added",
]

SYSTEM: Final = (SYSTEM_MESSAGE_SERVICE.encode(), SYSTEM_AREA_PRIMARY)
"""Name and area of these messages."""

SWITCH_NAMES: Final = frozenset({"Health", "System", "tokens", "users", "roles", "Creds"})
"""Services whose messages a switch takes itself, whether it offers them or not."""


def service_added(uuid: str, service: ServiceKey, *, publish: bool) -> bytes:
    """A node offers a service.

    Args:
        uuid: The node.
        service: What it offers.
        publish: Whether the switch is to tell the other switches.
    """
    data = L8ServiceData(service_uuid=uuid, serviceName=service.name, serviceArea=service.area)
    return _packed(
        L8SystemMessage(action=L8SystemAction.Service_Add, publish=publish, service_data=data)
    )


def routes_added(rows: Mapping[str, str]) -> bytes:
    """Nodes with the switches behind which they live."""
    return _routes(L8SystemAction.Routes_Add, rows)


def routes_removed(rows: Mapping[str, str]) -> bytes:
    """Nodes and switches that are gone."""
    return _routes(L8SystemAction.Routes_Remove, rows)


def _routes(action: L8SystemAction.ValueType, rows: Mapping[str, str]) -> bytes:
    message = L8SystemMessage(action=action)
    # The part must be there, also when it is empty.
    message.route_table.SetInParent()
    message.route_table.rows.update(rows)
    return _packed(message)


def _packed(message: L8SystemMessage) -> bytes:
    return pack_elements([(message, None)])


def read_system(data: bytes) -> list[L8SystemMessage]:
    """The system messages in a container.

    Raises:
        DecodeError: The bytes are no such container, or one lacks the part that its action needs.
    """
    messages = read_messages(data, L8SystemMessage)
    for message in messages:
        wanted = _PARTS.get(message.action)
        if wanted is None or message.WhichOneof("data") != wanted:
            raise DecodeError(f"system message of action {message.action} without its part")
    return messages


_PARTS: Final[dict[int, str]] = {
    L8SystemAction.Routes_Add: "route_table",
    L8SystemAction.Routes_Remove: "route_table",
    L8SystemAction.Service_Add: "service_data",
    L8SystemAction.Service_Remove: "service_data",
}
