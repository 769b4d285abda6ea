# SPDX-License-Identifier: Apache-2.0
"""Who is in the network, as it follows from what all switches say, and the nodes that are told.

Whoever changes a claim calls ``settle``: directory and routes become what the claims say, and the
nodes of this switch are told of the difference. Figures alone are kept for ``publish``, so that
they travel once per interval, all together and without the services that everybody knows.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from l8types.enums import Action
from layer8_net._core import records
from layer8_net._core.frame import NO_DESTINATION, encode_frame, node_bytes
from layer8_net._core.switch_events import Changed, Pressure

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from l8types.values import DirectoryEvent, NodeInfo
    from layer8_net._core.directory import Directory
    from layer8_net._core.mesh_claims import Claims
    from layer8_net._core.switch_offers import Offers
    from layer8_net._core.switch_state import Outbox, Peer, Tables

__all__ = ["FIGURES_AT_A_TIME", "Census", "same_but_figures"]

FIGURES_AT_A_TIME: Final = 200
"""Nodes whose figures travel in one interval; in a larger network those of all take several. Every
node hears them all, so that their number counts twice."""


class Census:
    """Keeps the directory of a switch, and the replicas of its nodes.

    Args:
        me: Id of this switch.
        directory: What is known; changed here.
        claims: What all switches say.
        tables: Connections and routes; the routes are changed here.
        offers: Forgets what is out of date.
        evict: Closes the connection of a node that does not keep up.
        drop: Closes a connection for a reason.
    """

    def __init__(
        self,
        me: str,
        directory: Directory,
        claims: Claims,
        tables: Tables,
        offers: Offers,
        evict: Callable[[Peer, Outbox], None],
        drop: Callable[[Peer, str, Outbox], None],
    ) -> None:
        self._me = me
        self._id = node_bytes(me)
        self._directory = directory
        self._claims = claims
        self._tables = tables
        self._offers = offers
        self._evict = evict
        self._drop = drop
        self._reported: dict[str, None] = {}
        """Nodes with new figures, those first that wait for longest."""
        self._encoded: dict[str, tuple[NodeInfo, bytes]] = {}

    def settle(self, uuids: Collection[str], out: Outbox) -> None:
        """Make directory and routes of these nodes follow from the claims, and tell everybody."""
        told: dict[Action, list[NodeInfo]] = {Action.DELETE: [], Action.POST: [], Action.PATCH: []}
        events: list[DirectoryEvent] = []
        for uuid in sorted(uuids):
            old, new = self._directory.node(uuid), self._claims.best(uuid)
            found = self._directory.remove(uuid) if new is None else self._directory.put(new)
            events += found
            moved = self._reroute(uuid, new)
            if new is not None and old is not None and same_but_figures(old, new) and not moved:
                self._reported.setdefault(uuid)
                continue
            self._offers.forget({*(old.services if old else ()), *(new.services if new else ())})
            if new is None:
                self._reported.pop(uuid, None)
                self._encoded.pop(uuid, None)
                told[Action.DELETE] += [event.node for event in found]
            elif found:
                told[Action.POST if old is None else Action.PATCH].append(new)
        for action, nodes in told.items():
            if nodes:
                self._tell(action, nodes, out)
        if events:
            out.others.append(Changed(events))
        self._settle_conflicts(uuids, out)

    def _reroute(self, uuid: str, node: NodeInfo | None) -> bool:
        """Send what is for a node where it is now; whether that is somewhere else than before."""
        key = node_bytes(uuid)
        peer: Peer | None = None
        if node is not None and uuid != self._me:
            peer = (
                self._tables.nodes.get(key)
                if node.switch == self._me
                else self._tables.links.get(node_bytes(node.switch))
            )
        old = self._tables.routes.get(key)
        if peer is None:
            self._tables.routes.pop(key, None)
        else:
            self._tables.routes[key] = peer
        return old is not peer

    def _settle_conflicts(self, uuids: Collection[str], out: Outbox) -> None:
        """Nodes that are here and, as another switch says, there.

        One with the id of a switch loses its connection here. Of any other one it has to turn out
        who is right.
        """
        for uuid in sorted(uuids):
            peer = self._tables.nodes.get(node_bytes(uuid))
            if peer is None:
                continue
            node, own = self._directory.node(uuid), self._claims.of(self._me, uuid)
            if node is not None and node.switch != self._me:
                self._drop(peer, f"conflict: the id is that of switch {node.switch}", out)
            elif own is not None and self._claims.rival(own) is not None:
                peer.contested = True

    def _tell(
        self, action: Action, nodes: Sequence[NodeInfo], out: Outbox, *, services: bool = True
    ) -> None:
        """Tell all nodes of this switch."""
        found = [records.record_of(node, services=services) for node in nodes]
        frame = self._frame(action, records.encode_records(found))
        for peer in tuple(self._tables.nodes.values()):
            if self._tables.peers.get(peer.connection) is not peer:
                continue
            if peer.pressure is Pressure.FULL:
                # Its replica would be wrong from now on; it gets a fresh one when it is back.
                self._evict(peer, out)
            else:
                out.send(peer.connection, frame)

    def _frame(self, action: Action, body: bytes) -> bytes:
        return encode_frame(
            self._id,
            self._id,
            NO_DESTINATION,
            records.SYSTEM_SERVICE,
            records.SYSTEM_AREA,
            action,
            body,
        )

    def everybody(self) -> bytes:
        """What a new node is told first.

        Of many nodes that come at once each is told of all: the records are encoded once, not once
        per newcomer.
        """
        body = b"".join(map(self._encoded_record, self._directory.nodes()))
        return self._frame(Action.PUT, body)

    def farewell(self, uuid: str) -> bytes:
        """What a node that leaves is told last."""
        return self._frame(Action.DELETE, records.encode_records([records.own_record(uuid)]))

    def _encoded_record(self, node: NodeInfo) -> bytes:
        known = self._encoded.get(node.uuid)
        if known is None or known[0] is not node:
            # A list of one; lists that are put together are one list.
            known = node, records.encode_records([records.record_of(node)])
            self._encoded[node.uuid] = known
        return known[1]

    def publish(self, out: Outbox) -> list[NodeInfo]:
        """Tell the figures that changed, and with them the switch's own sign of life.

        Returns:
            Those of this switch, for the other switches.
        """
        due = list(islice(self._reported, FIGURES_AT_A_TIME))
        for uuid in due:
            del self._reported[uuid]
        wanted = sorted({*due, self._me})
        nodes = [node for uuid in wanted if (node := self._directory.node(uuid)) is not None]
        self._tell(Action.PATCH, nodes, out, services=False)
        return [node for node in nodes if node.switch == self._me]


def same_but_figures(one: NodeInfo, other: NodeInfo) -> bool:
    """Whether two records of a node differ in their figures at most."""
    return replace(one, statistics=other.statistics) == other
