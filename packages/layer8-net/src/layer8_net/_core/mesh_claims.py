# SPDX-License-Identifier: Apache-2.0
"""Which switch says what about which node.

Every switch owns the records of the nodes connected to it. Two may claim the same node for a
while, when it moved and its old connection is not seen dead yet. The claim of the later connection
counts; when it is withdrawn the other one counts again. A switch goes by its own claim as long as
it has one: what another one says takes no node away that is connected here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from l8types.enums import NodeState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from l8types.values import NodeInfo

__all__ = ["Claims"]


class Claims:
    """Records by the switch that owns them.

    Args:
        me: The switch that goes by them.
    """

    def __init__(self, me: str = "") -> None:
        self._me = me
        self._owners: dict[str, dict[str, NodeInfo]] = {}
        self._silent: set[str] = set()

    def of(self, owner: str, uuid: str) -> NodeInfo | None:
        """What one switch says about a node."""
        return self._owners.get(owner, {}).get(uuid)

    def all_of(self, owner: str) -> list[NodeInfo]:
        """All records of one switch, by id."""
        return [node for _, node in sorted(self._owners.get(owner, {}).items())]

    def best(self, uuid: str) -> NodeInfo | None:
        """The record that counts; its ``switch`` is the owner."""
        chosen: NodeInfo | None = None
        for claims in self._owners.values():
            node = claims.get(uuid)
            if node is not None and (chosen is None or self._rank(node) > self._rank(chosen)):
                chosen = node
        if chosen is not None and chosen.switch in self._silent and chosen.state is NodeState.UP:
            return replace(chosen, state=NodeState.UNREACHABLE)
        return chosen

    def rival(self, own: NodeInfo) -> NodeInfo | None:
        """The claim by which the other switches go instead of this one's, ``None`` for none."""
        chosen = own
        for owner, claims in self._owners.items():
            node = claims.get(own.uuid)
            if owner != own.switch and node is not None and _age(node) > _age(chosen):
                chosen = node
        return None if chosen is own else chosen

    def put(self, node: NodeInfo) -> None:
        """Take over the record of a node from the switch that the record names."""
        self._owners.setdefault(node.switch, {})[node.uuid] = node

    def remove(self, owner: str, uuid: str) -> None:
        """A switch no longer claims a node."""
        claims = self._owners.get(owner, {})
        claims.pop(uuid, None)
        if not claims:
            self._owners.pop(owner, None)

    def replace_all(self, owner: str, nodes: Iterable[NodeInfo]) -> set[str]:
        """A switch claims exactly these; the ids of all nodes that it claims now or did before."""
        touched = set(self._owners.pop(owner, ()))
        for node in nodes:
            self.put(node)
            touched.add(node.uuid)
        return touched

    def is_silent(self, owner: str) -> bool:
        """Whether nothing is heard of a switch."""
        return owner in self._silent

    def silence(self, owner: str, *, silent: bool) -> list[str]:
        """Nothing is heard of a switch, or it is heard again; the ids of the nodes behind it."""
        if silent:
            self._silent.add(owner)
        else:
            self._silent.discard(owner)
        return sorted(self._owners.get(owner, ()))

    def _rank(self, node: NodeInfo) -> tuple[bool, bool, float, str]:
        # No node can take the place of a switch.
        return node.is_switch, node.switch == self._me, *_age(node)


def _age(node: NodeInfo) -> tuple[float, str]:
    return node.started, node.switch
