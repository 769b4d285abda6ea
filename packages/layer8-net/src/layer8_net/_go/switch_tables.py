# SPDX-License-Identifier: Apache-2.0
"""What a switch of the ``go`` profile knows: connections, routes, and who offers what."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from l8types.errors import RemoteProtocolError
from layer8_net._core.switch_events import PeerJoined, Pressure
from layer8_net._go.announce import health_area
from layer8_net._go.handshake import go_endpoint
from layer8_net._go.limits import id_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["GoPeer", "GoTables", "Offer", "Service", "id_text"]

Service = tuple[bytes, int]
"""Name and area as they stand in a header."""

MAX_SERVICES: Final = 10_000
"""Services of one node: far more than any needs, few enough to be held for every node."""
MAX_SEEN: Final = 100_000
"""Names that are remembered to tell a service that is gone from one that never was."""
_GAPS: Final = 3
"""Times between reports by which a node is judged, since it does not tell its interval: the longest
of the last few, so that one that was late is forgotten soon."""
_SHORTEST: Final = 1.0
"""Seconds; reports in shorter order say nothing about the next one."""
_UNKNOWN: Final = 40.0
"""Interval of a peer that has reported once at most, and does not answer when it is asked. Go nodes
report every 30 s by default; one with a longer interval that is given up too early connects
again."""


def id_text(node: bytes) -> str:
    """Text of a padded id."""
    return node.rstrip(b"\0").decode("ascii", "replace")


class GoPeer:
    """One connected node or switch."""

    __slots__ = (
        "_gaps",
        "address",
        "answers",
        "connection",
        "dialled",
        "endpoint",
        "heard",
        "id",
        "is_link",
        "offences",
        "pressure",
        "probed",
        "reported",
    )

    def __init__(self, event: PeerJoined, now: float) -> None:
        peer = go_endpoint(event.peer)
        self.connection = event.connection
        self.endpoint = peer
        self.address = event.address
        self.dialled = event.dialled
        self.id = id_bytes(peer.uuid, "node id")
        self.is_link = peer.is_switch
        self.heard = now
        self.pressure = Pressure.NONE
        self.offences = 0
        self.reported: float | None = None
        self._gaps: deque[float] = deque(maxlen=_GAPS)
        self.probed: float | None = None
        """When it was asked for a sign of life."""
        self.answers = False
        """Whether it is known to answer that."""

    @property
    def area(self) -> int:
        """Area of its health service."""
        return health_area(self.endpoint)

    def has_reported(self, now: float) -> None:
        """It sent figures: learn how often it does."""
        if self.reported is not None:
            self._gaps.append(max(now - self.reported, _SHORTEST))
        self.reported = now

    def excuse(self, seconds: float, now: float) -> None:
        """Of the time since it was heard last, the switch did not run for some."""
        self.heard = min(now, self.heard + seconds)
        if self.reported is not None:
            self.reported = min(now, self.reported + seconds)

    def is_to_be_probed(self, now: float, interval: float) -> bool:
        """Whether to ask for a sign of life: nobody tells how often it reports.

        At once, to know whether it answers that, and then in each interval in which it is silent,
        until its reports tell. The first of them may be late while a whole network starts.
        """
        recently = self.probed is not None and now - self.probed < interval
        if len(self._gaps) == _GAPS or recently:
            return False
        if self.answers and now - self.heard < interval:
            return False
        self.probed = now
        return True

    def has_answered(self) -> None:
        """It said that it takes part, as it does when it is asked."""
        self.answers = self.answers or self.probed is not None

    def missed(self, now: float, interval: float) -> float:
        """Intervals without a sign of life.

        Args:
            now: Monotonic seconds.
            interval: How often it is asked for one while its own interval is not known.
        """
        if len(self._gaps) < _GAPS and self.answers:
            return (now - self.heard) / interval
        return (now - self.heard) / max(self._gaps, default=_UNKNOWN)


@dataclass(frozen=True, slots=True)
class Offer:
    """Who offers a service."""

    local: tuple[GoPeer, ...]
    """Connected nodes."""
    links: tuple[GoPeer, ...]
    """Switches that offer it, or behind which somebody does."""
    live: tuple[str, ...]
    """Ids of all that can be picked, sorted."""
    nearby: tuple[str, ...]
    """Those of them that are connected here, sorted."""


class GoTables:
    """The tables, with an index of the services by node."""

    def __init__(self) -> None:
        self.peers: dict[int, GoPeer] = {}
        self.routes: dict[bytes, bytes] = {}
        """Nodes behind other switches, with their switches."""
        self.unreachable: set[bytes] = set()
        """Nodes that are not to be picked now."""
        self.seen: set[Service] = set()
        """Services that anybody ever offered."""
        self._by_id: dict[bytes, GoPeer] = {}
        self._members: dict[Service, set[bytes]] = {}
        self._offered: dict[bytes, set[Service]] = {}
        self._offers: dict[Service, Offer] = {}

    def connect(self, peer: GoPeer) -> None:
        """Add a connection."""
        self.peers[peer.connection] = peer
        self._by_id[peer.id] = peer
        self.routes.pop(peer.id, None)
        self._offers.clear()

    def disconnect(self, peer: GoPeer) -> bool:
        """Remove a connection; whether it was there."""
        if self.peers.pop(peer.connection, None) is None:
            return False
        del self._by_id[peer.id]
        self.drop(peer.id)
        return True

    def drop(self, node: bytes) -> None:
        """Forget the route and the services of a node."""
        self.routes.pop(node, None)
        self.unreachable.discard(node)
        for service in self._offered.pop(node, ()):
            self._forget(service, node)
        self._offers.clear()

    def peer(self, node: bytes) -> GoPeer | None:
        """The connection of a node or switch."""
        return self._by_id.get(node)

    def local(self, node: bytes) -> GoPeer | None:
        """The connection of a node."""
        peer = self._by_id.get(node)
        return None if peer is None or peer.is_link else peer

    def link_to(self, node: bytes) -> GoPeer | None:
        """The link that leads to a node or switch."""
        peer = self._by_id.get(self.routes.get(node, node))
        return peer if peer is not None and peer.is_link else None

    def links(self) -> list[GoPeer]:
        """All links."""
        return [peer for peer in self.peers.values() if peer.is_link]

    def nodes(self) -> list[GoPeer]:
        """All connected nodes."""
        return [peer for peer in self.peers.values() if not peer.is_link]

    def behind(self, switch: bytes) -> list[bytes]:
        """Nodes behind another switch."""
        return sorted(node for node, via in self.routes.items() if via == switch)

    def route(self, node: bytes, switch: bytes) -> bool:
        """A node lives behind another switch; whether that is news."""
        if node in self._by_id or self.routes.get(node) == switch:
            return False
        self.routes[node] = switch
        self._offers.clear()
        return True

    def mark(self, node: bytes, *, reachable: bool) -> None:
        """Whether a node may be picked."""
        (self.unreachable.discard if reachable else self.unreachable.add)(node)
        self._offers.clear()

    def add(self, service: Service, node: bytes) -> None:
        """A node offers a service.

        Raises:
            RemoteProtocolError: It offers too many.
        """
        offered = self._offered.setdefault(node, set())
        if len(offered) >= MAX_SERVICES and service not in offered:
            raise RemoteProtocolError(f"node {id_text(node)} offers more than {MAX_SERVICES}")
        self._members.setdefault(service, set()).add(node)
        offered.add(service)
        if len(self.seen) >= MAX_SEEN:
            self.seen.clear()
        self.seen.add(service)
        self._offers.pop(service, None)

    def remove(self, service: Service, node: bytes) -> None:
        """A node no longer offers a service."""
        self._offered.get(node, set()).discard(service)
        self._forget(service, node)
        self._offers.pop(service, None)

    def offered(self, node: bytes) -> Iterable[Service]:
        """What a node offers, sorted."""
        return sorted(self._offered.get(node, ()))

    def offer(self, service: Service) -> Offer:
        """Who offers a service now."""
        offer = self._offers.get(service)
        if offer is None:
            offer = self._look_up(service)
            if service in self._members:
                self._offers[service] = offer
        return offer

    def _look_up(self, service: Service) -> Offer:
        members = sorted(self._members.get(service, ()))
        local = [peer for node in members if (peer := self.local(node)) is not None]
        links = {
            link.connection: link for node in members if (link := self.link_to(node)) is not None
        }
        alive = [node for node in members if node not in self.unreachable]
        nearby = [node for node in alive if self.local(node) is not None]
        distant = [node for node in alive if node in self.routes and self.link_to(node) is not None]
        return Offer(
            tuple(local),
            tuple(links.values()),
            tuple(map(id_text, sorted(nearby + distant))),
            tuple(map(id_text, nearby)),
        )

    def _forget(self, service: Service, node: bytes) -> None:
        members = self._members.get(service)
        if members is not None:
            members.discard(node)
            if not members:
                del self._members[service]
