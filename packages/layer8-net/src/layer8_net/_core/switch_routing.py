# SPDX-License-Identifier: Apache-2.0
"""Where every message goes.

Of a message only the header is read. From a node it goes to the node it names, to every provider
of its service, or to the one that its mode picks, wherever they are; over a link it crosses one
switch and no more, because what comes over a link goes to a node of this switch or comes back. A
choice among providers is made once, by the switch of the sender, and written into the frame. A
message that cannot be delivered comes back to its sender with the reason, unless it is an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from l8types.constants import DESTINATION_LEADER, DESTINATION_SINGLE
from l8types.enums import MulticastMode
from l8types.errors import (
    DecodeError,
    L8Error,
    OverloadedError,
    RemoteProtocolError,
    UnavailableError,
)
from layer8_net._core.failures import error_text
from layer8_net._core.frame import (
    HEADER_SIZE,
    MESSAGE,
    NO_DESTINATION,
    PACK,
    ROUTE,
    VERSION,
    Flag,
    Header,
    failure_frame,
    node_bytes,
    read_header,
    read_mode,
    read_service,
    redirected,
)
from layer8_net._core.pack import count_of, messages_of
from layer8_net._core.switch_events import Hold, Pressure

if TYPE_CHECKING:
    from layer8_net._core.selection import Picker
    from layer8_net._core.switch_brakes import Brakes, Slow
    from layer8_net._core.switch_offers import Offer, Offers
    from layer8_net._core.switch_state import Outbox, Peer, SwitchCounters, Tables

__all__ = ["Receive", "Router", "crossed"]

Receive = Callable[["Peer", Header, bytes, "Outbox"], None]
"""Takes a message to the switch itself."""
Service = tuple[bytes, int]
"""Name and area of a service."""

_ANY: Final = DESTINATION_SINGLE.encode()
_LEADER: Final = DESTINATION_LEADER.encode()
_PLACEHOLDERS: Final = frozenset({NO_DESTINATION, _ANY, _LEADER})
_TYPES: Final = frozenset({MESSAGE, PACK})
_REPLY: Final = int(Flag.REPLY)
_MODES: Final = {int(mode): mode for mode in MulticastMode if mode < 16}
_ALL: Final = MulticastMode.ALL
_TYPE: Final = 5
"""Offset of the type of a frame."""
_PRIORITY_MODE: Final = 6
"""Offset of priority and mode."""
_AREA: Final = 7
"""Offset of the area of the service."""
_HOPS: Final = 10
"""Offset of the number of links that a message crossed."""


def crossed(frame: bytes) -> bytes:
    """The same frame as it travels between two switches, marked so that it does not go on."""
    return b"".join((frame[:_HOPS], b"\x01", frame[_HOPS + 1 :]))


class Router:
    """Sends messages where they belong.

    Args:
        me: Id of this switch in wire form.
        tables: Connections and routes.
        offers: Who offers what.
        picker: Chooses among providers.
        brakes: Who is held back.
        counters: What to count.
        receive: Takes messages to the switch itself.
    """

    def __init__(
        self,
        me: bytes,
        tables: Tables,
        offers: Offers,
        picker: Picker,
        brakes: Brakes,
        counters: SwitchCounters,
        receive: Receive,
    ) -> None:
        self._id = me
        self._tables = tables
        self._routes = tables.routes
        self._offers = offers
        self._picker = picker
        self._brakes = brakes
        self._counters = counters
        self._receive = receive

    def from_node(self, peer: Peer, frame: bytes, out: Outbox) -> None:
        """A message of a node of this switch.

        Raises:
            RemoteProtocolError: The node broke the protocol; its connection is to be closed.
        """
        if len(frame) < HEADER_SIZE:
            raise DecodeError(f"message of {len(frame)} bytes is shorter than its header")
        version, kind, name, stamp, destination, identity, failure, trace, transaction = (
            ROUTE.unpack_from(frame)
        )
        if version != VERSION or kind not in _TYPES:
            raise DecodeError(f"frame of version {version} and type {kind} is no message")
        if HEADER_SIZE + name + identity + failure + trace + transaction > len(frame):
            raise DecodeError(f"lengths in a message exceed its {len(frame)} bytes")
        if stamp != peer.stamp:
            raise RemoteProtocolError(f"node {peer.endpoint.uuid} sent under another id")
        target = self._routes.get(destination)
        if target is None:
            self._resolve(peer, frame, destination, name, out)
        elif target.fast:
            self._counters.forwarded += 1 if kind == MESSAGE else count_of(frame)
            self._counters.forwarded_bytes += len(frame)
            out.send(target.connection, frame)
        else:
            self._forward(peer, target, destination, frame, out)

    def from_link(self, peer: Peer, frame: bytes, out: Outbox) -> None:
        """A message of another switch, or of a node behind it.

        Raises:
            RemoteProtocolError: The switch broke the protocol; the link is to be closed.
        """
        if self._tables.links.get(peer.id) is not peer:
            return  # The link was given up because of an earlier message of the same batch.
        header = read_header(frame)
        if header.vnet != peer.id:
            raise RemoteProtocolError(f"switch {peer.endpoint.uuid} sent for another switch")
        if header.hops > 1:
            self.give_back(peer, frame, UnavailableError("the message went in circles"), out)
        elif not self._may_send(peer, header.source):
            self._counters.foreign += 1
            node = _text(header.source)
            error = UnavailableError(f"node {node} is not behind switch {peer.endpoint.uuid}")
            self.give_back(peer, frame, error, out)
        elif header.destination == self._id:
            self._take(peer, frame, out)
        else:
            self._deliver(peer, header, frame, out)

    def _take(self, peer: Peer, frame: bytes, out: Outbox) -> None:
        """What is for this switch itself."""
        for one in messages_of(frame):
            self._receive(peer, read_header(one), one, out)

    def _may_send(self, peer: Peer, source: bytes) -> bool:
        """Whether a node may be behind a link.

        One that is not known any more, or not yet, may: under load the priorities of messages let
        some of them overtake the news about their sender.
        """
        if source == peer.id:
            return True
        at = self._routes.get(source)
        return source != self._id and (at is None or at is peer)

    def _deliver(self, peer: Peer, header: Header, frame: bytes, out: Outbox) -> None:
        """What came over a link: to nodes of this switch and nowhere else."""
        destination = header.destination
        target = self._routes.get(destination)
        if target is not None and not target.is_link:
            self._forward(peer, target, destination, frame, out)
        elif destination == NO_DESTINATION and read_mode(header) is MulticastMode.ALL:
            receivers = self._offers.of(read_service(frame, header)).peers
            if not receivers:
                # The last provider left while the message was under way; all others got theirs.
                self._counters.dropped += count_of(frame)
            self._to_all(peer, receivers, frame, out)
        else:
            node = _text(destination)
            error = UnavailableError(f"no node {node} behind switch {_text(self._id)}")
            self.give_back(peer, frame, error, out)

    def _resolve(
        self, peer: Peer, frame: bytes, destination: bytes, name: int, out: Outbox
    ) -> None:
        """A message of a node whose destination is not a known node; ``name`` is its size."""
        if destination == self._id:
            self._take(peer, frame, out)
            return
        if destination not in _PLACEHOLDERS:
            # Its mode counts for nothing: a node that answers says that of the request again, which
            # somebody else has made.
            error = UnavailableError(f"no node {_text(destination)} in the network")
            self.give_back(peer, frame, error, out)
            return
        mode = _MODES.get(frame[_PRIORITY_MODE] & 15)
        if mode is None:
            raise DecodeError(
                f"unknown multicast mode {frame[_PRIORITY_MODE] & 15}", offset=_PRIORITY_MODE
            )
        service = frame[HEADER_SIZE : HEADER_SIZE + name], frame[_AREA]
        if destination == NO_DESTINATION and mode is _ALL:
            self._multicast(peer, service, frame, out)
        else:
            rule = MulticastMode.LEADER if destination == _LEADER else mode
            for one in messages_of(frame):
                self._anycast(peer, service, one, rule, out)

    def _multicast(self, peer: Peer, service: Service, frame: bytes, out: Outbox) -> None:
        offer = self._offers.of(service)
        if not offer.peers and not offer.links:
            self.give_back(peer, frame, _no_provider(service, ""), out)
        self._to_all(peer, offer.peers, frame, out)
        if offer.links:
            self._multicast_abroad(peer, offer, frame, out)

    def _to_all(self, peer: Peer, receivers: tuple[Peer, ...], frame: bytes, out: Outbox) -> None:
        """One copy for each of some nodes of this switch."""
        counters, size, count = self._counters, len(frame), count_of(frame)
        for target in receivers:
            if target.fast:
                counters.forwarded += count
                counters.forwarded_bytes += size
                out.send(target.connection, frame)
            else:
                self._forward(peer, target, target.id, frame, out)

    def _multicast_abroad(self, peer: Peer, offer: Offer, frame: bytes, out: Outbox) -> None:
        """One copy per link; the switch behind it makes the copies for its nodes."""
        for node in offer.distant & self._tables.slow.keys():
            self._brake(peer, node, out)
        for link in offer.links:
            self._forward(peer, link, link.id, frame, out)

    def _anycast(
        self, peer: Peer, service: Service, frame: bytes, mode: MulticastMode, out: Outbox
    ) -> None:
        offer = self._offers.of(service)
        chosen = self._picker.pick(mode, service, offer.live, offer.nearby, peer.endpoint.uuid)
        node = b"" if chosen is None else node_bytes(chosen)
        target = self._tables.reach(node)
        if target is None:
            on = f" on node {peer.endpoint.uuid}" if mode is MulticastMode.LOCAL else ""
            self.give_back(peer, frame, _no_provider(service, on), out)
            return
        # The choice is written into the frame, so that nobody behind us chooses again.
        frame = redirected(frame, node)
        if target.fast:
            self._counters.forwarded += 1
            self._counters.forwarded_bytes += len(frame)
            out.send(target.connection, frame)
        else:
            self._forward(peer, target, node, frame, out)

    def _forward(
        self, peer: Peer, target: Peer, destination: bytes, frame: bytes, out: Outbox
    ) -> None:
        """Send to a connection; who does not keep up holds the sender back, and at last refuses."""
        slow = self._tables.slow.get(destination, Pressure.NONE)
        if target.pressure is Pressure.FULL or slow is Pressure.FULL:
            reason = f"{_name(target, destination)} does not keep up; try again later"
            self.give_back(peer, frame, OverloadedError(reason), out)
            return
        if target.pressure is not Pressure.NONE and peer is not target:
            self._brake(peer, target.connection, out)
        if slow is not Pressure.NONE:
            self._brake(peer, destination, out)
        self._counters.forwarded += count_of(frame)
        self._counters.forwarded_bytes += len(frame)
        out.send(target.connection, crossed(frame) if target.is_link else frame)

    def to_interface(self, peer: Peer, interface: Peer, frame: bytes, out: Outbox) -> None:
        """Send what names this switch to its own interface."""
        self._forward(peer, interface, interface.id, frame, out)

    def _brake(self, peer: Peer, because: Slow, out: Outbox) -> None:
        # A link is never held: its switch is told of the slow node and holds the senders there.
        if not peer.is_link and self._brakes.hold(peer.connection, because):
            out.others.append(Hold(peer.connection))

    def undelivered(self, frame: bytes, out: Outbox) -> None:
        """Send back what waited for a node or a switch whose connection ended.

        What went to all providers does not come back, as the others got it; it is counted.
        """
        if len(frame) < HEADER_SIZE or frame[_TYPE] not in _TYPES:
            return  # The end of a handshake.
        header = read_header(frame)
        if header.source == self._id:
            return  # News of this switch, which nobody waits for.
        sender = self._routes.get(header.source)
        if sender is None or header.destination == NO_DESTINATION:
            self._counters.dropped += count_of(frame)
            return
        reason = f"node {_text(header.destination)} was gone before the message was sent on"
        try:
            self.give_back(sender, frame, UnavailableError(reason), out)
        except DecodeError:
            # A pack that is none; its receiver would have refused it.
            self._counters.dropped += 1

    def give_back(self, peer: Peer, frame: bytes, error: L8Error, out: Outbox) -> None:
        """Send a message back to its sender; an answer has nobody who waits for its failure."""
        text = error_text(error)
        for one in messages_of(frame):
            header = read_header(one)
            if header.flags & _REPLY or peer.pressure is Pressure.FULL:
                self._counters.dropped += 1
                continue
            self._counters.returned += 1
            failure = failure_frame(one, header, text, source=self._id, vnet=self._id)
            out.send(peer.connection, crossed(failure) if peer.is_link else failure)


def _text(node: bytes) -> str:
    return node.rstrip(b"\0").decode("ascii", "replace")


def _name(target: Peer, destination: bytes) -> str:
    if target.is_link and target.pressure is Pressure.FULL:
        return f"the link to switch {target.endpoint.uuid}"
    return f"node {_text(destination)}"


def _no_provider(service: Service, where: str) -> UnavailableError:
    name = service[0].decode("utf-8", "replace")
    return UnavailableError(f"no live provider of service {name!r} area {service[1]}{where}")
