# SPDX-License-Identifier: Apache-2.0
"""On which nodes the members are; a synchronous core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8services._transactions.views import View, address_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Places"]


class Places:
    """Nodes of members: where they began, unless they said that they are elsewhere now."""

    def __init__(self) -> None:
        self._nodes: dict[str, str] = {}
        self._last: tuple[View | None, dict[str, str]] = None, {}
        """The view that was asked about last, and its members by their nodes."""

    def learn(self, nodes: Mapping[str, str]) -> None:
        """Members are on these nodes."""
        self._nodes.update(nodes)
        self._last = None, {}

    def of(self, member: str) -> str:
        """Id of the node where a member is."""
        return self._nodes.get(member) or address_of(member)

    def member(self, view: View, node: str) -> str:
        """The member of a view on a node, "" for none."""
        if view is not self._last[0]:
            self._last = view, {self.of(member): member for member in reversed(view.members)}
        return self._last[1].get(node, "")
