# SPDX-License-Identifier: Apache-2.0
"""What a switch remembers about its nodes, and what it collects while it takes a step."""

from __future__ import annotations

from dataclasses import dataclass

from layer8_net._core.frame import node_bytes
from layer8_net._core.switch_events import Effect, PeerJoined, Pressure, Send

__all__ = ["Offer", "Outbox", "Peer", "SwitchCounters"]


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


class Peer:
    """One connected node."""

    __slots__ = (
        "address",
        "connection",
        "endpoint",
        "heard",
        "held_by",
        "holding",
        "id",
        "pressure",
        "stamp",
    )

    def __init__(self, event: PeerJoined, switch: bytes, now: float) -> None:
        self.connection = event.connection
        self.endpoint = event.peer
        self.address = event.address
        self.id = node_bytes(event.peer.uuid)
        self.stamp = self.id + switch
        """What the source and switch fields of its messages must say."""
        self.heard = now
        self.pressure = Pressure.NONE
        self.holding: set[int] = set()
        """Connections that are held back because this one is slow."""
        self.held_by: set[int] = set()
        """Slow connections because of which this one is held back."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Who offers a service: for multicasts all who are connected, for a pick those who are up."""

    peers: tuple[Peer, ...]
    live: tuple[str, ...]
    nearby: tuple[str, ...]


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
