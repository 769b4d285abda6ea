# SPDX-License-Identifier: Apache-2.0
"""A node's end of the network: pending requests, the replica of the directory, own services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

from l8types.enums import Action, DirectoryEventType, MulticastMode, Priority
from l8types.errors import (
    DecodeError,
    EncodeError,
    L8Error,
    RemoteProtocolError,
    RequestTimeoutError,
)
from l8types.frozen import replace
from l8types.values import DirectoryEvent, Message, NodeInfo, NodeStatistics, ServiceKey
from layer8_net._core import records
from layer8_net._core.control import Controls
from layer8_net._core.directory import Directory
from layer8_net._core.failures import error_of, error_text
from layer8_net._core.frame import (
    NO_DESTINATION,
    PACK,
    Flag,
    Header,
    decode_message,
    encode_frame,
    encode_message,
    failure_frame,
    node_bytes,
    read_data,
    read_failure,
    read_header,
    read_service,
)
from layer8_net._core.pack import messages_of
from layer8_net._core.pending import Pending, PendingRequest
from layer8_net._core.reading import UsualReader, VNicCounters, append_answer, append_message
from layer8_net._core.stalls import Stalls
from layer8_net._core.stream import decode_credit
from layer8_net._core.targets import ANY, Address, address_of, node_at
from layer8_net._core.usual import Letter, Repeated
from layer8_net._core.vnic_events import (
    Cancelled,
    Changed,
    Completed,
    Connected,
    ConnectionLost,
    Effect,
    Event,
    FramesReceived,
    Granted,
    Left,
    PartReceived,
    Ready,
    Send,
    Silent,
    StreamAsked,
    Tick,
)
from layer8_net.errors import LinkLostError, PeerLostError

if TYPE_CHECKING:
    from l8types.pb import L8Health
    from layer8_net._core.handshake import Endpoint

__all__ = ["VNicCore"]

W = TypeVar("W")

MISSED_SILENT: Final = 3
"""Intervals of the switch without a sign of life after which the connection is given up."""

_REQUEST: Final = int(Flag.REQUEST)
_REPLY: Final = int(Flag.REPLY)
_FAILURE: Final = int(Flag.FAILURE)
_CANCEL: Final = int(Flag.CANCEL)
_CREDIT: Final = int(Flag.CREDIT)
_STREAM: Final = int(Flag.STREAM)
_SPECIAL: Final = int(Flag.STREAM | Flag.CANCEL | Flag.CREDIT)
_SYSTEM: Final = (records.SYSTEM_SERVICE, records.SYSTEM_AREA)


class VNicCore(Generic[W]):
    """State machine of an interface: ``step(event, now)`` gives the effects to carry out in order.

    Args:
        me: The node as its peers see it.
        started: Wall clock, Unix seconds.
    """

    def __init__(self, me: Endpoint, *, started: float = 0.0) -> None:
        self._me = me
        self._id = node_bytes(me.uuid)
        self._switch: Endpoint | None = None
        self._switch_id = NO_DESTINATION
        self._heard = 0.0
        self._stalls = Stalls(1.25 * me.keep_alive)
        self._services: dict[ServiceKey, str] = {}
        self._repeated = Repeated()
        self.pending: Pending[W] = Pending()
        self.directory = Directory()
        self.counters = VNicCounters()
        self._usual = UsualReader(self.pending, self.counters)
        self.controls = Controls(self._id)
        self.directory.put(NodeInfo(me.uuid, me.alias, "", started=started))

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
                self._switch = event.switch
                self._repeated.clear()
                self._switch_id = self.controls.switch = node_bytes(event.switch.uuid)
                self._heard = now
                return [Send([self._report(records.own_record(self._me.uuid, self._services))])]
            case ConnectionLost():
                self._switch = None
                self._repeated.clear()
                self._switch_id = self.controls.switch = NO_DESTINATION
                reason = f"connection to the switch was lost before the answer came: {event.reason}"
                return _failed(self.pending.take_all(), LinkLostError(reason))
            case Tick():
                return self._tick(now)

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
    ) -> bytes | Letter:
        """Frame of a message of this node; ``sequence`` 0 takes the next number.

        Raises:
            EncodeError: A part does not fit the format.
        """
        if not service:
            raise EncodeError("a message needs the name of a service")
        destination, mode = address
        sequence = sequence or self.pending.next_sequence()
        # Numbers first: hashing one is cheap, hashing an enumerated value is not.
        numbers = (mode << 8 | area) << 16 | action << 8 | priority << 1 | request
        key = (numbers, area, destination, service, identity)
        letter = self._repeated.letter(key, sequence, timeout, data)
        if letter is not None:
            return letter
        frame = encode_frame(
            self._id,
            self._switch_id,
            destination,
            service.encode(),
            area,
            action,
            data,
            priority=priority,
            mode=mode,
            flags=_REQUEST if request else 0,
            sequence=sequence,
            timeout=timeout,
            identity=identity.encode(),
        )
        if destination != ANY:
            # Each message to any provider is to go its own way.
            self._repeated.learn(key, frame, data)
        return frame

    def reply_frame(self, message: Message, data: bytes) -> bytes | Letter:
        """Frame of the answer to a request."""
        numbers = (message.mode << 8 | message.priority) << 8 | message.area
        key = (numbers, message.source, message.service, message.identity, message.trace)
        letter = None if message.trace else self._repeated.letter(key, message.sequence, 0.0, data)
        if letter is not None:
            return letter
        frame = encode_frame(
            self._id,
            self._switch_id,
            node_bytes(message.source),
            message.service.encode(),
            message.area,
            Action.REPLY,
            data,
            priority=message.priority,
            mode=message.mode,
            flags=_REPLY,
            sequence=message.sequence,
            identity=message.identity.encode(),
            trace=message.trace.encode(),
        )
        if not message.trace:
            self._repeated.learn(key, frame, data)
        return frame

    def refusal_frame(self, message: Message, error: L8Error) -> bytes:
        """Frame that tells the sender of a message that it will not be handled.

        What is no request comes back with its data; its service may want to do something about it.
        """
        refusal = replace(
            self.stamp(message),
            destination=message.source,
            mode=MulticastMode.ALL,
            reply=True,
            stream=False,
            failure=error_text(error),
            data=b"" if message.request else message.data,
            transaction=None,
        )
        return encode_message(refusal)

    def message_frame(self, message: Message) -> bytes:
        """Frame of a message that is complete already."""
        return encode_message(message)

    def stamp(self, message: Message) -> Message:
        """The same message as one of this node."""
        return replace(
            message, source=self._me.uuid, vnet=self._switch.uuid if self._switch else ""
        )

    # What this node offers

    def offer(self, service: ServiceKey, model: str) -> list[Effect[W]]:
        """Offer a service; the replica knows at once."""
        self._services[service] = model
        return self._offers_changed()

    def withdraw(self, service: ServiceKey) -> list[Effect[W]]:
        """No longer offer a service."""
        if self._services.pop(service, None) is None:
            return []
        return self._offers_changed()

    def report(self, statistics: NodeStatistics) -> bytes:
        """Frame of the periodic report, which is also the sign of life."""
        return self._report(records.own_record(self._me.uuid, statistics=statistics))

    def leave_frame(self) -> bytes:
        """Frame after which the switch sends nothing more here; ``Left`` says that it came."""
        return self._report(records.own_record(self._me.uuid), Action.DELETE)

    def _offers_changed(self) -> list[Effect[W]]:
        effects: list[Effect[W]] = []
        own = self.directory.node(self._me.uuid)
        if own is not None:
            events = self.directory.put(replace(own, services=dict(self._services)))
            effects.append(Changed(events))
        if self._switch is not None:
            report = self._report(records.own_record(self._me.uuid, self._services))
            effects.append(Send([report]))
        return effects

    def _report(self, record: L8Health, action: Action = Action.PATCH) -> bytes:
        return encode_frame(
            self._id,
            self._switch_id,
            self._switch_id,
            records.SYSTEM_SERVICE,
            records.SYSTEM_AREA,
            action,
            records.encode_records([record]),
        )

    # What this node receives

    def _frames(self, frames: list[bytes]) -> list[Effect[W]]:
        effects: list[Effect[W]] = []
        for frame in frames:
            if not self._usual.take(frame, effects):
                self._take_odd(frame, effects)
        return effects

    def _take_odd(self, frame: bytes, effects: list[Effect[W]]) -> None:
        """Take any frame."""
        try:
            header = read_header(frame)
            messages = messages_of(frame) if header.type == PACK else None
        except DecodeError:
            self.counters.malformed += 1
            return
        if messages is not None:
            self.counters.packed += len(messages) - 1
            effects += self._frames(messages)
            return
        try:
            self._receive(frame, header, effects)
        except DecodeError as error:
            self._refuse(frame, header, error, effects)

    def _receive(self, frame: bytes, header: Header, effects: list[Effect[W]]) -> None:
        if header.flags & _REPLY:
            if header.flags & _SPECIAL:
                self._special(frame, header, effects)
            else:
                self._answer(frame, header, effects)
        elif read_service(frame, header) == _SYSTEM:
            self._system(frame, header, effects)
        elif header.flags & _STREAM:
            self._asked(decode_message(frame, header), effects)
        else:
            message = decode_message(frame, header)
            self._usual.known.learn(frame, message)
            append_message(effects, message)

    def _answer(self, frame: bytes, header: Header, effects: list[Effect[W]]) -> None:
        failed = header.flags & _FAILURE
        if failed and not header.flags & _REQUEST:
            append_message(effects, decode_message(frame, header))
            return
        if not failed:
            self._usual.answered(header.sequence, header.source, read_data(frame, header), effects)
            return
        request = self.pending.close(header.sequence)
        if request is None:
            self.counters.late += 1
            return
        append_answer(effects, (request.waiter, error_of(read_failure(frame, header)), b""))

    def _special(self, frame: bytes, header: Header, effects: list[Effect[W]]) -> None:
        """What is neither a message nor a whole answer."""
        source, sequence = header.source.rstrip(b"\0").decode("ascii", "replace"), header.sequence
        if header.flags & _CANCEL:
            effects.append(Cancelled(source, sequence))
        elif header.flags & _CREDIT:
            effects.append(Granted(source, sequence, *decode_credit(read_data(frame, header))))
        else:
            self._part(source, sequence, read_data(frame, header), effects)

    def _asked(self, message: Message, effects: list[Effect[W]]) -> None:
        if not message.request:
            raise DecodeError("a stream that is no request", offset=9)
        effects.append(StreamAsked(message))

    def _part(self, source: str, sequence: int, data: bytes, effects: list[Effect[W]]) -> None:
        request = self.pending.get(sequence)
        window = self.controls.windows.get(sequence)
        if request is None or window is None:
            self.counters.late += 1
            return
        if request.target and source != request.target:
            self.counters.malformed += 1
            return
        try:
            window.receive(len(data))
        except RemoteProtocolError as error:
            # Whoever sends more than it may would fill our memory.
            self.counters.malformed += 1
            self.pending.close(sequence)
            effects.append(Completed([(request.waiter, error, b"")]))
        else:
            effects.append(PartReceived(request.waiter, source, data))

    def _system(self, frame: bytes, header: Header, effects: list[Effect[W]]) -> None:
        if header.source == self._switch_id and not header.flags & _REQUEST:
            self._directory_changed(header.action, read_data(frame, header), effects)
        elif header.flags & _REQUEST and header.action == Action.GET:
            effects.append(Send([self.controls.echo_frame(header.source, header.sequence)]))
        else:
            self.counters.malformed += 1

    def _refuse(
        self, frame: bytes, header: Header, error: DecodeError, effects: list[Effect[W]]
    ) -> None:
        """A message that cannot be understood: who waits for an answer is told so."""
        self.counters.malformed += 1
        if header.flags & (_REQUEST | _REPLY) == _REQUEST:
            text = error_text(error)
            failure = failure_frame(frame, header, text, source=self._id, vnet=self._switch_id)
            effects.append(Send([failure]))

    def _directory_changed(self, action: int, data: bytes, effects: list[Effect[W]]) -> None:
        nodes = [
            self._localized(records.node_of(one, self.directory.node(one.a_uuid)))
            for one in records.decode_records(data)
        ]
        events: list[DirectoryEvent] = []
        if action == Action.PUT:
            if all(node.uuid != self._me.uuid for node in nodes):
                raise DecodeError("a directory without this node")
            events = self.directory.replace_all(nodes)
        elif action in {Action.POST, Action.PATCH}:
            events = [event for node in nodes for event in self.directory.put(node)]
        elif action == Action.DELETE:
            others = (node.uuid for node in nodes if node.uuid != self._me.uuid)
            if any(node.uuid == self._me.uuid for node in nodes):
                effects.append(Left())
            events = [event for uuid in others for event in self.directory.remove(uuid)]
        else:
            raise DecodeError(f"system message with action {action}")
        if events:
            effects.append(Changed(events))
        for event in events:
            if event.type is DirectoryEventType.LEFT:
                reason = f"node {event.node.uuid} left the network before it answered"
                left = self.pending.take_target(event.node.uuid)
                effects += _failed(left, PeerLostError(reason))
        if action == Action.PUT:
            effects.append(Ready())

    def _localized(self, node: NodeInfo) -> NodeInfo:
        """Nobody knows better than this node what it offers."""
        if node.uuid != self._me.uuid:
            return node
        return replace(node, services=dict(self._services))

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
        if self._switch is not None:
            silence = now - self._heard
            if silence >= MISSED_SILENT * self._switch.keep_alive:
                effects.append(Silent(f"no sign of life for {silence:.1f} s"))
        return effects


def _failed(requests: list[PendingRequest[W]], error: L8Error) -> list[Effect[W]]:
    if not requests:
        return []
    # An exception instance of its own for each: it gets a traceback of its own.
    kind = type(error)
    return [Completed([(request.waiter, kind(error.message), b"") for request in requests])]


def _timed_out(request: PendingRequest[W]) -> RequestTimeoutError:
    where = f"node {request.target}" if request.target else "any provider"
    return RequestTimeoutError(f"no answer from {where} within {round(request.timeout, 3):g} s")
