# SPDX-License-Identifier: Apache-2.0
"""How a switch tells of the health of the nodes: a report to who is new, notices to all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.constants import HEALTH_SERVICE
from l8types.enums import Action, Priority
from l8types.values import Message, NodeInfo
from layer8_net._core.switch_events import Pressure
from layer8_net._go.records import changed_notice, gone_notice, new_notice, record_of
from layer8_net._go.values import pack_elements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from l8types.pb import L8NotificationSet
    from layer8_net._core.switch_state import Outbox
    from layer8_net._go.switch_tables import GoPeer, GoTables

__all__ = ["HealthPublisher"]


class HealthPublisher:
    """Sends what the directory of a switch knows to its nodes and to the other switches.

    Nodes that live here are told of to all; those of other switches, which tell the other switches
    themselves, to the nodes that live here.

    Args:
        me: Id of the switch.
        tables: Its connections.
        seal: Makes the frame of a message of the switch.
    """

    def __init__(self, me: str, tables: GoTables, seal: Callable[[Message], bytes]) -> None:
        self._me = me
        self._tables = tables
        self._seal = seal
        self._sequence = 0
        self._told: dict[str, NodeInfo] = {}
        """Nodes as they were told of last."""

    def report(self, peer: GoPeer, nodes: Iterable[NodeInfo]) -> bytes:
        """Records of nodes for one peer."""
        return self._seal(
            Message(
                destination=peer.endpoint.uuid,
                service=HEALTH_SERVICE,
                area=peer.area,
                action=Action.PATCH,
                priority=Priority.P1,
                data=pack_elements((record_of(node), node.uuid) for node in nodes),
            )
        )

    def new(self, node: NodeInfo, out: Outbox) -> list[GoPeer]:
        """A node came; who does not keep up with the notices."""
        self._told[node.uuid] = node
        return self._spread(
            node,
            lambda area: new_notice(node, source=self._me, area=area, sequence=self._next()),
            out,
        )

    def gone(self, node: NodeInfo, out: Outbox) -> list[GoPeer]:
        """A node left; who does not keep up with the notices."""
        if self._told.pop(node.uuid, None) is None:
            return []
        return self._spread(
            node,
            lambda area: gone_notice(node, source=self._me, area=area, sequence=self._next()),
            out,
        )

    def changed(self, node: NodeInfo, out: Outbox) -> list[GoPeer]:
        """A node changed since it was told of last; who does not keep up with the notices."""
        old = self._told.get(node.uuid)
        if old is None or old == node:
            return []
        self._told[node.uuid] = node
        return self._spread(
            node,
            lambda area: changed_notice(
                old, node, source=self._me, area=area, sequence=self._next()
            ),
            out,
        )

    def pass_on(self, message: Message, frame: bytes | None, out: Outbox) -> None:
        """Pass notices of another switch on to the nodes here.

        Args:
            message: The notices.
            frame: As they came, for the nodes of the same area of health; ``None`` to make it anew.
            out: Where to send.
        """
        frames = {} if frame is None else {message.area: frame}
        for peer in self._tables.nodes():
            if peer.area not in frames:
                frames[peer.area] = self._notice_frame(peer.area, message.data)
            out.send(peer.connection, frames[peer.area])

    def heard(self, node: NodeInfo) -> None:
        """Another switch told the nodes here of a node."""
        self._told[node.uuid] = node

    def forget(self, uuid: str) -> None:
        """Another switch told the nodes here that a node is gone."""
        self._told.pop(uuid, None)

    def _next(self) -> int:
        self._sequence = self._sequence % 0xFFFF_FFFF + 1
        return self._sequence

    def _spread(
        self, node: NodeInfo, make: Callable[[int], L8NotificationSet | None], out: Outbox
    ) -> list[GoPeer]:
        frames: dict[int, bytes] = {}
        slow = []
        for peer in self._audience(node):
            if peer.pressure is Pressure.FULL:
                slow.append(peer)
                continue
            area = peer.area
            if area not in frames:
                notice = make(area)
                if notice is None:
                    return slow
                frames[area] = self._notice_frame(area, pack_elements([(notice, None)]))
            out.send(peer.connection, frames[area])
        return slow

    def _audience(self, node: NodeInfo) -> list[GoPeer]:
        nodes = self._tables.nodes()
        return nodes + self._tables.links() if node.switch == self._me else nodes

    def _notice_frame(self, area: int, data: bytes) -> bytes:
        return self._seal(
            Message(
                service=HEALTH_SERVICE,
                area=area,
                action=Action.NOTIFY,
                data=data,
            )
        )
