# SPDX-License-Identifier: Apache-2.0
"""What must not be sent into a network with Go nodes, although the format could carry it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.constants import HEALTH_SERVICE, SYSTEM_MESSAGE_SERVICE
from l8types.enums import Action
from l8types.errors import EncodeError
from l8types.values import ServiceKey
from layer8_net._go.system import SWITCH_NAMES

if TYPE_CHECKING:
    from l8types.values import NodeInfo
    from layer8_net._core.directory import Directory

__all__ = ["check_message"]


def check_message(
    directory: Directory, destination: str, service: str, area: int, action: int
) -> None:
    """Refuse a message that would end the process of a Go switch.

    A switch parses every system message without looking at its type, and fails on a notice to a
    service that it does not offer.

    Args:
        directory: Who offers what.
        destination: Node id, or empty when the network picks.
        service: Addressed service.
        area: Its area.
        action: What is asked.

    Raises:
        EncodeError: It must not be sent.
    """
    if service == SYSTEM_MESSAGE_SERVICE:
        raise EncodeError(f"service {service!r} is that of the network itself")
    if action != Action.NOTIFY:
        return
    if service == HEALTH_SERVICE:
        raise EncodeError(f"only switches notify of service {service!r}")
    key = ServiceKey(service, area)
    for node in _receivers(directory, destination, service):
        if node.is_switch and key not in node.services:
            raise EncodeError(
                f"switch {node.uuid} does not offer service {key}, and cannot take notices to it"
            )


def _receivers(directory: Directory, destination: str, service: str) -> tuple[NodeInfo, ...]:
    """Nodes among which the switches are that would take a notice themselves."""
    if destination:
        node = directory.node(destination)
        return () if node is None else (node,)
    return directory.nodes() if service in SWITCH_NAMES else ()
