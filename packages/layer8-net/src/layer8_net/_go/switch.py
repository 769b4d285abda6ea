# SPDX-License-Identifier: Apache-2.0
"""The switch of a ``go`` network: where every message goes.

It forwards on the clear header and decrypts only what is for itself, or what comes back. What its
Go counterpart does differently on purpose: a choice among providers is written into the frame, so
that nobody behind it chooses again; what comes from another switch goes to nodes of its own only;
and a request that cannot be delivered is answered with an error, since a Go node would go on
waiting if it came back as failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from l8types.constants import DESTINATION_LEADER, DESTINATION_SINGLE, HEALTH_SERVICE
from l8types.enums import Action, MulticastMode, NodeState
from l8types.errors import (
    ConflictError,
    DecodeError,
    EncodeError,
    L8Error,
    OverloadedError,
    RemoteProtocolError,
    UnavailableError,
)
from l8types.frozen import replace
from l8types.values import Message, NodeInfo, NodeStatistics
from layer8_net._core.directory import Directory
from layer8_net._core.failures import error_text
from layer8_net._core.selection import LeaderRule, Picker, highest_id
from layer8_net._core.stalls import Stalls
from layer8_net._core.switch_brakes import Brakes
from layer8_net._core.switch_events import (
    Changed,
    Close,
    Effect,
    Event,
    FramesReceived,
    Hold,
    Linked,
    PeerJoined,
    PeerLost,
    Pressure,
    PressureChanged,
    Release,
    Tick,
    Unlinked,
)
from layer8_net._core.switch_state import Outbox, SwitchCounters
from layer8_net._go.codec import decode_message, encode_message
from layer8_net._go.header import read_header, read_mode, redirected
from layer8_net._go.limits import id_bytes
from layer8_net._go.switch_desk import Desk
from layer8_net._go.switch_health import HealthPublisher
from layer8_net._go.switch_tables import GoPeer, GoTables, Service, id_text
from layer8_net._go.system import SWITCH_NAMES, SYSTEM
from layer8_net._go.values import pack_error
from layer8_net.errors import NoInstanceError, UnknownServiceError

if TYPE_CHECKING:
    from l8types.protocols.security import Cipher
    from layer8_net._core.handshake import Endpoint
    from layer8_net._go.handshake import GoEndpoint
    from layer8_net._go.header import Header

__all__ = ["GoSwitchCore"]

MISSED_UNREACHABLE: Final = 2
"""Intervals without a sign of life after which a node counts as unreachable."""
MISSED_DOWN: Final = 3
"""Intervals after which it is given up."""
LINK_SILENCE: Final = 120.0
"""Seconds of silence after which a link is given up whose interval is not known."""
OFFENCES: Final = 3
"""Breaches of the protocol after which a connection is closed; each is dropped and counted."""

_ANY: Final = DESTINATION_SINGLE.encode()
_LEADER: Final = DESTINATION_LEADER.encode()
_SWITCH_NAMES: Final = frozenset(name.encode() for name in SWITCH_NAMES)
_HEALTH: Final = HEALTH_SERVICE.encode()


class GoSwitchCore:
    """State machine of a switch: ``step(event, now)`` gives the effects to carry out in order.

    Args:
        me: The switch as its peers see it.
        cipher: Encrypts bodies.
        started: Wall clock, Unix seconds.
        leader: Rule for messages to the leader of a service.
    """

    def __init__(
        self,
        me: GoEndpoint,
        cipher: Cipher,
        *,
        started: float = 0.0,
        leader: LeaderRule = highest_id,
    ) -> None:
        self._me = me
        self._id = id_bytes(me.uuid, "node id")
        self._cipher = cipher
        self._sequence = 0
        self._picker = Picker(leader)
        self._brakes = Brakes()
        self._publish_at: float | None = None
        self._stalls = Stalls(me.keep_alive / 2)
        self.tables = GoTables()
        self.directory = Directory()
        self.counters = SwitchCounters()
        self.publisher = HealthPublisher(me.uuid, self.tables, self.seal)
        self._desk = Desk(self)
        own = NodeInfo(me.uuid, me.alias, me.uuid, is_switch=True, started=started)
        self.directory.put(replace(own, services=self._desk.own_services))
        self.publisher.heard(own)

    @property
    def uuid(self) -> str:
        """Id of the switch."""
        return self._me.uuid

    def objection(self, peer: Endpoint, address: str) -> L8Error | None:
        """Why a peer that proved itself may not join, ``None`` when it may."""
        known = self.tables.peer(id_bytes(peer.uuid, "node id"))
        if known is not None and known.address != address:
            return ConflictError(
                f"node id {peer.uuid} is connected from {known.address} already; ids must differ"
            )
        return None

    def step(self, event: Event, now: float) -> list[Effect]:
        """Advance by one event.

        Args:
            event: What happened.
            now: Monotonic seconds.
        """
        out = Outbox()
        match event:
            case FramesReceived():
                self._frames(event, now, out)
            case PeerJoined():
                self._join(event, now, out)
            case PeerLost():
                peer = self.tables.peers.get(event.connection)
                if peer is not None:
                    self.remove(peer, out)
                for frame in event.unsent:
                    self._undelivered(frame, out)
            case PressureChanged():
                self._press(event, out)
            case Tick():
                self._tick(now, out)
            case _:
                # Where a switch can be dialled is not told in this profile.
                pass
        return out.effects()

    def report(self, statistics: NodeStatistics) -> None:
        """Put the switch's own figures into its record; they are told of once per interval."""
        own = self.directory.node(self._me.uuid)
        if own is not None:
            self.directory.put(replace(own, statistics=statistics))

    def seal(self, message: Message) -> bytes:
        """Frame of a message of the switch itself."""
        self._sequence = self._sequence % 0xFFFF_FFFF + 1
        stamped = replace(
            message,
            source=self._me.uuid,
            vnet=self._me.uuid,
            sequence=message.sequence or self._sequence,
        )
        return encode_message(stamped, self._cipher)

    # Messages

    def _frames(self, event: FramesReceived, now: float, out: Outbox) -> None:
        peer = self.tables.peers.get(event.connection)
        if peer is None:
            return
        peer.heard = now
        for frame in event.frames:
            try:
                self._route(peer, frame, now, out)
            except RemoteProtocolError as error:
                self.counters.violations += 1
                peer.offences += 1
                if peer.offences >= OFFENCES:
                    self.close(peer, error_text(error), out)
            if peer.connection not in self.tables.peers:
                return

    def _route(self, peer: GoPeer, frame: bytes, now: float, out: Outbox) -> None:
        header = read_header(frame)
        if not self._may_send(peer, header):
            return
        service = header.service
        if service[0] == SYSTEM[0]:
            if service != SYSTEM:
                raise RemoteProtocolError(f"system message of the unknown area {service[1]}")
            self._desk.system(peer, self._opened(frame, header), out)
        elif header.anywhere and read_mode(header) is MulticastMode.ALL:
            self._multicast(peer, header, frame, now, out)
        elif header.destination == self._id:
            self._desk.message(peer, self._opened(frame, header), now, out)
        elif header.anywhere or header.destination in {_ANY, _LEADER}:
            self._anycast(peer, header, frame, now, out)
        else:
            self._addressed(peer, header, frame, out)

    def _may_send(self, peer: GoPeer, header: Header) -> bool:
        """Whether a peer may send under this id; a node only under its own.

        Raises:
            RemoteProtocolError: A node used another one.
        """
        if not peer.is_link:
            if header.source != peer.id:
                raise RemoteProtocolError(f"node {peer.endpoint.uuid} sent under another id")
            return True
        if header.source == self._id or self.tables.local(header.source) is not None:
            # It may be on its way still from where the node lived before.
            self.counters.foreign += 1
            return False
        return True

    def _opened(self, frame: bytes, header: Header) -> Message:
        return decode_message(frame, header, self._cipher)

    def _is_notice(self, frame: bytes, header: Header) -> bool:
        """Whether a frame tells of the health of nodes; nobody may hear that unchecked."""
        if header.service[0] != _HEALTH:
            return False
        message = self._opened(frame, header)
        return message.action is Action.NOTIFY and not message.reply

    def _addressed(self, peer: GoPeer, header: Header, frame: bytes, out: Outbox) -> None:
        if self._is_notice(frame, header):
            raise RemoteProtocolError(f"{peer.endpoint.uuid} told one node of the health of others")
        target = self.tables.local(header.destination)
        if target is None and not peer.is_link:
            target = self.tables.link_to(header.destination)
        if target is None:
            error = UnavailableError(f"no node {id_text(header.destination)} in the network")
            self._return(peer, frame, header, error, out)
        else:
            self._forward(peer, target, frame, header, out)

    def _multicast(
        self, peer: GoPeer, header: Header, frame: bytes, now: float, out: Outbox
    ) -> None:
        if self._is_notice(frame, header):
            self._desk.notices(peer, self._opened(frame, header), frame, now, out)
            return
        offer = self.tables.offer(header.service)
        targets = offer.local if peer.is_link else offer.local + offer.links
        for target in targets:
            self._forward(peer, target, frame, header, out)
        if header.service[0] in _SWITCH_NAMES:
            self._desk.message(peer, self._opened(frame, header), now, out)
        elif not targets:
            # Go nodes announce to services that nobody may offer, and expect nothing back.
            self.counters.dropped += 1

    def _anycast(self, peer: GoPeer, header: Header, frame: bytes, now: float, out: Outbox) -> None:
        service = header.service
        if service[0] == _HEALTH:
            self._desk.message(peer, self._opened(frame, header), now, out)
            return
        mode = MulticastMode.LEADER if header.destination == _LEADER else read_mode(header)
        offer = self.tables.offer(service)
        live = offer.nearby if peer.is_link else offer.live
        chosen = self._picker.pick(mode, service, live, offer.nearby, id_text(header.source))
        node = b"" if chosen is None else id_bytes(chosen, "node id")
        target = self.tables.local(node) or self.tables.link_to(node)
        if target is None:
            self._return(peer, frame, header, self._no_provider(service), out)
        else:
            self._forward(peer, target, redirected(frame, node), header, out)

    def _no_provider(self, service: Service) -> L8Error:
        self._picker.forget(service)
        kind = NoInstanceError if service in self.tables.seen else UnknownServiceError
        name = service[0].decode("utf-8", "replace")
        return kind(f"no live provider of service {name!r} area {service[1]}")

    def _forward(
        self, peer: GoPeer, target: GoPeer, frame: bytes, header: Header, out: Outbox
    ) -> None:
        if target.pressure is Pressure.FULL:
            reason = f"node {target.endpoint.uuid} does not keep up; try again later"
            self._return(peer, frame, header, OverloadedError(reason), out)
            return
        held = target.pressure is Pressure.HIGH and peer is not target and not peer.is_link
        if held and self._brakes.hold(peer.connection, target.connection):
            out.others.append(Hold(peer.connection))
        self.counters.forwarded += 1
        self.counters.forwarded_bytes += len(frame)
        out.send(target.connection, frame)

    def _return(
        self, peer: GoPeer, frame: bytes, header: Header, error: L8Error, out: Outbox
    ) -> None:
        """Send a message back to its sender; an answer has nobody who waits for its failure."""
        message = self._opened(frame, header)
        if message.reply or peer.pressure is Pressure.FULL:
            self.counters.dropped += 1
            return
        try:
            failure = self._failure(message, error)
        except EncodeError:
            # Nonsense that can be read but not written, such as a message without a service.
            self.counters.dropped += 1
            return
        self.counters.returned += 1
        out.send(peer.connection, failure)

    def _undelivered(self, frame: bytes, out: Outbox) -> None:
        """Send back what waited for a peer whose connection ended; what was for all is counted."""
        try:
            header = read_header(frame)
        except DecodeError:
            return  # A part of a handshake.
        if header.source == self._id:
            return  # News of this switch, which nobody waits for.
        sender = self.tables.local(header.source) or self.tables.link_to(header.source)
        if sender is None or header.anywhere:
            self.counters.dropped += 1
            return
        receiver = id_text(header.destination)
        reason = f"node {receiver} was gone before the message was sent on"
        try:
            self._return(sender, frame, header, UnavailableError(reason), out)
        except DecodeError:
            # Its receiver would have refused it.
            self.counters.dropped += 1

    def _failure(self, message: Message, error: L8Error) -> bytes:
        if message.request:
            return self.answer(message, pack_error(error_text(error)))
        named = message.destination not in {"", DESTINATION_SINGLE, DESTINATION_LEADER}
        failed = replace(
            message,
            source=message.destination if named else self._me.uuid,
            vnet="",
            destination=message.source,
            reply=True,
            failure=error_text(error),
        )
        return encode_message(failed, self._cipher)

    def answer(self, message: Message, data: bytes) -> bytes:
        """Frame of the switch's answer to a request."""
        return self.seal(
            replace(
                message,
                destination=message.source,
                action=Action.REPLY,
                request=False,
                reply=True,
                timeout=0.0,
                data=data,
            )
        )

    # Connections

    def _join(self, event: PeerJoined, now: float, out: Outbox) -> None:
        peer = GoPeer(event, now)
        known = self.tables.peer(peer.id)
        if known is not None:
            if known.is_link and peer.is_link and self._prefers(known, peer):
                out.others.append(Close(peer.connection, "conflict: there is a link already"))
                return
            self.close(known, "conflict: replaced by a newer connection", out)
        self.tables.connect(peer)
        if peer.is_link:
            self.counters.links += 1
            self._desk.link_joined(peer, event.started, out)
            out.others.append(Linked(peer.endpoint.uuid))
        else:
            self._desk.node_joined(peer, event.started, out)
        self._probe(peer, now, out)

    def _prefers(self, known: GoPeer, new: GoPeer) -> bool:
        """Whether to keep a link: both sides keep the one that the higher id dialled."""
        wanted = self._me.uuid > new.endpoint.uuid
        return known.dialled == wanted and new.dialled != wanted

    def close(self, peer: GoPeer, reason: str, out: Outbox) -> None:
        """End a connection."""
        out.others.append(Close(peer.connection, reason))
        self.remove(peer, out)

    def close_slow(self, peers: list[GoPeer], out: Outbox) -> None:
        """End the connections of those who missed a notice: what they know would stay wrong."""
        for peer in peers:
            self.counters.evicted += 1
            self.close(peer, "overloaded: the node does not keep up", out)

    def remove(self, peer: GoPeer, out: Outbox) -> None:
        """A connection is gone, with all that was behind it."""
        behind = self.tables.behind(peer.id) if peer.is_link else []
        if not self.tables.disconnect(peer):
            return
        out.frames.pop(peer.connection, None)
        self._brakes.forget(peer.connection)
        out.others += [Release(free) for free in self._brakes.release(peer.connection)]
        self._desk.left(peer, behind, out)
        if peer.is_link:
            out.others.append(Unlinked(peer.endpoint.uuid))

    def _press(self, event: PressureChanged, out: Outbox) -> None:
        peer = self.tables.peers.get(event.connection)
        if peer is not None:
            peer.pressure = event.pressure
            if event.pressure is Pressure.NONE:
                out.others += [Release(free) for free in self._brakes.release(peer.connection)]

    # Time

    def _tick(self, now: float, out: Outbox) -> None:
        stalled = self._stalls.look(now)
        for peer in list(self.tables.peers.values()):
            peer.excuse(stalled, now)
            self._probe(peer, now, out)
            if peer.is_link:
                self._check_link(peer, now, out)
            else:
                self._check_node(peer, now, out)
        skipped = {self._me.uuid}
        if self._publish_at is None or now >= self._publish_at:
            self._publish_at = now + self._me.keep_alive
            skipped.clear()
        self._desk.publish(skipped, out)

    def _probe(self, peer: GoPeer, now: float, out: Outbox) -> None:
        if peer.is_to_be_probed(now, self._me.keep_alive):
            out.send(peer.connection, self._desk.probe(peer))

    def _check_link(self, peer: GoPeer, now: float, out: Outbox) -> None:
        # A switch tells of its own figures now and then, Go ones every 30 s.
        missed = peer.missed(now, self._me.keep_alive)
        if now - peer.heard >= LINK_SILENCE or missed >= MISSED_DOWN:
            self.counters.silenced += 1
            self.close(peer, f"unavailable: no sign of life for {now - peer.heard:.1f} s", out)

    def _check_node(self, peer: GoPeer, now: float, out: Outbox) -> None:
        missed = peer.missed(now, self._me.keep_alive)
        node = self.directory.node(peer.endpoint.uuid)
        if missed >= MISSED_DOWN:
            self.counters.silenced += 1
            self.close(peer, f"unavailable: no sign of life for {now - peer.heard:.1f} s", out)
        elif node is not None:
            state = NodeState.UNREACHABLE if missed >= MISSED_UNREACHABLE else NodeState.UP
            if node.state is not state:
                self.tables.mark(peer.id, reachable=state is NodeState.UP)
                self._desk.update(replace(node, state=state), out)

    def changed(self, node: NodeInfo, out: Outbox) -> bool:
        """Take over a record; whether it was news."""
        events = self.directory.put(node)
        if events:
            out.others.append(Changed(events))
        return bool(events)

    def drop(self, uuid: str, out: Outbox) -> NodeInfo | None:
        """Remove a record; what it was."""
        events = self.directory.remove(uuid)
        if not events:
            return None
        out.others.append(Changed(events))
        return events[0].node
