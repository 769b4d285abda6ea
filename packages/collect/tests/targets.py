# SPDX-License-Identifier: Apache-2.0
"""Targets for tests."""

from collect.model import L8PHost, L8PHostProtocol, L8PTarget
from collect.model.pollaris_pb2 import L8PProtocol, L8PTargetState

SNMP = L8PProtocol.L8PPSNMPV2


def make_target(
    name: str = "t1",
    *,
    hosts: tuple[str, ...] = ("h1",),
    state: L8PTargetState.ValueType = L8PTargetState.Up,
    links: str = "NetDev",
    credential: str = "lab",
    port: int = 1161,
) -> L8PTarget:
    """A target whose hosts speak SNMP."""
    config = L8PHostProtocol(protocol=SNMP, addr="127.0.0.1", port=port, cred_id=credential)
    return L8PTarget(
        target_id=name,
        links_id=links,
        state=state,
        hosts={host: L8PHost(host_id=host, configs={SNMP: config}) for host in hosts},
    )
