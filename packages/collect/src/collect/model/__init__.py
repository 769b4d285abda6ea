# SPDX-License-Identifier: Apache-2.0
"""The messages of data collection: targets, polls and jobs, and the devices that come of them.

The modules are generated from the `.proto` files beside them. Enums and their values stay in the
modules, as in `l8types.pb`.
"""

from collect.model.inventory_pb2 import (
    EquipmentInfo,
    Interface,
    InterfaceStatistics,
    NetworkDevice,
    NetworkDeviceList,
)
from collect.model.pollaris_pb2 import (
    AuthInfo,
    CJob,
    CMap,
    CRow,
    CTable,
    L8PAttribute,
    L8PCadencePlan,
    L8PHost,
    L8PHostProtocol,
    L8Poll,
    L8Pollaris,
    L8PParameter,
    L8PRule,
    L8PTarget,
    L8PTargetList,
    TargetAction,
)

__all__ = [
    "AuthInfo",
    "CJob",
    "CMap",
    "CRow",
    "CTable",
    "EquipmentInfo",
    "Interface",
    "InterfaceStatistics",
    "L8PAttribute",
    "L8PCadencePlan",
    "L8PHost",
    "L8PHostProtocol",
    "L8PParameter",
    "L8PRule",
    "L8PTarget",
    "L8PTargetList",
    "L8Poll",
    "L8Pollaris",
    "NetworkDevice",
    "NetworkDeviceList",
    "TargetAction",
]
