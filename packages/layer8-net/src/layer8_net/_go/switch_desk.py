# SPDX-License-Identifier: Apache-2.0
"""What a switch of the ``go`` profile does itself: services, routes and the health of the nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from l8types.constants import (
    HEALTH_SERVICE,
    MAX_AREA,
    SYSTEM_AREA_PRIMARY,
    SYSTEM_MESSAGE_SERVICE,
    SYSTEM_SERVICE_GROUP,
)
from l8types.enums import Action, NodeState, Priority
from l8types.errors import DecodeError, EncodeError, NotFoundError, RemoteProtocolError
from l8types.frozen import replace
from l8types.pb import L8Health, L8NotificationSet, L8Query
from l8types.pb.system_pb2 import L8SystemAction
from l8types.values import Message, NodeInfo, ServiceKey
from layer8_net._core.failures import error_text
from layer8_net._go.limits import id_bytes, name_bytes
from layer8_net._go.records import apply_notice, node_of, record_of, report_of
from layer8_net._go.switch_tables import Service, id_text
from layer8_net._go.system import read_system, routes_added, routes_removed, service_added
from layer8_net._go.values import NOTHING, pack_elements, pack_error, read_messages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from l8types.pb import L8ServiceData
    from layer8_net._core.switch_state import Outbox
    from layer8_net._go.switch import GoSwitchCore
    from layer8_net._go.switch_tables import GoPeer

__all__ = ["Desk"]

_SILENT: Final = frozenset(range(Action.ELECTION_REQUEST, Action.SERVICE_QUERY + 1))
"""Elections and participants: a switch takes no part in them, and has nothing to say."""
_SYSTEM: Final = (SYSTEM_SERVICE_GROUP.encode(), 0)
_INFRASTRUCTURE: Final = frozenset({HEALTH_SERVICE, SYSTEM_SERVICE_GROUP})


def _node(uuid: str) -> bytes:
    """Padded form of an id that a peer told.

    Raises:
        DecodeError: It is none.
    """
    try:
        if not uuid:
            raise DecodeError("a node without an id")
        return id_bytes(uuid, "node id")
    except EncodeError as error:
        raise DecodeError(f"a peer told of a node that cannot be: {error.message}") from error


class Desk:
    """Handles the messages that are for a switch itself, and tells of what changed.

    Args:
        switch: The switch; the desk works on its tables and its directory.
    """

    def __init__(self, switch: GoSwitchCore) -> None:
        self._switch = switch
        self._tables = switch.tables
        self._publisher = switch.publisher
        self.own_services: Mapping[ServiceKey, str] = {
            ServiceKey(HEALTH_SERVICE, 0): "L8Health",
            ServiceKey(HEALTH_SERVICE, 1): "L8Health",
        }

    # Those who come and go

    def node_joined(self, peer: GoPeer, started: float, out: Outbox) -> None:
        """A node connected: tell it of all, and all of it."""
        endpoint = peer.endpoint
        node = NodeInfo(
            endpoint.uuid,
            endpoint.alias,
            self._switch.uuid,
            services={ServiceKey(HEALTH_SERVICE, peer.area): "L8Health"} | endpoint.services,
            started=started,
        )
        self._switch.changed(node, out)
        for key in node.services:
            self._tables.add(_service(key), peer.id)
        self._tables.add(_SYSTEM, peer.id)
        nodes = self._switch.directory.nodes()
        out.send(peer.connection, self._publisher.report(peer, nodes))
        slow = self._publisher.new(node, out)
        for link in self._tables.links():
            for frame in self._introduction(peer):
                out.send(link.connection, frame)
        self._switch.close_slow(slow, out)

    def link_joined(self, peer: GoPeer, started: float, out: Outbox) -> None:
        """A link to another switch stands: tell everything about the nodes here."""
        uuid, alias = peer.endpoint.uuid, peer.endpoint.alias
        node = NodeInfo(
            uuid, alias, uuid, services=peer.endpoint.services, is_switch=True, started=started
        )
        for key in node.services:
            self._tables.add(_service(key), peer.id)
        self._switch.changed(node, out)
        slow = self._publisher.new(node, out)
        me = self._switch.uuid
        rows = {local.endpoint.uuid: me for local in self._tables.nodes()}
        frames = [
            self._system(routes_added(rows)),
            self._system(service_added(me, ServiceKey(HEALTH_SERVICE), publish=False)),
        ]
        for local in self._tables.nodes():
            frames += self._services_of(local)
        own = [one for one in self._switch.directory.nodes() if one.switch == me]
        frames.append(self._publisher.report(peer, own))
        for frame in frames:
            out.send(peer.connection, frame)
        self._switch.close_slow(slow, out)

    def left(self, peer: GoPeer, behind: Iterable[bytes], out: Outbox) -> None:
        """A connection is gone, with the nodes behind it: tell those who do not see it."""
        for node in behind:
            self._forget(node, out)
        self._forget(peer.id, out)
        if not peer.is_link:
            gone = self._system(routes_removed({peer.endpoint.uuid: ""}))
            for link in self._tables.links():
                out.send(link.connection, gone)

    def _forget(self, node: bytes, out: Outbox) -> None:
        self._tables.drop(node)
        known = self._switch.drop(id_text(node), out)
        if known is not None:
            self._switch.close_slow(self._publisher.gone(known, out), out)

    def _introduction(self, peer: GoPeer) -> list[bytes]:
        route = routes_added({peer.endpoint.uuid: self._switch.uuid})
        return [self._system(route), *self._services_of(peer)]

    def _services_of(self, peer: GoPeer) -> list[bytes]:
        keys = [ServiceKey(name.decode(), area) for name, area in self._tables.offered(peer.id)]
        return [
            self._system(service_added(peer.endpoint.uuid, key, publish=False))
            for key in keys
            if key.name not in _INFRASTRUCTURE
        ]

    def _system(self, data: bytes) -> bytes:
        return self._switch.seal(
            Message(
                service=SYSTEM_MESSAGE_SERVICE,
                area=SYSTEM_AREA_PRIMARY,
                action=Action.POST,
                priority=Priority.P1,
                data=data,
            )
        )

    # System messages

    def system(self, peer: GoPeer, message: Message, out: Outbox) -> None:
        """Take a system message.

        Raises:
            RemoteProtocolError: It makes no sense, or the peer may not say that.
        """
        for part in read_system(message.data):
            if part.action in {L8SystemAction.Service_Add, L8SystemAction.Service_Remove}:
                self._service(peer, part.action, part.service_data, out, publish=part.publish)
            elif not peer.is_link:
                raise RemoteProtocolError(f"node {peer.endpoint.uuid} told of routes")
            elif part.action == L8SystemAction.Routes_Add:
                self._routes_added(peer, part.route_table.rows)
            else:
                self._routes_removed(peer, part.route_table.rows, out)

    def _service(
        self, peer: GoPeer, action: int, data: L8ServiceData, out: Outbox, *, publish: bool
    ) -> None:
        node = _node(data.service_uuid)
        service = _told_service(data)
        if not peer.is_link and node != peer.id:
            raise RemoteProtocolError(
                f"node {peer.endpoint.uuid} told of services of node {data.service_uuid}"
            )
        if peer.is_link and (node == _node(self._switch.uuid) or self._tables.local(node)):
            # A Go switch tells everybody, also who told it.
            return
        if action == L8SystemAction.Service_Remove:
            self._tables.remove(service, node)
            return
        if peer.is_link and node != peer.id:
            self._tables.route(node, peer.id)
        self._tables.add(service, node)
        if publish and not peer.is_link:
            key = ServiceKey(service[0].decode(), service[1])
            frame = self._system(service_added(peer.endpoint.uuid, key, publish=False))
            for link in self._tables.links():
                out.send(link.connection, frame)

    def _routes_added(self, peer: GoPeer, rows: Mapping[str, str]) -> None:
        for uuid, switch in rows.items():
            node = _node(uuid)
            # Routes lead over one hop: what another switch has to say is its own business.
            if switch == peer.endpoint.uuid and node != _node(self._switch.uuid):
                self._tables.route(node, peer.id)

    def _routes_removed(self, peer: GoPeer, rows: Mapping[str, str], out: Outbox) -> None:
        for uuid in rows:
            node = _node(uuid)
            if self._tables.routes.get(node) == peer.id:
                self._forget(node, out)

    # Other messages to the switch

    def message(self, peer: GoPeer, message: Message, now: float, out: Outbox) -> None:
        """Take a message to the switch itself.

        Raises:
            RemoteProtocolError: It makes no sense, or the peer may not say that.
        """
        if message.reply:
            self._switch.counters.dropped += 1
        elif message.service != HEALTH_SERVICE:
            self._other(peer, message, out)
        elif message.action is Action.PATCH:
            self._records(peer, message, now, out)
            if message.request:
                out.send(peer.connection, self._switch.answer(message, NOTHING))
        elif message.action is Action.NOTIFY:
            self.notices(peer, message, None, now, out)
        elif message.action is Action.GET and message.request:
            out.send(peer.connection, self._switch.answer(message, self._found(message)))
        elif message.action is Action.SERVICE_QUERY:
            out.send(peer.connection, self._registration(message))
        elif message.action is Action.SERVICE_REGISTER and message.destination:
            peer.has_answered()
        else:
            self._other(peer, message, out)

    def _other(self, peer: GoPeer, message: Message, out: Outbox) -> None:
        if message.request and message.action not in _SILENT:
            error = NotFoundError(
                f"the switch offers no {message.action.name} of service {message.key}"
            )
            out.send(peer.connection, self._switch.answer(message, pack_error(error_text(error))))

    def probe(self, peer: GoPeer) -> bytes:
        """Frame that every node and switch answers: it asks whether the peer takes part.

        They ask each other so for the participants of a service, here that of the health.
        """
        return self._switch.seal(
            Message(
                destination=peer.endpoint.uuid,
                service=HEALTH_SERVICE,
                area=peer.area,
                action=Action.SERVICE_QUERY,
                data=NOTHING,
            )
        )

    def _registration(self, message: Message) -> bytes:
        return self._switch.seal(
            Message(
                destination=message.source,
                service=message.service,
                area=message.area,
                action=Action.SERVICE_REGISTER,
                data=NOTHING,
            )
        )

    def _found(self, message: Message) -> bytes:
        """Records of the nodes, of those that are asked for."""
        wanted = self._wanted(message.data)
        nodes = [
            node for node in self._switch.directory.nodes() if not wanted or node.uuid in wanted
        ]
        return pack_elements((record_of(node), node.uuid) for node in nodes)

    @staticmethod
    def _wanted(data: bytes) -> set[str]:
        try:
            return {record.a_uuid for record in read_messages(data, L8Health)}
        except DecodeError:
            # A query, in which no node is named.
            read_messages(data, L8Query)
            return set()

    # Health

    def _records(self, peer: GoPeer, message: Message, now: float, out: Outbox) -> None:
        for record in read_messages(message.data, L8Health):
            if peer.is_link:
                self._told(peer, node_of(record, peer.endpoint.uuid), out)
            elif record.a_uuid != peer.endpoint.uuid:
                raise RemoteProtocolError(
                    f"node {peer.endpoint.uuid} reported for node {record.a_uuid!r}"
                )
            else:
                self._reported(peer, record, now, out)

    def _reported(self, peer: GoPeer, record: L8Health, now: float, out: Outbox) -> None:
        known = self._switch.directory.node(record.a_uuid)
        if known is None:
            return
        if record.HasField("stats"):
            peer.has_reported(now)
        node = report_of(known, record)
        self._tables.mark(peer.id, reachable=True)
        self._synchronize(peer.id, known, node)
        if node.services == known.services and node.state is known.state:
            # Figures alone travel with the next tick, all together.
            self._switch.changed(node, out)
        else:
            self.update(node, out)

    def _synchronize(self, node: bytes, old: NodeInfo, new: NodeInfo) -> None:
        """The list of a record decides, except on what never was in it, such as groups."""
        for key in old.services.keys() - new.services.keys():
            self._tables.remove(_service(key), node)
        for key in new.services.keys() - old.services.keys():
            self._tables.add(_service(key), node)

    def update(self, node: NodeInfo, out: Outbox) -> None:
        """Take over a changed record of a node here, and tell at once."""
        self._switch.changed(node, out)
        self._switch.close_slow(self._publisher.changed(node, out), out)

    def publish(self, skipped: set[str], out: Outbox) -> None:
        """Tell of the figures that changed."""
        for node in self._switch.directory.nodes():
            if node.switch == self._switch.uuid and node.uuid not in skipped:
                self._switch.close_slow(self._publisher.changed(node, out), out)

    def _told(self, peer: GoPeer, node: NodeInfo, out: Outbox) -> None:
        """Another switch told of a node in a report: the nodes here do not know yet."""
        if self._is_elsewhere(node) and self._adopt(peer, node, out):
            self._switch.close_slow(self._publisher.new(node, out), out)

    def _is_elsewhere(self, node: NodeInfo) -> bool:
        """Whether another switch may speak of a node: of those here this one knows better."""
        wire = _node(node.uuid)
        return wire != _node(self._switch.uuid) and self._tables.local(wire) is None

    def _adopt(self, peer: GoPeer, node: NodeInfo, out: Outbox) -> bool:
        """Take over the record of a node elsewhere; whether it is news."""
        wire = _node(node.uuid)
        known = self._switch.directory.node(node.uuid)
        if wire != peer.id:
            self._tables.route(wire, peer.id)
            node = replace(node, switch=peer.endpoint.uuid)
        self._synchronize(wire, known or NodeInfo(node.uuid, "", ""), node)
        self._tables.mark(wire, reachable=node.state is NodeState.UP)
        return self._switch.changed(node, out)

    def notices(
        self, peer: GoPeer, message: Message, frame: bytes | None, now: float, out: Outbox
    ) -> None:
        """Another switch told of its nodes.

        The nodes here hear of what this switch takes over, and of nothing else: what they believed
        without it nobody would ever take back.

        Args:
            peer: Who told.
            message: What it told.
            frame: The same as it came, when it is meant for the nodes too.
            now: Monotonic seconds.
            out: What follows.

        Raises:
            RemoteProtocolError: A node told, or it makes no sense.
        """
        if not peer.is_link:
            raise RemoteProtocolError(f"node {peer.endpoint.uuid} told of the health of others")
        notices = read_messages(message.data, L8NotificationSet)
        if any(notice.model_key == peer.endpoint.uuid for notice in notices):
            peer.has_reported(now)
        good = [notice for notice in notices if self._noticed(peer, notice, out)]
        if good == notices:
            self._publisher.pass_on(message, frame, out)
        elif good:
            self._switch.counters.foreign += len(notices) - len(good)
            data = pack_elements((notice, None) for notice in good)
            self._publisher.pass_on(replace(message, data=data), None, out)
        else:
            self._switch.counters.foreign += len(notices)

    def _noticed(self, peer: GoPeer, notice: L8NotificationSet, out: Outbox) -> bool:
        """Take over what a notice says; whether it makes sense, and is for its teller to say."""
        if notice.service_name != HEALTH_SERVICE or notice.source != peer.endpoint.uuid:
            return False
        try:
            node = apply_notice(notice, self._switch.directory.node)
            if node is None:
                return self._told_gone(peer, notice.model_key, out)
            if node.uuid != notice.model_key or not self._is_elsewhere(node):
                return False
            if self._adopt(peer, node, out):
                self._publisher.heard(node)
        except RemoteProtocolError:
            # The others of the same message are not to suffer.
            return False
        return True

    def _told_gone(self, peer: GoPeer, uuid: str, out: Outbox) -> bool:
        wire = _node(uuid)
        if self._tables.link_to(wire) is not peer:
            return False
        self._tables.drop(wire)
        self._publisher.forget(uuid)
        self._switch.drop(uuid, out)
        return True


def _service(key: ServiceKey) -> Service:
    return name_bytes(key.name), key.area


def _told_service(data: L8ServiceData) -> Service:
    """The service that a peer told of.

    Raises:
        DecodeError: There can be none of that name or area.
    """
    try:
        name = name_bytes(data.serviceName)
    except EncodeError as error:
        raise DecodeError(f"a peer told of a service that cannot be: {error.message}") from error
    if not 0 <= data.serviceArea <= MAX_AREA:
        raise DecodeError(f"a peer told of service area {data.serviceArea}")
    return name, data.serviceArea
