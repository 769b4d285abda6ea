# SPDX-License-Identifier: Apache-2.0
"""A node of a Go network on paper: the core of an interface with a clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.enums import Action
from l8types.values import Message, NodeInfo
from layer8_net._core.vnic_events import Completed, Connected, Deliver, FramesReceived, Send
from layer8_net._go.codec import decode_frame, encode_message
from layer8_net._go.handshake import GoEndpoint
from layer8_net._go.records import record_of
from layer8_net._go.values import pack_elements
from layer8_net._go.vnic import GoVNicCore

from .go_parts import ANN, BOB, CIPHER, NIL_DATA, SONGS, SWITCH

if TYPE_CHECKING:
    from l8types.errors import L8Error
    from l8types.pb import L8NotificationSet
    from layer8_net._core.vnic_events import Effect, Event

HUB = GoEndpoint(SWITCH, "hub", 5.0, is_switch=True)
BOBS = NodeInfo(BOB, "bob", SWITCH, services={SONGS: "Song"})


class Harness:
    """A core with a clock; what it did is kept by kind."""

    def __init__(self, *, distant: str = "", connected: bool = True) -> None:
        self.now = 1000.0
        self.core: GoVNicCore[str] = GoVNicCore(
            GoEndpoint(ANN, "ann", 5.0, distant=distant), CIPHER, started=7.0
        )
        self.effects: list[Effect[str]] = []
        if connected:
            self.step(Connected(HUB))

    def step(self, event: Event) -> list[Effect[str]]:
        return self.perform(self.core.step(event, self.now))

    def perform(self, effects: list[Effect[str]]) -> list[Effect[str]]:
        self.effects = effects
        return effects

    def hear(self, **fields: object) -> list[Effect[str]]:
        """Receive a message."""
        own: dict[str, object] = {
            "source": BOB,
            "vnet": SWITCH,
            "destination": ANN,
            "service": "Songs",
            "data": NIL_DATA,
        }
        message = Message(**(own | fields))  # type: ignore[arg-type]
        return self.step(FramesReceived([encode_message(message, CIPHER)]))

    def notice(self, notice: L8NotificationSet, **fields: object) -> list[Effect[str]]:
        """Receive a notice of the switch."""
        common: dict[str, object] = {
            "source": SWITCH,
            "destination": "",
            "service": "Health",
            "action": Action.NOTIFY,
            "data": pack_elements([(notice, None)]),
        }
        return self.hear(**(common | fields))

    def report(self, *nodes: NodeInfo) -> list[Effect[str]]:
        """Receive the health of all."""
        data = pack_elements((record_of(node), node.uuid) for node in nodes)
        return self.hear(source=SWITCH, service="Health", action=Action.PATCH, data=data)

    @property
    def sent(self) -> list[Message]:
        """What the last step sent."""
        return [
            decode_frame(frame, CIPHER)
            for effect in self.effects
            if isinstance(effect, Send)
            for frame in effect.frames
        ]

    @property
    def delivered(self) -> list[Message]:
        """What the last step handed to the services."""
        return [
            message
            for effect in self.effects
            if isinstance(effect, Deliver)
            for message in effect.messages
        ]

    @property
    def answers(self) -> list[tuple[str, L8Error | None, bytes]]:
        """Whom the last step woke."""
        return [
            answer
            for effect in self.effects
            if isinstance(effect, Completed)
            for answer in effect.answers
        ]

    def ask(self, waiter: str = "who", target: str = BOB, timeout: float = 2.0) -> int:
        """Open a request."""
        return self.core.open_request(waiter, target.encode(), timeout, self.now)
