# SPDX-License-Identifier: Apache-2.0
"""The switch: who is connected, and where every message goes.

It reads headers only. A message goes to the node it names, to every provider of its service, or
to the one that its mode picks; when there is none it comes back to its sender with the reason,
unless it is an answer itself. A peer may send under its own id only; whoever breaks the format is
disconnected, and nobody else notices.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from l8types.constants import DESTINATION_LEADER, DESTINATION_SINGLE
from l8types.enums import Action, MulticastMode, NodeState
from l8types.errors import (
    ConflictError,
    DecodeError,
    HandshakeError,
    L8Error,
    NotFoundError,
    OverloadedError,
    RemoteProtocolError,
    UnavailableError,
)
from l8types.values import NodeInfo, NodeStatistics, ServiceKey
from layer8_net._core import records
from layer8_net._core.directory import Directory
from layer8_net._core.failures import error_text
from layer8_net._core.frame import (
    HEADER_SIZE,
    MESSAGE,
    NO_DESTINATION,
    ROUTE,
    VERSION,
    Flag,
    Header,
    encode_frame,
    failure_frame,
    node_bytes,
    read_data,
    read_header,
    read_mode,
    read_service,
    redirected,
)
from layer8_net._core.selection import LeaderRule, Picker, highest_id
from layer8_net._core.switch_events import (
    Changed,
    Close,
    Effect,
    Event,
    FramesReceived,
    Hold,
    PeerJoined,
    PeerLost,
    Pressure,
    PressureChanged,
    Release,
    Tick,
)
from layer8_net._core.switch_state import Offer, Outbox, Peer, SwitchCounters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from l8types.pb import L8Health
    from layer8_net._core.handshake import Endpoint

__all__ = ["SwitchCore"]

MISSED_UNREACHABLE: Final = 2
"""Intervals without a sign of life after which a node counts as unreachable."""
MISSED_DOWN: Final = 3
"""Intervals after which it is given up; with the default of 5 s that is the promised 15 s."""

_ANY: Final = DESTINATION_SINGLE.encode()
_LEADER: Final = DESTINATION_LEADER.encode()
_REPLY: Final = int(Flag.REPLY)


class SwitchCore:
    """State machine of a switch: ``step(event, now)`` gives the effects to carry out in order.

    Args:
        me: The switch as its peers see it.
        started: Wall clock, Unix seconds.
        leader: Rule for messages to the leader of a service.
    """

    def __init__(
        self, me: Endpoint, *, started: float = 0.0, leader: LeaderRule = highest_id
    ) -> None:
        self._me = me
        self._id = node_bytes(me.uuid)
        self._picker = Picker(leader)
        self._peers: dict[int, Peer] = {}
        self._by_id: dict[bytes, Peer] = {}
        self._offers: dict[tuple[bytes, int], Offer] = {}
        self._reported: set[str] = set()
        self._publish_at: float | None = None
        self.directory = Directory()
        self.counters = SwitchCounters()
        self.directory.put(NodeInfo(me.uuid, me.alias, me.uuid, is_switch=True, started=started))

    def objection(self, peer: Endpoint, address: str) -> L8Error | None:
        """Why a peer that proved itself may not join, ``None`` when it may."""
        if peer.is_switch:
            return HandshakeError("this switch serves nodes and does not link to other switches")
        known = self._by_id.get(node_bytes(peer.uuid))
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
                peer = self._peers.get(event.connection)
                if peer is not None:
                    self._remove(peer, out)
            case PressureChanged():
                self._press(event, out)
            case Tick():
                self._tick(now, out)
        return out.effects()

    def report(self, statistics: NodeStatistics) -> None:
        """Put the switch's own figures into its record; the next tick publishes them."""
        own = self.directory.node(self._me.uuid)
        if own is not None:
            self.directory.put(replace(own, statistics=statistics))

    # Messages

    def _frames(self, event: FramesReceived, now: float, out: Outbox) -> None:
        peer = self._peers.get(event.connection)
        if peer is None:
            return
        peer.heard = now
        try:
            for frame in event.frames:
                self._route(peer, frame, out)
        except RemoteProtocolError as error:
            self.counters.violations += 1
            out.others.append(Close(peer.connection, error_text(error)))
            self._remove(peer, out)

    def _route(self, peer: Peer, frame: bytes, out: Outbox) -> None:
        if len(frame) < HEADER_SIZE:
            raise DecodeError(f"message of {len(frame)} bytes is shorter than its header")
        version, kind, name, stamp, destination, identity, failure, trace, transaction = (
            ROUTE.unpack_from(frame)
        )
        if version != VERSION or kind != MESSAGE:
            raise DecodeError(f"frame of version {version} and type {kind} is no message")
        if HEADER_SIZE + name + identity + failure + trace + transaction > len(frame):
            raise DecodeError(f"lengths in a message exceed its {len(frame)} bytes")
        if stamp != peer.stamp:
            raise RemoteProtocolError(f"node {peer.endpoint.uuid} sent under another id")
        target = self._by_id.get(destination)
        if target is None:
            self._resolve(peer, frame, destination, out)
        elif target.pressure is Pressure.NONE:
            self.counters.forwarded += 1
            self.counters.forwarded_bytes += len(frame)
            out.send(target.connection, frame)
        else:
            self._forward_slowly(peer, target, frame, out)

    def _resolve(self, peer: Peer, frame: bytes, destination: bytes, out: Outbox) -> None:
        """A message whose destination is not a connected node."""
        header = read_header(frame)
        if destination == self._id:
            self._receive(peer, header, frame, out)
            return
        mode = read_mode(header)
        if destination == NO_DESTINATION and mode is MulticastMode.ALL:
            self._multicast(peer, header, frame, out)
        elif destination in {NO_DESTINATION, _ANY, _LEADER}:
            rule = MulticastMode.LEADER if destination == _LEADER else mode
            self._anycast(peer, header, frame, rule, out)
        else:
            node = destination.rstrip(b"\0").decode("ascii", "replace")
            self._return(peer, frame, UnavailableError(f"no node {node} in the network"), out)

    def _forward(self, peer: Peer, target: Peer, frame: bytes, out: Outbox) -> None:
        if target.pressure is not Pressure.NONE:
            self._forward_slowly(peer, target, frame, out)
            return
        self.counters.forwarded += 1
        self.counters.forwarded_bytes += len(frame)
        out.send(target.connection, frame)

    def _forward_slowly(self, peer: Peer, target: Peer, frame: bytes, out: Outbox) -> None:
        """To a node that does not keep up: hold the sender back, and at last refuse."""
        if target.pressure is Pressure.FULL:
            reason = f"node {target.endpoint.uuid} does not keep up; try again later"
            self._return(peer, frame, OverloadedError(reason), out)
            return
        if peer is not target and peer.connection not in target.holding:
            if not peer.held_by:
                out.others.append(Hold(peer.connection))
            peer.held_by.add(target.connection)
            target.holding.add(peer.connection)
        self.counters.forwarded += 1
        self.counters.forwarded_bytes += len(frame)
        out.send(target.connection, frame)

    def _multicast(self, peer: Peer, header: Header, frame: bytes, out: Outbox) -> None:
        service = read_service(frame, header)
        peers = self._offer(service).peers
        if not peers:
            self._return(peer, frame, _no_provider(service, ""), out)
        for target in peers:
            self._forward(peer, target, frame, out)

    def _anycast(
        self, peer: Peer, header: Header, frame: bytes, mode: MulticastMode, out: Outbox
    ) -> None:
        service = read_service(frame, header)
        offer = self._offer(service)
        chosen = self._picker.pick(mode, service, offer.live, offer.nearby, peer.endpoint.uuid)
        target = None if chosen is None else self._by_id.get(node_bytes(chosen))
        if target is None:
            on = f" on node {peer.endpoint.uuid}" if mode is MulticastMode.LOCAL else ""
            self._return(peer, frame, _no_provider(service, on), out)
        else:
            # The choice is written into the frame, so that nobody behind us chooses again.
            self._forward(peer, target, redirected(frame, target.id), out)

    def _offer(self, service: tuple[bytes, int]) -> Offer:
        offer = self._offers.get(service)
        if offer is None:
            offer = self._look_up(service)
            if offer.peers:
                self._offers[service] = offer
        return offer

    def _look_up(self, service: tuple[bytes, int]) -> Offer:
        name = service[0].decode("utf-8", "replace")
        if not name:
            return Offer((), (), ())
        key = ServiceKey(name, service[1])
        members = [self._by_id.get(node_bytes(uuid)) for uuid in self.directory.members(key)]
        live = self.directory.providers(key)
        nearby = tuple(uuid for uuid in live if node_bytes(uuid) in self._by_id)
        return Offer(tuple(peer for peer in members if peer is not None), live, nearby)

    def _return(self, peer: Peer, frame: bytes, error: L8Error, out: Outbox) -> None:
        """Send a message back to its sender; an answer has nobody who waits for its failure."""
        header = read_header(frame)
        if header.flags & _REPLY or peer.pressure is Pressure.FULL:
            self.counters.dropped += 1
            return
        self.counters.returned += 1
        out.send(
            peer.connection,
            failure_frame(frame, header, error_text(error), source=self._id, vnet=self._id),
        )

    # The directory

    def _receive(self, peer: Peer, header: Header, frame: bytes, out: Outbox) -> None:
        """A message to the switch itself."""
        service, area = read_service(frame, header)
        if (service, area) != (records.SYSTEM_SERVICE, records.SYSTEM_AREA):
            name = service.decode("utf-8", "replace")
            error = NotFoundError(f"the switch offers no service {name!r} area {area}")
            self._return(peer, frame, error, out)
            return
        for record in records.decode_records(read_data(frame, header)):
            if record.a_uuid != peer.endpoint.uuid:
                raise RemoteProtocolError(
                    f"node {peer.endpoint.uuid} reported for node {record.a_uuid!r}"
                )
            self._report(peer, record, out)

    def _report(self, peer: Peer, record: L8Health, out: Outbox) -> None:
        known = self.directory.node(peer.endpoint.uuid)
        if known is None:
            return
        # Who reports is up again.
        node = replace(records.merge(known, record), state=NodeState.UP)
        if node.services == known.services and node.state is known.state:
            # Figures alone travel with the next tick, all together.
            out.others.append(Changed(self.directory.put(node)))
            self._reported.add(node.uuid)
        else:
            self._update(node, out)

    def _update(self, node: NodeInfo, out: Outbox) -> None:
        """Take over a changed record and tell everybody."""
        events = self.directory.put(node)
        if events:
            self._forget_offers()
            self._tell(Action.PATCH, [node], out)
            out.others.append(Changed(events))

    def _tell(
        self, action: Action, nodes: Sequence[NodeInfo], out: Outbox, *, without: int = -1
    ) -> None:
        frame = self._system_frame(action, nodes)
        for peer in list(self._peers.values()):
            if peer.connection == without:
                continue
            if peer.pressure is Pressure.FULL:
                # Its replica would be wrong from now on; it gets a fresh one when it is back.
                out.others.append(Close(peer.connection, "overloaded: the node does not keep up"))
                self._remove(peer, out)
            else:
                out.send(peer.connection, frame)

    def _system_frame(self, action: Action, nodes: Sequence[NodeInfo]) -> bytes:
        return encode_frame(
            self._id,
            self._id,
            NO_DESTINATION,
            records.SYSTEM_SERVICE,
            records.SYSTEM_AREA,
            action,
            records.encode_records(records.record_of(node) for node in nodes),
        )

    def _forget_offers(self) -> None:
        self._offers.clear()
        self._picker.forget(lambda service: bool(self._look_up(service).peers))

    # Connections

    def _join(self, event: PeerJoined, now: float, out: Outbox) -> None:
        known = self._by_id.get(node_bytes(event.peer.uuid))
        if known is not None:
            out.others.append(Close(known.connection, "conflict: replaced by a newer connection"))
            self._remove(known, out)
        peer = Peer(event, self._id, now)
        node = NodeInfo(
            event.peer.uuid,
            event.peer.alias,
            self._me.uuid,
            is_switch=event.peer.is_switch,
            started=event.started,
        )
        events = self.directory.put(node)
        self._tell(Action.POST, [node], out)
        self._peers[event.connection] = peer
        self._by_id[peer.id] = peer
        out.send(event.connection, self._system_frame(Action.PUT, self.directory.nodes()))
        out.others.append(Changed(events))

    def _remove(self, peer: Peer, out: Outbox) -> None:
        if self._peers.pop(peer.connection, None) is None:
            return
        out.frames.pop(peer.connection, None)
        del self._by_id[peer.id]
        self._reported.discard(peer.endpoint.uuid)
        self._release_all(peer, out)
        for connection in peer.held_by:
            self._peers[connection].holding.discard(peer.connection)
        events = self.directory.remove(peer.endpoint.uuid)
        self._forget_offers()
        self._tell(Action.DELETE, [event.node for event in events], out)
        out.others.append(Changed(events))

    def _press(self, event: PressureChanged, out: Outbox) -> None:
        peer = self._peers.get(event.connection)
        if peer is not None:
            peer.pressure = event.pressure
            if event.pressure is Pressure.NONE:
                self._release_all(peer, out)

    def _release_all(self, slow: Peer, out: Outbox) -> None:
        for connection in slow.holding:
            held = self._peers.get(connection)
            if held is not None:
                held.held_by.discard(slow.connection)
                if not held.held_by:
                    out.others.append(Release(connection))
        slow.holding.clear()

    def _tick(self, now: float, out: Outbox) -> None:
        for peer in list(self._peers.values()):
            self._check_alive(peer, now, out)
        if self._publish_at is None or now >= self._publish_at:
            self._publish_at = now + self._me.keep_alive
            self._publish(out)

    def _check_alive(self, peer: Peer, now: float, out: Outbox) -> None:
        missed = (now - peer.heard) / peer.endpoint.keep_alive
        node = self.directory.node(peer.endpoint.uuid)
        if node is None:
            return
        if missed >= MISSED_DOWN:
            silence = f"unavailable: no sign of life for {now - peer.heard:.1f} s"
            out.others.append(Close(peer.connection, silence))
            self._remove(peer, out)
        elif missed >= MISSED_UNREACHABLE and node.state is NodeState.UP:
            self._update(replace(node, state=NodeState.UNREACHABLE), out)
        elif missed < MISSED_UNREACHABLE and node.state is NodeState.UNREACHABLE:
            self._update(replace(node, state=NodeState.UP), out)

    def _publish(self, out: Outbox) -> None:
        """The figures that changed, and with them the switch's own sign of life."""
        wanted = sorted(self._reported | {self._me.uuid})
        self._reported.clear()
        nodes = [node for uuid in wanted if (node := self.directory.node(uuid)) is not None]
        self._tell(Action.PATCH, nodes, out)


def _no_provider(service: tuple[bytes, int], where: str) -> UnavailableError:
    name = service[0].decode("utf-8", "replace")
    return UnavailableError(f"no live provider of service {name!r} area {service[1]}{where}")
