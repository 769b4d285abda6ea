# SPDX-License-Identifier: Apache-2.0
"""The switch: who is connected, who is alive, and who is told what about whom.

It owns the records of the nodes connected to it and learns those of the others over its links.
Every node is told of all of them. A peer may send under its own id only; whoever breaks the format
is disconnected, and nobody else notices. ``switch_routing`` says where messages go, ``mesh`` what
switches tell each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from l8types.enums import Action, NodeState
from l8types.errors import (
    ConflictError,
    L8Error,
    NotFoundError,
    RemoteProtocolError,
)
from l8types.frozen import replace
from l8types.values import NodeInfo, NodeStatistics
from layer8_net._core import records
from layer8_net._core.directory import Directory
from layer8_net._core.failures import error_text
from layer8_net._core.frame import (
    Header,
    node_bytes,
    read_data,
    read_service,
)
from layer8_net._core.mesh import Mesh
from layer8_net._core.mesh_claims import Claims
from layer8_net._core.selection import LeaderRule, Picker, highest_id
from layer8_net._core.stalls import Stalls
from layer8_net._core.switch_brakes import Brakes
from layer8_net._core.switch_census import Census, same_but_figures
from layer8_net._core.switch_events import (
    Close,
    Effect,
    Event,
    FramesReceived,
    Gathered,
    InterfaceOpened,
    Linked,
    Listening,
    PeerJoined,
    PeerLost,
    Pressure,
    PressureChanged,
    Release,
    Tick,
    Unlinked,
)
from layer8_net._core.switch_offers import Offers
from layer8_net._core.switch_routing import Router
from layer8_net._core.switch_state import Outbox, Peer, SwitchCounters, Tables

if TYPE_CHECKING:
    from l8types.pb import L8Health
    from layer8_net._core.handshake import Endpoint

__all__ = ["SwitchCore"]

MISSED_UNREACHABLE: Final = 2
"""Intervals without a sign of life after which a peer counts as unreachable."""
MISSED_DOWN: Final = 3
"""Intervals after which it is given up; with the default of 4 s well before the promised 15 s."""
MISSED_CONTESTED: Final = 1.5
"""Intervals in which a node has to be heard that another switch says it has as well; a node that
is here reports once per interval."""
_SIMULTANEOUS_SECONDS: Final = 5.0
"""Two links to one switch that came to stand within this time mean that both sides dialled. Later
it means that the other side lost the first one, and this side did not notice yet."""


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
        self._tables = Tables()
        self._brakes = Brakes()
        self._claims = Claims(me.uuid)
        self._publish_at: float | None = None
        self._stalls = Stalls(me.keep_alive / 2)
        self._newcomers: dict[int, PeerJoined] = {}
        """Nodes by connection that come in together with those that follow."""
        self.directory = Directory()
        self.counters = SwitchCounters()
        picker = Picker(leader)
        self._offers = Offers(self.directory, self._tables, picker)
        self._router = Router(
            self._id,
            self._tables,
            self._offers,
            picker,
            self._brakes,
            self.counters,
            self._receive,
        )
        self._mesh = Mesh(
            me.uuid,
            round(started * 1000),
            self._claims,
            self._tables,
            self._brakes,
            self.counters,
            self._evict,
        )
        self._census = Census(
            me.uuid,
            self.directory,
            self._claims,
            self._tables,
            self._offers,
            self._evict,
            self._drop,
        )
        own = NodeInfo(me.uuid, me.alias, me.uuid, is_switch=True, started=started)
        self._claims.put(own)
        self.directory.put(own)

    def objection(self, peer: Endpoint, address: str) -> L8Error | None:
        """Why a peer that proved itself may not join, ``None`` when it may."""
        connected = self._tables.nodes.get(node_bytes(peer.uuid)) or self._newcomer(peer.uuid)
        if connected is not None and (peer.is_switch or connected.address != address):
            return ConflictError(
                f"node id {peer.uuid} is connected from {connected.address} already; "
                "ids must differ"
            )
        known = self.directory.node(peer.uuid)
        if known is None or known.switch == self._me.uuid or peer.is_switch:
            return None
        if known.state is NodeState.UP:
            return ConflictError(
                f"node id {peer.uuid} is connected at switch {known.switch} already; "
                "ids must differ"
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
                if event.connection in self._newcomers:
                    self._let_in(now, out)
                self._frames(event, now, out)
            case PeerJoined():
                join = self._join_switch if event.peer.is_switch else self._join_node
                join(event, now, out)
            case Gathered():
                self._let_in(now, out)
            case InterfaceOpened():
                self._open_interface(event.connection, now, out)
            case PeerLost():
                self._lost(event, out)
            case PressureChanged():
                self._press(event, out)
            case Listening():
                self._mesh.listen(event.host, event.port, out)
            case Tick():
                self._tick(now, out)
        return out.effects()

    def report(self, statistics: NodeStatistics) -> None:
        """Put the switch's own figures into its record; the next tick publishes them."""
        own = self._claims.of(self._me.uuid, self._me.uuid)
        if own is not None:
            own = replace(own, statistics=statistics)
            self._claims.put(own)
            self.directory.put(own)

    # Messages

    def _frames(self, event: FramesReceived, now: float, out: Outbox) -> None:
        peer = self._tables.peers.get(event.connection)
        if peer is None:
            return
        peer.heard = now
        route = self._router.from_link if peer.is_link else self._router.from_node
        try:
            for frame in event.frames:
                route(peer, frame, out)
        except RemoteProtocolError as error:
            self.counters.violations += 1
            self._drop(peer, error_text(error), out)

    def _receive(self, peer: Peer, header: Header, frame: bytes, out: Outbox) -> None:
        """A message to the switch itself."""
        service, area = read_service(frame, header)
        is_system = (service, area) == (records.SYSTEM_SERVICE, records.SYSTEM_AREA)
        interface = self._tables.interface
        if not is_system and interface is not None:
            self._router.to_interface(peer, interface, frame, out)
        elif not is_system or header.source != peer.id:
            name = service.decode("utf-8", "replace")
            error = NotFoundError(f"the switch offers no service {name!r} area {area}")
            self._router.give_back(peer, frame, error, out)
        elif peer.is_link:
            self._census.settle(self._mesh.receive(peer, header, frame, out), out)
        elif header.action == Action.DELETE:
            self._leave(peer, out)
        else:
            for record in records.decode_records(read_data(frame, header)):
                self._report(peer, record, out)

    def _leave(self, peer: Peer, out: Outbox) -> None:
        """A node takes no more messages: they come back from now on; what it still sends goes on.

        The answer is the last thing that it is sent, so that it knows what it has to give back.
        """
        if self._tables.nodes.get(peer.id) is not peer:
            return
        if peer is not self._tables.interface:
            self._forget_node(peer, out)
        out.send(peer.connection, self._census.farewell(peer.endpoint.uuid))

    def _report(self, peer: Peer, record: L8Health, out: Outbox) -> None:
        uuid = peer.endpoint.uuid
        if record.a_uuid != uuid:
            raise RemoteProtocolError(f"node {uuid} reported for node {record.a_uuid!r}")
        known = self._claims.of(self._me.uuid, uuid)
        if peer is self._tables.interface:
            record.ClearField("stats")  # The switch has figures of its own.
        if known is not None:
            # Who reports is up again.
            self._own(replace(records.merge(known, record), state=NodeState.UP), out)

    # The directory

    def _own(self, node: NodeInfo, out: Outbox) -> None:
        """Take over a record of this switch; figures alone travel with the next tick."""
        known = self._claims.of(self._me.uuid, node.uuid)
        self._claims.put(node)
        self._census.settle([node.uuid], out)
        if known is None or not same_but_figures(known, node):
            self._mesh.tell(out, [node])

    # Connections

    def _join_node(self, event: PeerJoined, now: float, out: Outbox) -> None:
        if self._newcomer(event.peer.uuid) is not None:
            self._let_in(now, out)  # The one that came first; it is replaced next.
        self._newcomers[event.connection] = event
        if not event.more:
            self._let_in(now, out)

    def _newcomer(self, uuid: str) -> PeerJoined | None:
        found = (event for event in self._newcomers.values() if event.peer.uuid == uuid)
        return next(found, None)

    def _let_in(self, now: float, out: Outbox) -> None:
        """Make members of the newcomers.

        All others are told of them in one message: a thousand nodes that start at once would
        otherwise cost a million.
        """
        newcomers, self._newcomers = tuple(self._newcomers.values()), {}
        for event in newcomers:
            known = self._tables.nodes.get(node_bytes(event.peer.uuid))
            if known is not None:
                self._drop(known, "conflict: replaced by a newer connection", out)
        nodes = [
            NodeInfo(
                event.peer.uuid, event.peer.alias, self._me.uuid, started=self._start_of(event)
            )
            for event in newcomers
        ]
        for node in nodes:
            self._claims.put(node)
        uuids = [node.uuid for node in nodes]
        self._census.settle(uuids, out)
        self._mesh.tell(out, nodes)
        # Only now, so that none is told of itself before it is told of everybody.
        for event in newcomers:
            peer = Peer(event, self._id, now)
            self._tables.peers[event.connection] = self._tables.nodes[peer.id] = peer
        self._census.settle(uuids, out)
        if newcomers:
            everybody = self._census.everybody()
            for event in newcomers:
                out.send(event.connection, everybody)

    def _open_interface(self, connection: int, now: float, out: Outbox) -> None:
        """The switch is a node of its own too, under the same id and with the same record."""
        peer = Peer(
            PeerJoined(connection, replace(self._me, is_switch=False), "", 0.0), self._id, now
        )
        self._tables.peers[connection] = self._tables.nodes[self._id] = peer
        self._tables.interface = peer
        out.send(connection, self._census.everybody())

    def _close_interface(self, out: Outbox) -> None:
        self._tables.interface = None
        own = self._claims.of(self._me.uuid, self._me.uuid)
        if own is not None:
            self._own(replace(own, services={}), out)

    def _start_of(self, event: PeerJoined) -> float:
        """When a node was connected, later than what another switch says of the same node.

        The claim that came later counts more, whatever the clock of another machine says. Whole
        milliseconds as they travel, so that all switches compare the same numbers.
        """
        elsewhere = self._claims.best(event.peer.uuid)
        earliest = 0 if elsewhere is None else round(elsewhere.started * 1000) + 1
        return max(round(event.started * 1000), earliest) / 1000

    def _join_switch(self, event: PeerJoined, now: float, out: Outbox) -> None:
        peer = Peer(event, self._id, now)
        known = self._tables.links.get(peer.id)
        if known is not None:
            self.counters.duplicate_links += 1
            reason = "conflict: one of two links between the same switches"
            if self._counts_more(known, peer):
                out.others.append(Close(peer.connection, reason))
                return
            out.others.append(Close(known.connection, reason))
            self._forget_connection(known, out)
        self._tables.peers[event.connection] = peer
        self._tables.links[peer.id] = peer
        self.counters.links += 1
        self._mesh.join(peer, out)
        self._census.settle(self._claims.silence(peer.endpoint.uuid, silent=False), out)
        out.others.append(Linked(peer.endpoint.uuid))

    def _counts_more(self, known: Peer, newer: Peer) -> bool:
        """Of two links that both sides dialled at once the one dialled by the lower id stays."""
        if newer.joined - known.joined > _SIMULTANEOUS_SECONDS or known.dialled == newer.dialled:
            return False
        return known.dialled == (self._me.uuid < known.endpoint.uuid)

    def _lost(self, event: PeerLost, out: Outbox) -> None:
        self._newcomers.pop(event.connection, None)
        peer = self._tables.peers.get(event.connection)
        if peer is not None:
            self._remove(peer, out)
        for frame in event.unsent:
            self._router.undelivered(frame, out)

    def _remove(self, peer: Peer, out: Outbox) -> None:
        if self._tables.peers.get(peer.connection) is not peer:
            return
        self._forget_connection(peer, out)
        uuid = peer.endpoint.uuid
        if peer.is_link:
            del self._tables.links[peer.id]
            self._claims.silence(uuid, silent=False)
            self._census.settle(self._mesh.leave(peer, out), out)
            out.others.append(Unlinked(uuid))
        elif peer is self._tables.interface:
            del self._tables.nodes[peer.id]
            self._close_interface(out)
        elif self._tables.nodes.get(peer.id) is peer:
            self._forget_node(peer, out)

    def _forget_node(self, peer: Peer, out: Outbox) -> None:
        """A node is not part of the network any more."""
        uuid = peer.endpoint.uuid
        del self._tables.nodes[peer.id]
        self._claims.remove(self._me.uuid, uuid)
        self._census.settle([uuid], out)
        self._mesh.tell_gone([uuid], out)

    def _forget_connection(self, peer: Peer, out: Outbox) -> None:
        del self._tables.peers[peer.connection]
        out.frames.pop(peer.connection, None)
        self._brakes.forget(peer.connection)
        self._release(peer, out)

    def _evict(self, peer: Peer, out: Outbox) -> None:
        self.counters.evicted += 1
        self._drop(peer, "overloaded: the peer does not keep up", out)

    def _drop(self, peer: Peer, reason: str, out: Outbox) -> None:
        """Close a connection, and forget who was there."""
        out.others.append(Close(peer.connection, reason))
        self._remove(peer, out)

    # Pressure

    def _press(self, event: PressureChanged, out: Outbox) -> None:
        peer = self._tables.peers.get(event.connection)
        if peer is None:
            return
        peer.press(event.pressure)
        if event.pressure is Pressure.NONE:
            self._release(peer, out)
        if self._tables.nodes.get(peer.id) is peer:
            self._mesh.tell(out, pressures=[(peer.id, event.pressure)])

    def _release(self, slow: Peer, out: Outbox) -> None:
        out.others += [Release(one) for one in self._brakes.release(slow.connection)]

    # Time

    def _tick(self, now: float, out: Outbox) -> None:
        stalled = self._stalls.look(now)
        for peer in tuple(self._tables.peers.values()):
            if peer is self._tables.interface:
                continue  # It runs when the switch does.
            if self._tables.peers.get(peer.connection) is peer:
                peer.heard = min(now, peer.heard + stalled)
                self._check_alive(peer, now, out)
        if self._publish_at is None or now >= self._publish_at:
            self._publish_at = now + self._me.keep_alive
            self._mesh.tell(out, self._census.publish(out), services=False)

    def _check_alive(self, peer: Peer, now: float, out: Outbox) -> None:
        missed = (now - peer.heard) / peer.endpoint.keep_alive
        if missed >= MISSED_DOWN:
            self.counters.silenced += 1
            self._drop(peer, f"unavailable: no sign of life for {now - peer.heard:.1f} s", out)
            return
        state = NodeState.UNREACHABLE if missed >= MISSED_UNREACHABLE else NodeState.UP
        uuid = peer.endpoint.uuid
        if peer.is_link:
            silent = state is NodeState.UNREACHABLE
            if silent is not self._claims.is_silent(uuid):
                self._census.settle(self._claims.silence(uuid, silent=silent), out)
            return
        node = self._claims.of(self._me.uuid, uuid)
        if node is not None and node.state is not state:
            self._own(replace(node, state=state), out)
        if peer.contested:
            self._defend(peer, now, out)

    def _defend(self, peer: Peer, now: float, out: Outbox) -> None:
        """Another switch says that a node of this one is connected there: see who is right.

        A node that is heard is here, and the other switches are told anew. One that is not has
        moved, and its old connection is not seen dead yet.
        """
        own = self._claims.of(self._me.uuid, peer.endpoint.uuid)
        rival = None if own is None else self._claims.rival(own)
        if own is None or rival is None:
            peer.contested, peer.doubted = False, None
        elif peer.doubted is None:
            peer.doubted = now
        elif peer.heard > peer.doubted:
            peer.contested, peer.doubted = False, None
            self.counters.contested += 1
            self._own(replace(own, started=round(rival.started * 1000 + 1) / 1000), out)
        elif now - peer.doubted >= MISSED_CONTESTED * peer.endpoint.keep_alive:
            reason = f"conflict: the node connected to switch {rival.switch}"
            self._drop(peer, reason, out)
