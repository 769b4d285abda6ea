# SPDX-License-Identifier: Apache-2.0
"""A node's end of a ``go`` network: pending requests, the replica of the health of all, services.

It takes the events of ``_core.vnic`` and gives the same effects, so that the shell is the same.
What differs is what the switch is told, and in which messages the switch tells of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

from l8types.constants import (
    DESTINATION_SINGLE,
    HEALTH_SERVICE,
    SYSTEM_MESSAGE_SERVICE,
)
from l8types.enums import Action, MulticastMode, Priority
from l8types.errors import (
    DecodeError,
    EncodeError,
    L8Error,
    RemoteError,
    RequestTimeoutError,
    UnavailableError,
)
from l8types.frozen import replace
from l8types.values import Message, NodeInfo, NodeStatistics, ServiceKey
from layer8_net._core.directory import Directory
from layer8_net._core.failures import error_of, error_text
from layer8_net._core.reading import VNicCounters
from layer8_net._core.stalls import Stalls
from layer8_net._core.targets import Address, address_of, node_at
from layer8_net._core.vnic_events import (
    Changed,
    Completed,
    Connected,
    ConnectionLost,
    Deliver,
    Effect,
    Event,
    FramesReceived,
    Ready,
    Send,
    Silent,
    Tick,
)
from layer8_net._go.announce import Announcer
from layer8_net._go.codec import decode_frame, encode_message
from layer8_net._go.health import HealthReplica
from layer8_net._go.pending import WrappingPending
from layer8_net._go.safety import check_message
from layer8_net._go.system import SYSTEM
from layer8_net._go.values import pack_error
from layer8_net._go.verdict import failure_of, is_progress
from layer8_net.errors import LinkLostError, PeerLostError

if TYPE_CHECKING:
    from l8types.protocols.security import Cipher
    from layer8_net._core.pending import Pending, PendingRequest
    from layer8_net._go.handshake import GoEndpoint

__all__ = ["GoVNicCore"]

W = TypeVar("W")

MISSED_SILENT: Final = 3
"""Own reports without an echo after which the connection is given up."""

_PARTICIPANTS: Final = frozenset(
    {Action.SERVICE_REGISTER, Action.SERVICE_UNREGISTER, Action.SERVICE_QUERY}
)
_ELECTIONS: Final = frozenset(range(Action.ELECTION_REQUEST, Action.LEADER_CHALLENGE + 1))
_NOT_FOR_THE_SENDER: Final = _ELECTIONS | _PARTICIPANTS | {Action.NOTIFY}
"""What comes back to a node that sent it to all, and means nothing to itself."""


class GoVNicCore(Generic[W]):
    """State machine of an interface: ``step(event, now)`` gives the effects to carry out in order.

    Args:
        me: The node as its peers see it; its services are kept up to date, for the handshakes.
        cipher: Encrypts bodies.
        started: Wall clock, Unix seconds.
    """

    controls = None
    """There are no streams, cancellations and echoes in this profile."""

    def __init__(self, me: GoEndpoint, cipher: Cipher, *, started: float = 0.0) -> None:
        self._me = me
        self._cipher = cipher
        self._switch = ""
        self._keep_alive = me.keep_alive
        self._heard = 0.0
        self._stalls = Stalls(1.25 * me.keep_alive)
        self.pending: Pending[W] = WrappingPending()
        self.directory = Directory()
        self.counters = VNicCounters()
        self._announcer = Announcer(me, started, self._sealed)
        self._health = HealthReplica(me.uuid, self.directory, self._announcer.offered)
        self.directory.put(
            NodeInfo(me.uuid, me.alias, "", started=started, services=self._announcer.offered())
        )

    def step(self, event: Event, now: float) -> list[Effect[W]]:
        """Advance by one event.

        Args:
            event: What happened.
            now: Monotonic seconds.
        """
        match event:
            case FramesReceived():
                self._heard = now
                return self._frames(event.frames)
            case Connected():
                return self._connected(event.switch.uuid, now)
            case ConnectionLost():
                self._switch = ""
                reason = f"connection to the switch was lost before the answer came: {event.reason}"
                return _failed(self.pending.take_all(), LinkLostError(reason))
            case Tick():
                return self._tick(now)

    def _connected(self, switch: str, now: float) -> list[Effect[W]]:
        self._switch = switch
        self._heard = now
        self._health.expect_report()
        effects: list[Effect[W]] = [Send(self._announcer.everything(switch))]
        if self._me.distant:
            # A distant switch sends no report of the others, only what changes from now on.
            effects.append(Ready())
        return effects

    # What this node sends

    def open_request(self, waiter: W, destination: bytes, timeout: float, now: float) -> int:
        """Register a request; its sequence number."""
        return self.pending.open(waiter, node_at(destination), timeout, now)

    def address(self, target: str | MulticastMode, *, one: bool) -> Address:
        """Destination and mode in wire form; see ``targets.address_of``."""
        return address_of(target, one=one)

    def frame(
        self,
        address: Address,
        service: str,
        area: int,
        action: Action,
        data: bytes,
        identity: str = "",
        priority: Priority = Priority.P8,
        sequence: int = 0,
        timeout: float = 0.0,
        *,
        request: bool = False,
    ) -> bytes:
        """Frame of a message of this node; ``sequence`` 0 takes the next number.

        Raises:
            EncodeError: A part does not fit the format, or would end a Go node.
            UnavailableError: It is for this very node, which does not offer the service.
        """
        return self.message_frame(
            Message(
                source=self._me.uuid,
                vnet=self._switch,
                destination=address[0].rstrip(b"\0").decode(),
                service=service,
                area=area,
                action=action,
                data=data,
                identity=identity,
                priority=priority,
                mode=MulticastMode(address[1]),
                sequence=sequence or self.pending.next_sequence(),
                request=request,
                timeout=timeout,
            )
        )

    def message_frame(self, message: Message) -> bytes:
        """Frame of a message that is complete already; raises as :meth:`frame` does."""
        if not message.service:
            raise EncodeError("a message needs the name of a service")
        if message.mode is MulticastMode.LOCAL and message.destination in {"", DESTINATION_SINGLE}:
            # A Go switch would take any node; who is meant is known here.
            message = replace(message, destination=self._local(message))
        named = "" if message.destination == DESTINATION_SINGLE else message.destination
        check_message(self.directory, named, message.service, message.area, message.action)
        return encode_message(message, self._cipher)

    def _local(self, message: Message) -> str:
        if message.key not in self._announcer.offered():
            raise UnavailableError(f"no live provider of service {message.key} on this node")
        return self._me.uuid

    def _sealed(self, message: Message) -> bytes:
        """Frame of one of the network's own messages."""
        return encode_message(
            replace(self.stamp(message), sequence=message.sequence or self.pending.next_sequence()),
            self._cipher,
        )

    def reply_frame(self, message: Message, data: bytes) -> bytes:
        """Frame of the answer to a request; it is part of the same transaction."""
        node = message.source
        check_message(self.directory, node, message.service, message.area, Action.REPLY)
        return self._sealed(
            replace(
                message,
                destination=node,
                action=Action.REPLY,
                request=False,
                reply=True,
                failure="",
                timeout=0.0,
                stream=False,
                data=data,
            )
        )

    def refusal_frame(self, message: Message, error: L8Error) -> bytes:
        """Frame that tells the sender of a message that it will not be handled.

        For a request an answer with an error in it: on a message that comes back as failed a Go
        node goes on waiting for the answer. Any other message comes back as it does from a switch.
        """
        if message.request:
            return self.reply_frame(message, pack_error(error_text(error)))
        node = message.source
        check_message(self.directory, node, message.service, message.area, message.action)
        failed = replace(message, destination=message.source, reply=True, failure=error_text(error))
        return self._sealed(failed)

    def leave_frame(self) -> bytes:
        """Nothing: a switch of this profile learns from the end of the connection only."""
        return b""

    def stamp(self, message: Message) -> Message:
        """The same message as one of this node."""
        return replace(message, source=self._me.uuid, vnet=self._switch)

    # What this node offers

    def offer(self, service: ServiceKey, model: str) -> list[Effect[W]]:
        """Offer a service; the replica knows at once.

        Raises:
            EncodeError: The name cannot travel.
        """
        self._announcer.add(service, model)
        frames = self._announcer.arrival(service, self._switch) if self._switch else []
        return self._offers_changed(frames)

    def withdraw(self, service: ServiceKey) -> list[Effect[W]]:
        """No longer offer a service."""
        if not self._announcer.remove(service):
            return []
        frames = self._announcer.departure(service, self._switch) if self._switch else []
        return self._offers_changed(frames)

    def report(self, statistics: NodeStatistics) -> bytes:
        """Frame of the periodic report, which is also the sign of life."""
        return self._announcer.report(self._switch, statistics)

    def _offers_changed(self, frames: list[bytes]) -> list[Effect[W]]:
        effects: list[Effect[W]] = []
        own = self.directory.node(self._me.uuid)
        if own is not None:
            changed = replace(own, services=self._announcer.offered())
            effects.append(Changed(self.directory.put(changed)))
        if frames:
            effects.append(Send(frames))
        return effects

    # What this node receives

    def _frames(self, frames: list[bytes]) -> list[Effect[W]]:
        effects: list[Effect[W]] = []
        for frame in frames:
            try:
                self._receive(decode_frame(frame, self._cipher), effects)
            except DecodeError:
                # Who sent it cannot be told: its number is in the part that cannot be read.
                self.counters.malformed += 1
        return effects

    def _receive(self, message: Message, effects: list[Effect[W]]) -> None:
        if message.reply:
            self._answer(message, effects)
        elif message.source == self._me.uuid and message.action in _NOT_FOR_THE_SENDER:
            return
        elif self._health.concerns(message, self._switch):
            self._health_changed(message, effects)
        elif message.action in _PARTICIPANTS:
            self._participant(message, effects)
        elif message.service.encode() == SYSTEM[0] or not message.service:
            self.counters.malformed += 1
        else:
            _append_message(effects, message)

    def _answer(self, message: Message, effects: list[Effect[W]]) -> None:
        if message.transaction is not None and not message.failure and is_progress(message.data):
            return
        request = self.pending.close(message.sequence)
        if request is None:
            if message.failure and not _of_the_network(message):
                _append_message(effects, message)
            else:
                self.counters.late += 1
            return
        error = self._error_in(message, request)
        answer = (request.waiter, error, message.data if error is None else b"")
        last = effects[-1] if effects else None
        if isinstance(last, Completed):
            last.answers.append(answer)
        else:
            effects.append(Completed([answer]))

    def _error_in(self, message: Message, request: PendingRequest[W]) -> L8Error | None:
        """Why the network could not deliver a request; what a service answers is its own."""
        text = message.failure
        if not text and message.source == self._switch != request.target:
            text = failure_of(message.data)
        if not text:
            return None
        error = error_of(text)
        return UnavailableError(text) if type(error) is RemoteError else error

    def _participant(self, message: Message, effects: list[Effect[W]]) -> None:
        """Who takes part is known from the health of all; only who asks needs an answer."""
        if message.action is Action.SERVICE_QUERY and self._switch:
            key = message.key
            if key in self._announcer.offered():
                effects.append(Send([self._announcer.register(key, message.source)]))

    def _health_changed(self, message: Message, effects: list[Effect[W]]) -> None:
        complete = message.action is not Action.NOTIFY
        events = self._health.take(message)
        if events:
            effects.append(Changed(events))
        for uuid in self._health.gone(events):
            reason = f"node {uuid} left the network before it answered"
            effects += _failed(self.pending.take_target(uuid), PeerLostError(reason))
        if complete:
            effects.append(Ready())

    # Time

    def next_deadline(self) -> float | None:
        """When the next request expires."""
        return self.pending.next_deadline()

    def _tick(self, now: float) -> list[Effect[W]]:
        effects: list[Effect[W]] = []
        expired = self.pending.expire(now)
        if expired:
            effects.append(Completed([(one.waiter, _timed_out(one), b"") for one in expired]))
        self._heard = min(now, self._heard + self._stalls.look(now))
        # A switch echoes every report; it tells no interval of its own.
        silence = now - self._heard
        if self._switch and silence >= MISSED_SILENT * self._keep_alive:
            effects.append(Silent(f"no sign of life for {silence:.1f} s"))
        return effects


def _of_the_network(message: Message) -> bool:
    """Whether this side's core sent a message, and no service of the node."""
    own = {HEALTH_SERVICE, SYSTEM_MESSAGE_SERVICE}
    return message.action in _PARTICIPANTS or message.service in own


def _append_message(effects: list[Effect[W]], message: Message) -> None:
    last = effects[-1] if effects else None
    if isinstance(last, Deliver):
        last.messages.append(message)
    else:
        effects.append(Deliver([message]))


def _failed(requests: list[PendingRequest[W]], error: L8Error) -> list[Effect[W]]:
    if not requests:
        return []
    # An exception instance of its own for each: it gets a traceback of its own.
    kind = type(error)
    return [Completed([(request.waiter, kind(error.message), b"") for request in requests])]


def _timed_out(request: PendingRequest[W]) -> RequestTimeoutError:
    where = f"node {request.target}" if request.target else "any provider"
    return RequestTimeoutError(f"no answer from {where} within {request.timeout:g} s")
