# SPDX-License-Identifier: Apache-2.0
"""Targets as the collector sees them: hosts, each with the protocols by which it is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from collect.model.pollaris_pb2 import L8PProtocol
from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from collect.model import L8PHost, L8PTarget

__all__ = ["PROTOCOLS", "Access", "HostKey", "PolledHost", "hosts_of"]

PROTOCOLS: Final[Mapping[int, str]] = {
    L8PProtocol.L8PSSH: "ssh",
    L8PProtocol.L8PPSNMPV2: "snmp",
    L8PProtocol.L8PSNMPV3: "snmp3",
    L8PProtocol.L8PRESTAPI: "rest",
    L8PProtocol.L8PNETCONF: "netconf",
    L8PProtocol.L8PGRPC: "grpc",
    L8PProtocol.L8PKubectl: "kubectl",
    L8PProtocol.L8PGraphQL: "graphql",
    L8PProtocol.L8PKubernetesAPI: "kubernetes",
}
"""Name of the collector and kind of the credential, by the number of the protocol."""

HostKey = tuple[str, str]
"""Target id and host id."""


@dataclass(frozen=True, slots=True)
class Access:
    """How a host is reached by one protocol."""

    number: int
    address: str
    port: int = 0
    credential_set: str = ""
    timeout: float = 0.0
    """Seconds; 0 for the default of the collector."""


@dataclass(frozen=True, slots=True)
class PolledHost:
    """One host that is to be polled; equal hosts need no new start."""

    target_id: str
    host_id: str
    links_id: str
    accesses: Mapping[str, Access] = field(default_factory=dict)
    """By the name of the protocol."""

    @property
    def key(self) -> HostKey:
        """Identity of the host in the whole network."""
        return self.target_id, self.host_id

    @property
    def address(self) -> str:
        """Address of the first protocol, in the order of their numbers."""
        return min(self.accesses.values(), key=lambda access: access.number).address


def hosts_of(target: L8PTarget) -> tuple[PolledHost, ...]:
    """The hosts of a target, in the order of their ids.

    Raises:
        InvalidInputError: The target cannot be polled; says what it lacks.
    """
    if not target.target_id:
        raise InvalidInputError("a target needs a target_id")
    if not target.hosts:
        raise InvalidInputError(f"target {target.target_id!r} has no hosts")
    return tuple(
        PolledHost(
            target.target_id,
            host.host_id or key,
            target.links_id,
            _accesses(target.target_id, key, host),
        )
        for key, host in sorted(target.hosts.items())
    )


def _accesses(target_id: str, key: str, host: L8PHost) -> dict[str, Access]:
    if not host.configs:
        raise InvalidInputError(f"host {key!r} of target {target_id!r} has no protocol")
    accesses: dict[str, Access] = {}
    for number, config in sorted(host.configs.items()):
        name = PROTOCOLS.get(number)
        if name is None:
            raise InvalidInputError(f"host {key!r} of target {target_id!r}: no protocol {number}")
        if not config.addr:
            raise InvalidInputError(f"host {key!r} of target {target_id!r}: {name} has no address")
        accesses[name] = Access(
            number, config.addr, config.port, config.cred_id, float(config.timeout)
        )
    return accesses
