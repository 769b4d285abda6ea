# SPDX-License-Identifier: Apache-2.0
"""Settings of a node; read from code, files and the environment in the composition root only."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from l8types.enums import WireProfile
from l8types.errors import ConfigurationError

__all__ = ["NodeSettings"]


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """Settings that more than one part of a node needs."""

    alias: str = "node"
    """Human-readable name of the node in logs and views."""
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    """Id of the node in the network; a new random one by default."""
    host: str = "127.0.0.1"
    """Address of the switch: where an interface connects to and a switch listens."""
    port: int = 10005
    """TCP port of the switch; 0 lets a switch pick a free one."""
    peers: tuple[tuple[str, int], ...] = ()
    """Other switches that a switch links to, as host and port."""
    advertise_host: str = ""
    """Name or address under which other switches reach this one; by default the one that it
    listens on, or where its connections come from when it listens on all addresses."""
    discovery: bool = False
    """Let a switch find others on the local network, and be found, by datagrams."""
    discovery_port: int = 10003
    """UDP port of discovery, the same on all switches of a network."""
    discovery_address: str = ""
    """Broadcast or multicast address that announcements go to; by default the broadcast addresses
    of all interfaces and a link-local multicast address where there is IPv6, or loopback when the
    switch listens there only."""
    dns_name: str = ""
    """Name that resolves to the addresses of all switches of the network, asked again and again;
    ``name:port`` when they do not listen on ``port``."""
    profile: WireProfile = WireProfile.NATIVE
    """Wire format of the network."""
    insecure: bool = False
    """Let a switch listen beyond loopback without certificates; for closed laboratories only."""
    data_directory: Path = field(default_factory=lambda: Path.home() / ".layer8")
    """Where the node keeps its files; created when first used."""
    keep_alive: float = 4.0
    """Seconds between reports of a node; two missed ones make it unreachable, three end it, so
    that with the default everybody knows well before the promised 15 s are over."""
    request_timeout: float = 30.0
    """Seconds a request waits when the caller does not say."""
    max_frame_bytes: int = 52_428_800
    """Largest message; 50 MiB as in the Go nodes, so that both sides accept the same."""
    queue_bytes: int = 67_108_864
    """Bytes that wait per connection before senders are held back."""
    tls_certificate: Path | None = None
    """PEM file with the certificate of this node; by default the ``tls`` folder of the security
    provider is looked into, if it has one. The three files are named together or not at all."""
    tls_key: Path | None = None
    """PEM file with the private key of the certificate."""
    tls_authority: Path | None = None
    """PEM file with the authority that signed the certificates of the other nodes."""
    metrics_port: int | None = None
    """TCP port on which the process shows its figures and its health over HTTP, 0 for a free one;
    ``None`` for no such port."""
    metrics_host: str = "127.0.0.1"
    """Address of that port. Whoever reaches it may read, so it is this machine by default."""
    profiling: bool = False
    """Let those who are authorized profile the process from afar, for seconds at a time."""
    vnic: Mapping[str, object] = field(default_factory=dict)
    """Options of the interface to the network by name. Which there are, the implementation of the
    interface says, and it refuses those that it does not know."""
    plugins: Mapping[str, str] = field(default_factory=dict)
    """Entry-point group to the name of the implementation to use."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise ConfigurationError(f"port {self.port} is not in 0..65535")
        if not 0 <= self.discovery_port <= 65_535:
            raise ConfigurationError(f"discovery_port {self.discovery_port} is not in 0..65535")
        if self.metrics_port is not None and not 0 <= self.metrics_port <= 65_535:
            raise ConfigurationError(f"metrics_port {self.metrics_port} is not in 0..65535")
        files = (self.tls_certificate, self.tls_key, self.tls_authority)
        if any(files) and not all(files):
            raise ConfigurationError(
                "tls_certificate, tls_key and tls_authority are set together or not at all"
            )
        if self.keep_alive <= 0 or self.request_timeout <= 0:
            raise ConfigurationError("keep_alive and request_timeout must be above zero seconds")
        if self.max_frame_bytes < 4096:
            raise ConfigurationError(
                f"max_frame_bytes {self.max_frame_bytes} is below 4096, too small for a handshake"
            )
        if len(self.uuid) != 36:
            raise ConfigurationError(f"uuid {self.uuid!r} is not 36 characters long")
