# SPDX-License-Identifier: Apache-2.0
"""What a switch remembers about its connections, and what it collects while it takes a step."""

from __future__ import annotations

from dataclasses import dataclass

from layer8_net._core.frame import node_bytes
from layer8_net._core.switch_events import Effect, PeerJoined, Pressure, Send

__all__ = ["Outbox", "Peer", "SwitchCounters", "Tables"]


@dataclass(slots=True)
class SwitchCounters:
    """What a switch did since it was made."""

    forwarded: int = 0
    """Copies of messages sent on."""
    forwarded_bytes: int = 0
    returned: int = 0
    """Messages that came back to their senders."""
    dropped: int = 0
    """Answers that nobody was there to receive, failures that their receiver had no room for."""
    violations: int = 0
    """Connections closed because the peer broke the protocol."""
    foreign: int = 0
    """Messages over a link under the id of a node that is not behind it; they come back."""
    evicted: int = 0
    """Connections closed because the peer did not keep up."""
    silenced: int = 0
    """Connections closed because nothing was heard of the peer."""
    links: int = 0
    """Links to other switches that came to stand."""
    duplicate_links: int = 0
    """Links closed because there was another one to the same switch."""
    stale_changes: int = 0
    """Statements of other switches that were out of date or came twice."""
    contested: int = 0
    """Claims of other switches to nodes that showed that they are here."""
    resyncs: int = 0
    """Times that a complete statement was asked for, because one was missed."""


class Peer:
    """One connected node or switch."""

    __slots__ = (
        "address",
        "connection",
        "contested",
        "dialled",
        "doubted",
        "endpoint",
        "fast",
        "heard",
        "id",
        "is_link",
        "joined",
        "pressure",
        "stamp",
    )

    def __init__(self, event: PeerJoined, switch: bytes, now: float) -> None:
        self.connection = event.connection
        self.endpoint = event.peer
        self.address = event.address
        self.dialled = event.dialled
        self.id = node_bytes(event.peer.uuid)
        self.is_link = event.peer.is_switch
        self.stamp = self.id + (self.id if self.is_link else switch)
        """What the source and switch fields of its own messages say."""
        self.joined = now
        self.heard = now
        self.contested = False
        """Whether another switch says that the node is connected there."""
        self.doubted: float | None = None
        """Since when it is to show that it is still here."""
        self.pressure = Pressure.NONE
        self.fast = not self.is_link
        """Whether a message may go there as it is, without a second look."""

    def press(self, pressure: Pressure) -> None:
        """More or less waits to be written to it than before."""
        self.pressure = pressure
        self.fast = not self.is_link and pressure is Pressure.NONE


class Tables:
    """Connections by number, and where the nodes of the network are."""

    __slots__ = ("interface", "links", "nodes", "peers", "routes", "slow")

    def __init__(self) -> None:
        self.interface: Peer | None = None
        """The switch's own interface; it has the id of the switch."""
        self.peers: dict[int, Peer] = {}
        self.nodes: dict[bytes, Peer] = {}
        """Connected nodes by id."""
        self.links: dict[bytes, Peer] = {}
        """Connected switches by id."""
        self.routes: dict[bytes, Peer] = {}
        """Nodes and switches by id: their own connection, or the link to the switch they are at."""
        self.slow: dict[bytes, Pressure] = {}
        """Nodes behind links that do not keep up, by id."""

    def reach(self, node: bytes) -> Peer | None:
        """The connection to a node that was picked, the switch's own interface included.

        It is no route: what names the switch is for the switch to look at.
        """
        found = self.routes.get(node)
        if found is None and self.interface is not None and self.interface.id == node:
            return self.interface
        return found


class Outbox:
    """Collects the effects of one step, frames by destination."""

    __slots__ = ("frames", "others")

    def __init__(self) -> None:
        self.frames: dict[int, list[bytes]] = {}
        self.others: list[Effect] = []

    def send(self, connection: int, frame: bytes) -> None:
        waiting = self.frames.get(connection)
        if waiting is None:
            self.frames[connection] = [frame]
        else:
            waiting.append(frame)

    def effects(self) -> list[Effect]:
        effects: list[Effect] = [Send(*entry) for entry in self.frames.items()]
        effects += self.others
        return effects
