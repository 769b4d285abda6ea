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
    """Nodes by id, indexed by service and model; every change gives the event that tells of it."""

    def __init__(self) -> None:
        self._nodes: dict[str, NodeInfo] = {}
        self._members: dict[ServiceKey, set[str]] = {}
        self._models: dict[str, dict[ServiceKey, set[str]]] = {}
        """By model and service the ids of the nodes that declared the one for the other."""

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
        return tuple(uuid for uuid in self.members(service) if self._is_up(uuid))

    def services_of_model(self, model: str) -> tuple[ServiceKey, ...]:
        """Services on nodes that are up and declared this model, sorted."""
        declared = self._models.get(model, {})
        return tuple(sorted(key for key, nodes in declared.items() if any(map(self._is_up, nodes))))

    def _is_up(self, uuid: str) -> bool:
        return self._nodes[uuid].state is NodeState.UP

    def put(self, node: NodeInfo) -> list[DirectoryEvent]:
        """Add or replace a node; nothing happens when it is equal to what is known."""
        old = self._nodes.get(node.uuid)
        if old == node:
            return []
        if old is not None:
            self._unindex(old)
        self._nodes[node.uuid] = node
        for key, model in node.services.items():
            self._members.setdefault(key, set()).add(node.uuid)
            self._models.setdefault(model, {}).setdefault(key, set()).add(node.uuid)
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
        for key, model in node.services.items():
            _discard(self._members, key, node.uuid)
            declared = self._models[model]
            _discard(declared, key, node.uuid)
            if not declared:
                del self._models[model]


def _discard(index: dict[ServiceKey, set[str]], key: ServiceKey, uuid: str) -> None:
    """Take an id out of an index, and the entry when it was the last one."""
    ids = index[key]
    ids.discard(uuid)
    if not ids:
        del index[key]
