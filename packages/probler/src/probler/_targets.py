# SPDX-License-Identifier: Apache-2.0
"""Targets of the example: what is polled, and where."""

from __future__ import annotations

from typing import Final

from collect import NETWORK
from collect.model import L8PTarget
from collect.model.pollaris_pb2 import L8PProtocol, L8PTargetState, L8PTargetType

__all__ = ["COMMUNITY", "CREDENTIAL_SET", "target_of"]

CREDENTIAL_SET: Final = "demo"
"""Set of credentials that the example's targets name."""

COMMUNITY: Final = "public"
"""Community of the simulated devices and of the live agent."""


def target_of(
    device: str, host: str, port: int, *, credential_set: str = CREDENTIAL_SET
) -> L8PTarget:
    """Target of one device that answers SNMP v2c.

    Args:
        device: Id of the device.
        host: Its address.
        port: Its UDP port.
        credential_set: Set in which its community is found.
    """
    target = L8PTarget(
        target_id=device,
        links_id=NETWORK.links_id,
        state=L8PTargetState.Up,
        inventory_type=L8PTargetType.Network_Device,
    )
    access = target.hosts[device].configs[L8PProtocol.L8PPSNMPV2]
    target.hosts[device].host_id = device
    access.protocol = L8PProtocol.L8PPSNMPV2
    access.addr = host
    access.port = port
    access.cred_id = credential_set
    access.timeout = 1
    return target
