# SPDX-License-Identifier: Apache-2.0
"""How switches keep each other informed: who is behind which of them, and where they listen.

When a link stands, both sides send all that they own; from then on only what changes. Statements
are numbered, so that one that is late or comes twice changes nothing, and one that is missed is
noticed and asked for. A switch speaks about its own nodes only. Each tells the others where the
switches that it is linked to can be dialled, so that from any connected graph of links a complete
one becomes.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from l8types.enums import Action
from l8types.errors import DecodeError, EncodeError, RemoteProtocolError
from layer8_net._core import records
from layer8_net._core.frame import encode_frame, node_bytes, read_data
from layer8_net._core.mesh_wire import Address, Change, decode_change, encode_change
from layer8_net._core.switch_events import Found, Pressure, Release
from layer8_net._core.switch_routing import crossed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from l8types.pb import L8Health
    from l8types.values import NodeInfo
    from layer8_net._core.frame import Header
    from layer8_net._core.mesh_claims import Claims
    from layer8_net._core.switch_brakes import Brakes
    from layer8_net._core.switch_state import Outbox, Peer, SwitchCounters, Tables

__all__ = ["Mesh"]

_MAX_ADDRESSES: Final = 1024
"""Addresses that one statement may bring; far more switches than a full mesh can have."""


class _Link:
    """What is known of the switch at the other end of a link."""

    __slots__ = ("address", "asked", "slow", "synced", "version")

    def __init__(self) -> None:
        self.version = (-1, -1)
        """Incarnation of the switch and number of its last statement."""
        self.synced = False
        self.asked = False
        self.address: Address | None = None
        self.slow: set[bytes] = set()


class Mesh:
    """The exchange of statements over all links of a switch.

    Args:
        me: Id of this switch.
        incarnation: Larger at every start of this switch.
        claims: Records by owner; changed here for the other switches.
        tables: Links and pressures; the pressures of distant nodes are kept here.
        brakes: Who is held back.
        counters: What to count.
        evict: Closes a link that does not keep up.
    """

    def __init__(
        self,
        me: str,
        incarnation: int,
        claims: Claims,
        tables: Tables,
        brakes: Brakes,
        counters: SwitchCounters,
        evict: Callable[[Peer, Outbox], None],
    ) -> None:
        self._me = me
        self._id = node_bytes(me)
        self._incarnation = incarnation
        self._number = 0
        self._claims = claims
        self._tables = tables
        self._brakes = brakes
        self._counters = counters
        self._evict = evict
        self._address: Address | None = None
        self._links: dict[bytes, _Link] = {}

    # Links

    def listen(self, host: str, port: int, out: Outbox) -> None:
        """This switch can be dialled."""
        self._address = Address(self._me, host, port)
        self.tell(out, addresses=[self._address])

    def join(self, peer: Peer, out: Outbox) -> None:
        """A link stands; what its switch said over an earlier one counts until it speaks."""
        earlier = self._links.get(peer.id)
        self._links[peer.id] = link = _Link()
        if earlier is not None:
            link.slow = earlier.slow
            link.address = earlier.address
        self._send_all(peer, out)

    def leave(self, peer: Peer, out: Outbox) -> set[str]:
        """A link is gone; the ids of all nodes that were behind it."""
        link = self._links.pop(peer.id)
        for node in sorted(link.slow):
            self._release(link, node, out)
        return self._claims.replace_all(peer.endpoint.uuid, ())

    # Speaking

    def tell(
        self,
        out: Outbox,
        nodes: Sequence[NodeInfo] = (),
        *,
        services: bool = True,
        addresses: Sequence[Address] = (),
        pressures: Sequence[tuple[bytes, Pressure]] = (),
    ) -> None:
        """Tell all linked switches what is new or changed."""
        found = [records.record_of(node, services=services) for node in nodes]
        self._publish(Action.PATCH, found, addresses, pressures, out)

    def tell_gone(self, uuids: Iterable[str], out: Outbox) -> None:
        """Tell all linked switches who left."""
        found = [records.gone_record(uuid, self._me) for uuid in uuids]
        self._publish(Action.DELETE, found, (), (), out)

    def _publish(
        self,
        action: Action,
        found: list[L8Health],
        addresses: Sequence[Address],
        pressures: Sequence[tuple[bytes, Pressure]],
        out: Outbox,
    ) -> None:
        for peer in tuple(self._tables.links.values()):
            if peer.pressure is Pressure.FULL:
                # Before the number is taken: it may itself be the cause of a statement.
                self._evict(peer, out)
        self._number += 1
        if not self._tables.links:
            return
        change = Change(self._incarnation, self._number, found, list(addresses), list(pressures))
        body = encode_change(change)
        for peer in self._tables.links.values():
            out.send(peer.connection, self._frame(peer, action, body))

    def _send_all(self, peer: Peer, out: Outbox) -> None:
        """Send a linked switch all that this one owns."""
        known = [link.address for link in self._links.values()]
        change = Change(
            self._incarnation,
            self._number,
            [records.record_of(node) for node in self._claims.all_of(self._me)],
            [address for address in [self._address, *known] if address is not None],
            [
                (one.id, one.pressure)
                for one in self._tables.peers.values()
                if not one.is_link and one.pressure is not Pressure.NONE
            ],
        )
        out.send(peer.connection, self._frame(peer, Action.PUT, encode_change(change)))

    def _frame(self, peer: Peer, action: Action, body: bytes) -> bytes:
        return crossed(
            encode_frame(
                self._id,
                self._id,
                peer.id,
                records.SYSTEM_SERVICE,
                records.SYSTEM_AREA,
                action,
                body,
            )
        )

    # Listening

    def receive(self, peer: Peer, header: Header, frame: bytes, out: Outbox) -> set[str]:
        """Take a statement of a linked switch; the ids of the nodes that it is about.

        Raises:
            RemoteProtocolError: It makes no sense; the link is to be closed.
        """
        if header.action == Action.GET:
            self._send_all(peer, out)
            return set()
        if header.action not in {Action.PUT, Action.PATCH, Action.DELETE}:
            raise DecodeError(f"statement of a switch with action {header.action}")
        change = decode_change(read_data(frame, header))
        link = self._links[peer.id]
        if not self._is_next(peer, link, header.action, change, out):
            return set()
        touched = self._apply(peer, link, header.action, change, out)
        for node, level in change.pressures:
            self._press(peer, link, node, level, out)
        self._learn(peer, link, change.addresses, out)
        return touched

    def _is_next(self, peer: Peer, link: _Link, action: int, change: Change, out: Outbox) -> bool:
        """Whether a statement is to be taken over; asks for all when one was missed."""
        version = (change.incarnation, change.number)
        if action == Action.PUT:
            current = not link.synced or version >= link.version
            if current:
                link.synced, link.asked = True, False
        else:
            follows = (link.version[0], link.version[1] + 1)
            current = link.synced and version == follows
            if not current and (not link.synced or version > follows) and not link.asked:
                link.asked = True
                self._counters.resyncs += 1
                out.send(peer.connection, self._frame(peer, Action.GET, b""))
        if current:
            link.version = version
        else:
            self._counters.stale_changes += 1
        return current

    def _apply(self, peer: Peer, link: _Link, action: int, change: Change, out: Outbox) -> set[str]:
        owner = peer.endpoint.uuid
        if action == Action.PUT:
            nodes = [self._node(owner, record) for record in change.records]
            touched = self._claims.replace_all(owner, nodes)
            for node in sorted(link.slow):
                self._release(link, node, out)
            return touched
        for record in change.records:
            if action == Action.PATCH:
                self._claims.put(self._node(owner, record))
            else:
                self._claims.remove(owner, record.a_uuid)
                self._release(link, _id_of(record), out)
        return {record.a_uuid for record in change.records}

    def _node(self, owner: str, record: L8Health) -> NodeInfo:
        node = records.node_of(record, self._claims.of(owner, record.a_uuid))
        _id_of(record)
        if node.switch != owner or node.uuid == self._me or node.is_switch != (node.uuid == owner):
            raise RemoteProtocolError(f"switch {owner} claimed node {node.uuid!r}")
        return node

    def _press(self, peer: Peer, link: _Link, node: bytes, level: Pressure, out: Outbox) -> None:
        """More or less waits for a node behind a link: hold those back who send to it."""
        if level is Pressure.NONE:
            self._release(link, node, out)
        elif self._claims.of(peer.endpoint.uuid, _text(node)) is not None:
            link.slow.add(node)
            self._tables.slow[node] = level

    def _release(self, link: _Link, node: bytes, out: Outbox) -> None:
        if node in link.slow:
            link.slow.discard(node)
            self._tables.slow.pop(node, None)
            out.others += [Release(connection) for connection in self._brakes.release(node)]

    def _learn(self, peer: Peer, link: _Link, addresses: list[Address], out: Outbox) -> None:
        """Where switches can be dialled; what is new about the peer itself is passed on."""
        for address in addresses[:_MAX_ADDRESSES]:
            own = address.uuid == peer.endpoint.uuid
            host = address.host or (peer.address if own else "")
            if address.uuid == self._me or not _dialable(host, peer.address):
                continue
            out.others.append(Found(address.uuid, host, address.port))
            seen = Address(address.uuid, host, address.port)
            if own and link.address != seen:
                link.address = seen
                self.tell(out, addresses=[seen])


def _id_of(record: L8Health) -> bytes:
    try:
        return node_bytes(record.a_uuid)
    except EncodeError as error:
        raise DecodeError(error.message) from error


def _text(node: bytes) -> str:
    return node.rstrip(b"\0").decode("ascii", "replace")


def _dialable(host: str, teller: str) -> bool:
    """Whether an address means the same here as where it comes from."""
    if not host or host == "?":
        return False
    return not _is_loopback(host) or _is_loopback(teller)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"
