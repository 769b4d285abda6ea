# SPDX-License-Identifier: Apache-2.0
"""The simulated network: who has which address, and how good the ways between hosts are."""

from __future__ import annotations

import socket
from contextvars import Context
from typing import TYPE_CHECKING, Final

from l8test.sim._quality import LAN, LOCAL, Condition, LinkQuality
from l8test.sim._sockets import ANY, LOOPBACK

if TYPE_CHECKING:
    import random

    from l8test.sim._host import Host
    from l8test.sim._loop import SimLoop
    from l8test.sim._stream import SimTransport
    from l8test.sim._timeline import Timeline

__all__ = ["KERNEL", "Network"]

KERNEL: Final = Context()
"""Context of what happens outside of all processes; it is always run."""

_RETRY: Final = 0.2
"""Seconds after which a lost segment is sent again; doubles with each attempt."""
_RETRY_LIMIT: Final = 4.0
"""Longest pause in seconds between two attempts."""
_PACKET: Final = 1460
"""Bytes that one packet carries."""


class Network:
    """Ways between hosts.

    Args:
        loop: Virtual time.
        source: Randomness of delays and losses.
        timeline: Told of connections and conditions.
        quality: What holds when nothing is wrong.
    """

    def __init__(
        self, loop: SimLoop, source: random.Random, timeline: Timeline, quality: LinkQuality = LAN
    ) -> None:
        self.loop = loop
        self.random = source
        self.timeline = timeline
        self._base = quality
        self._hosts: dict[str, Host] = {}
        self._conditions: list[Condition] = []
        self._qualities: dict[tuple[str, str], LinkQuality] = {}
        self._stalled: dict[SimTransport, float] = {}

    # Names and addresses

    def add(self, host: Host) -> None:
        """Make a host known by name and address."""
        self._hosts[host.name] = host
        self._hosts[host.address] = host

    def hosts(self) -> list[Host]:
        """All hosts, in the order in which they were added."""
        return list(dict.fromkeys(self._hosts.values()))

    def resolve(self, name: str | None) -> str:
        """IPv4 address of a host.

        Raises:
            socket.gaierror: No host has this name or address.
        """
        if name is None or name in {"", "localhost", LOOPBACK}:
            return LOOPBACK
        if name == ANY:
            return ANY
        host = self._hosts.get(name)
        if host is None:
            raise socket.gaierror(socket.EAI_NONAME, f"no host {name!r} in this simulation")
        return host.address

    def host_at(self, asker: Host, address: str) -> Host | None:
        """Host that has an address, seen from another one."""
        return asker if address in {LOOPBACK, ANY} else self._hosts.get(address)

    # How good the ways are

    def impose(self, condition: Condition) -> Condition:
        """Let a condition hold from now on."""
        self._conditions.append(condition)
        self.changed()
        return condition

    def lift(self, condition: Condition) -> None:
        """End a condition; nothing happens when it has ended already."""
        if condition in self._conditions:
            self._conditions.remove(condition)
            self.changed()

    def lift_all(self) -> None:
        """End all conditions."""
        self._conditions.clear()
        self.changed()

    def quality(self, source: Host, destination: Host) -> LinkQuality:
        """How good the way from one host to another is at this moment."""
        pair = (source.name, destination.name)
        found = self._qualities.get(pair)
        if found is None:
            found = self._qualities[pair] = self._quality(*pair)
        return found

    def _quality(self, source: str, destination: str) -> LinkQuality:
        if source == destination:
            return LOCAL
        quality = self._base
        for condition in self._conditions:
            if condition.concerns(source, destination):
                quality = quality.worse(condition.quality)
        return quality

    def delay(self, quality: LinkQuality) -> float:
        """Seconds that one packet takes when it gets through."""
        jitter = quality.jitter
        return quality.latency + (self.random.expovariate(1 / jitter) if jitter else 0.0)

    def stream_delay(self, quality: LinkQuality, size: int) -> float:
        """Seconds that a segment of a connection takes, lost packets and repetitions included."""
        delay = self.delay(quality)
        if quality.loss:
            packets = 1 + size // _PACKET
            share = 1 - (1 - quality.loss) ** packets
            pause = _RETRY
            while self.random.random() < share:
                delay += pause
                pause = min(2 * pause, _RETRY_LIMIT)
                # Only what was lost is repeated, as good as ever a single packet.
                share = quality.loss
        return delay

    # What does not get through now

    def stall(self, transport: SimTransport) -> None:
        """Have a connection try again when something changes."""
        self._stalled.setdefault(transport, self.loop.time())

    def changed(self) -> None:
        """Ways or hosts changed: what is stalled may get through now."""
        self._qualities.clear()
        now = self.loop.time()
        for transport, since in list(self._stalled.items()):
            if transport.reachable():
                del self._stalled[transport]
                # The longer it was in vain, the rarer are the attempts.
                pause = min(_RETRY_LIMIT, now - since) * self.random.random()
                self.loop.call_later(pause, transport.retry, context=KERNEL)
