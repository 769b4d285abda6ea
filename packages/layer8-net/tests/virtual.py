# SPDX-License-Identifier: Apache-2.0
"""A network without sockets: a switch core and virtual nodes that are lists of what they got."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.constants import SYSTEM_AREA_PRIMARY, SYSTEM_MESSAGE_SERVICE
from l8types.enums import Action
from l8types.values import DirectoryEvent, Message, NodeStatistics, ServiceKey
from layer8_net._core import records
from layer8_net._core.frame import decode_message, encode_message
from layer8_net._core.handshake import Endpoint
from layer8_net._core.pack import messages_of
from layer8_net._core.switch import SwitchCore
from layer8_net._core.switch_events import (
    Changed,
    Close,
    Effect,
    Event,
    FramesReceived,
    Hold,
    PeerJoined,
    PeerLost,
    Release,
    Send,
    Tick,
)

from .fakes import new_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from l8types.errors import L8Error

SWITCH = Endpoint(new_id(), "switch", 5.0, is_switch=True)


class VirtualNode:
    """One node: what it received, and what was done to its connection."""

    def __init__(self, net: VirtualNet, number: int, uuid: str, keep_alive: float) -> None:
        self.net = net
        self.number = number
        self.endpoint = Endpoint(uuid, f"node {number}", keep_alive)
        self.received: list[Message] = []
        self.records: list[Message] = []
        self.closed = ""
        self.held = False

    @property
    def uuid(self) -> str:
        return self.endpoint.uuid

    def message(self, **fields: object) -> Message:
        """A message of this node."""
        values: dict[str, object] = {
            "source": self.uuid,
            "vnet": self.net.me.uuid,
            "service": "S",
        }
        return Message(**(values | fields))  # type: ignore[arg-type]

    def send(self, **fields: object) -> None:
        """Send a message."""
        self.net.step(FramesReceived(self.number, [encode_message(self.message(**fields))]))

    def offer(self, *services: ServiceKey) -> None:
        """Report these services."""
        self.report(
            records.encode_records([records.own_record(self.uuid, dict.fromkeys(services, ""))])
        )

    def keep_alive(self, tx_messages: int = 0) -> None:
        """Report figures."""
        figures = NodeStatistics(tx_messages=tx_messages)
        self.report(records.encode_records([records.own_record(self.uuid, statistics=figures)]))

    def report(self, data: bytes) -> None:
        """Send a report to the switch."""
        self.send(
            destination=self.net.me.uuid,
            service=SYSTEM_MESSAGE_SERVICE,
            area=SYSTEM_AREA_PRIMARY,
            action=Action.PATCH,
            data=data,
        )

    def leave(self) -> None:
        """Lose the connection."""
        self.net.nodes.pop(self.number, None)
        self.net.step(PeerLost(self.number))


class VirtualNet:
    """A switch core that is stepped by hand, with a virtual clock."""

    def __init__(self, me: Endpoint = SWITCH) -> None:
        self.me = me
        self.core = SwitchCore(me)
        self.now = 1000.0
        self.nodes: dict[int, VirtualNode] = {}
        self.all_nodes: dict[int, VirtualNode] = {}
        self.links: set[int] = set()
        """Connections to other switches; what is sent there is not looked at."""
        self.events: list[DirectoryEvent] = []
        self.effects: list[Effect] = []

    def join(
        self,
        *services: ServiceKey,
        uuid: str = "",
        address: str = "::1",
        keep_alive: float = 5.0,
        more: bool = False,
    ) -> VirtualNode:
        """Connect a node and let it offer services; with ``more`` others come in with it."""
        number = len(self.all_nodes) + 1
        node = VirtualNode(self, number, uuid or new_id(), keep_alive)
        self.nodes[number] = self.all_nodes[number] = node
        self.step(PeerJoined(number, node.endpoint, address, 77.0, more=more))
        if services:
            node.offer(*services)
        return node

    def objection(self, node: Endpoint, address: str) -> L8Error | None:
        """What the switch has against a peer."""
        return self.core.objection(node, address)

    def step(self, event: Event) -> list[Effect]:
        """Take one step and carry out its effects."""
        self.effects = self.core.step(event, self.now)
        for effect in self.effects:
            self._perform(effect)
        return self.effects

    def pass_time(self, seconds: float) -> None:
        """Let time pass without anybody saying anything; the switch looks at the clock."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + self.me.keep_alive / 4)
            self.step(Tick())

    def stall(self, seconds: float) -> None:
        """Let time pass in which the switch does not run; then it looks at the clock."""
        self.step(Tick())
        self.now += seconds
        self.step(Tick())

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Send(number) if number in self.links:
                pass
            case Send(number, frames):
                assert number in self.nodes, "a frame for a connection that is gone"
                self._deliver(self.nodes[number], frames)
            case Close(number, reason):
                node = self.nodes.pop(number, None)
                if node is not None:
                    node.closed = reason
            case Hold(number):
                assert not self.nodes[number].held
                self.nodes[number].held = True
            case Release(number):
                assert self.nodes[number].held
                self.nodes[number].held = False
            case Changed(events):
                self.events += events

    def _deliver(self, node: VirtualNode, frames: Iterable[bytes]) -> None:
        for single in (one for frame in frames for one in messages_of(frame)):
            message = decode_message(single)
            if message.service == SYSTEM_MESSAGE_SERVICE and not message.reply:
                node.records.append(message)
            else:
                node.received.append(message)
