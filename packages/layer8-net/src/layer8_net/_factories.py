# SPDX-License-Identifier: Apache-2.0
"""What the entry points of the groups ``layer8.vnic`` and ``layer8.switch`` name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layer8_net._switch import TcpSwitch
from layer8_net._vnic import TcpVNic

if TYPE_CHECKING:
    from l8types.protocols.net import Switch, VNic
    from l8types.protocols.runtime import Resources

__all__ = ["create_switch", "create_vnic"]


def create_vnic(resources: Resources) -> VNic:
    """Interface to the network for a node; it connects when it is entered."""
    return TcpVNic(resources)


def create_switch(resources: Resources) -> Switch:
    """Switch for the nodes of a network; it listens when it is entered."""
    return TcpSwitch(resources)
