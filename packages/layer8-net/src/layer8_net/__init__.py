# SPDX-License-Identifier: Apache-2.0
"""The overlay network of Layer 8: switch, node interface, discovery and health.

It carries messages between the nodes of a network: to a node, to every provider of a service, or
to the one provider that a rule picks, and keeps the directory of who is there.
"""

from layer8_net._core.breaker import BreakerOptions
from layer8_net._core.quality import QualityState
from layer8_net._factories import create_switch, create_vnic
from layer8_net._health import HealthService, health_agreement
from layer8_net._options import OutagePolicy, VNicOptions
from layer8_net._profiling import ProfileService, profile_agreement
from layer8_net._statistics import SwitchStatistics, VNicStatistics
from layer8_net._switch import TcpSwitch
from layer8_net._vnic import TcpVNic

__all__ = [
    "BreakerOptions",
    "HealthService",
    "OutagePolicy",
    "ProfileService",
    "QualityState",
    "SwitchStatistics",
    "TcpSwitch",
    "TcpVNic",
    "VNicOptions",
    "VNicStatistics",
    "create_switch",
    "create_vnic",
    "health_agreement",
    "profile_agreement",
]
