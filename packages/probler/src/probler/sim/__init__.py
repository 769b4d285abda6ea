# SPDX-License-Identifier: Apache-2.0
"""Simulated devices that answer SNMP like the real ones they were recorded from.

A :class:`SimulatedFleet` serves any number of devices from one process, without privileges:
SNMP v1 and v2c, every type, on a UDP port each. Recordings come from :mod:`probler.sim.record`.
"""

from probler.sim._agent import AgentStatistics, SnmpAgent
from probler.sim._fleet import SimDevice, SimulatedFleet
from probler.sim._identity import Identity
from probler.sim._mib import Mib, Reading, Source
from probler.sim._profiles import TEMPLATES, Profile, Replay, profiles_named
from probler.sim._recording import (
    Recording,
    load_recording,
    parse_recording,
    write_recording,
)
from probler.sim._template import Ports, Template
from probler.sim._values import Kind, Oid, Value, format_oid, parse_oid

__all__ = [
    "TEMPLATES",
    "AgentStatistics",
    "Identity",
    "Kind",
    "Mib",
    "Oid",
    "Ports",
    "Profile",
    "Reading",
    "Recording",
    "Replay",
    "SimDevice",
    "SimulatedFleet",
    "SnmpAgent",
    "Source",
    "Template",
    "Value",
    "format_oid",
    "load_recording",
    "parse_oid",
    "parse_recording",
    "profiles_named",
    "write_recording",
]
