# SPDX-License-Identifier: Apache-2.0
"""What the shells ask of the sans-IO parts of a wire profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    import asyncio

    from l8types.enums import Action, MulticastMode, Priority
    from l8types.errors import FrameTooLargeError, L8Error
    from l8types.settings import NodeSettings
    from l8types.values import Message, NodeStatistics, ServiceKey
    from layer8_net._core import switch_events, vnic_events
    from layer8_net._core.control import Controls
    from layer8_net._core.directory import Directory
    from layer8_net._core.handshake import Endpoint
    from layer8_net._core.pending import Pending
    from layer8_net._core.reading import VNicCounters
    from layer8_net._core.switch_state import SwitchCounters
    from layer8_net._core.targets import Address
    from layer8_net._core.usual import Letter
    from layer8_net._streams import Inlet

__all__ = [
    "AcceptorSide",
    "Decoder",
    "DiallerSide",
    "EndpointFactory",
    "SwitchMachine",
    "VNicMachine",
    "Waiter",
]

Waiter: TypeAlias = "asyncio.Future[bytes] | Inlet"
"""Whom the answer of a request wakes, and each part of an answer in parts."""


class EndpointFactory(Protocol):
    """Makes what this side tells about itself."""

    def __call__(self, settings: NodeSettings, *, is_switch: bool) -> Endpoint:
        """The endpoint of a node or a switch with these settings."""
        ...


class Decoder(Protocol):
    """Cuts a stream of bytes into frames."""

    error: FrameTooLargeError | None

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that are complete with these bytes."""
        ...

    def raise_limit(self, limit_bytes: int) -> None:
        """Accept larger frames from now on."""
        ...


class _Side(Protocol):
    @property
    def peer(self) -> Endpoint | None:
        """The other end, once it said who it is."""
        ...

    def start(self) -> bytes:
        """What to send as soon as the connection stands, empty for nothing."""
        ...

    def receive(self, frame: bytes) -> bytes:
        """Take a frame; what to send, empty for nothing.

        Raises:
            L8Error: The ends cannot agree; the connection is to be closed.
        """
        ...


class DiallerSide(_Side, Protocol):
    """The end that dialled."""

    @property
    def done(self) -> bool:
        """Whether the handshake is over."""
        ...


class AcceptorSide(_Side, Protocol):
    """The end that was dialled."""

    @property
    def proved(self) -> bool:
        """Whether the dialler proved itself and waits to be admitted."""
        ...

    def welcome(self) -> bytes:
        """What to send to admit it."""
        ...

    def refuse(self, error: L8Error) -> bytes:
        """What to send before the connection is closed, empty for nothing."""
        ...


class VNicMachine(Protocol):
    """Core of an interface; see ``_core.vnic`` for what each of these does."""

    pending: Pending[Waiter]
    directory: Directory
    counters: VNicCounters

    @property
    def controls(self) -> Controls | None:
        """Cancellation, streams and echoes; ``None`` in a profile without them."""
        ...

    def step(self, event: vnic_events.Event, now: float) -> list[vnic_events.Effect[Waiter]]: ...

    def open_request(
        self, waiter: Waiter, destination: bytes, timeout: float, now: float
    ) -> int: ...

    def address(self, target: str | MulticastMode, *, one: bool) -> Address: ...

    def frame(
        self,
        address: Address,
        service: str,
        area: int,
        action: Action,
        data: bytes,
        identity: str = "",
        priority: Priority = ...,
        sequence: int = 0,
        timeout: float = 0.0,
        *,
        request: bool = False,
    ) -> bytes | Letter: ...

    def message_frame(self, message: Message) -> bytes: ...

    def reply_frame(self, message: Message, data: bytes) -> bytes | Letter: ...

    def refusal_frame(self, message: Message, error: L8Error) -> bytes: ...

    def stamp(self, message: Message) -> Message: ...

    def offer(self, service: ServiceKey, model: str) -> list[vnic_events.Effect[Waiter]]: ...

    def withdraw(self, service: ServiceKey) -> list[vnic_events.Effect[Waiter]]: ...

    def report(self, statistics: NodeStatistics) -> bytes: ...

    def leave_frame(self) -> bytes: ...

    def next_deadline(self) -> float | None: ...


class SwitchMachine(Protocol):
    """Core of a switch; see ``_core.switch``."""

    directory: Directory
    counters: SwitchCounters

    def objection(self, peer: Endpoint, address: str) -> L8Error | None: ...

    def step(self, event: switch_events.Event, now: float) -> list[switch_events.Effect]: ...

    def report(self, statistics: NodeStatistics) -> None: ...
