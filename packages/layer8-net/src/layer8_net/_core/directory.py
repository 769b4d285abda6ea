# SPDX-License-Identifier: Apache-2.0
"""The table of nodes and what they offer, kept by a switch and replicated by every interface."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from l8types.enums import DirectoryEventType, NodeState
from l8types.values import DirectoryEvent, NodeInfo, ServiceKey

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Directory"]


class Directory:
    """Nodes by id with an index by service; every change gives the event that tells of it."""

    def __init__(self) -> None:
        self._nodes: dict[str, NodeInfo] = {}
        self._members: dict[ServiceKey, set[str]] = {}

    def __len__(self) -> int:
        return len(self._nodes)

    def node(self, uuid: str) -> NodeInfo | None:
        """A node, ``None`` when unknown."""
        return self._nodes.get(uuid)

    def nodes(self) -> tuple[NodeInfo, ...]:
        """All nodes by id."""
        return tuple(self._nodes[uuid] for uuid in sorted(self._nodes))

    def members(self, service: ServiceKey) -> tuple[str, ...]:
        """Ids of all nodes that offer a service, sorted."""
        return tuple(sorted(self._members.get(service, ())))

    def providers(self, service: ServiceKey) -> tuple[str, ...]:
        """Ids of the nodes that offer a service and are up, sorted."""
        return tuple(
            uuid for uuid in self.members(service) if self._nodes[uuid].state is NodeState.UP
        )

    def services_of_model(self, model: str) -> tuple[ServiceKey, ...]:
        """Services on nodes that are up and declared this model, sorted."""
        found = {
            key
            for node in self._nodes.values()
            if node.state is NodeState.UP
            for key, name in node.services.items()
            if name == model
        }
        return tuple(sorted(found))

    def put(self, node: NodeInfo) -> list[DirectoryEvent]:
        """Add or replace a node; nothing happens when it is equal to what is known."""
        old = self._nodes.get(node.uuid)
        if old == node:
            return []
        if old is not None:
            self._unindex(old)
        self._nodes[node.uuid] = node
        for key in node.services:
            self._members.setdefault(key, set()).add(node.uuid)
        kind = DirectoryEventType.JOINED if old is None else DirectoryEventType.CHANGED
        return [DirectoryEvent(kind, node)]

    def remove(self, uuid: str) -> list[DirectoryEvent]:
        """Remove a node; the event carries its last record in state DOWN."""
        node = self._nodes.pop(uuid, None)
        if node is None:
            return []
        self._unindex(node)
        return [DirectoryEvent(DirectoryEventType.LEFT, replace(node, state=NodeState.DOWN))]

    def replace_all(self, nodes: Iterable[NodeInfo]) -> list[DirectoryEvent]:
        """Become exactly these nodes; the events tell the differences, departures first."""
        wanted = {node.uuid: node for node in nodes}
        events = [
            event
            for uuid in sorted(self._nodes.keys() - wanted.keys())
            for event in self.remove(uuid)
        ]
        for uuid in sorted(wanted):
            events += self.put(wanted[uuid])
        return events

    def _unindex(self, node: NodeInfo) -> None:
        for key in node.services:
            members = self._members[key]
            members.discard(node.uuid)
            if not members:
                del self._members[key]
