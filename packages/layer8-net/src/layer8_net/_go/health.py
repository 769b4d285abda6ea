# SPDX-License-Identifier: Apache-2.0
"""A node's replica of the health of all: one report in the beginning, then notices."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from l8types.constants import HEALTH_SERVICE
from l8types.enums import Action, DirectoryEventType
from l8types.pb import L8Health, L8NotificationSet
from layer8_net._go.records import apply_notice, node_of
from layer8_net._go.values import read_messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from l8types.values import DirectoryEvent, Message, NodeInfo, ServiceKey
    from layer8_net._core.directory import Directory

__all__ = ["HealthReplica"]


class HealthReplica:
    """Applies what the switch tells to the directory of a node.

    Args:
        me: Id of this node.
        directory: The directory.
        offered: What this node offers; nobody knows that better.
    """

    def __init__(
        self, me: str, directory: Directory, offered: Callable[[], Mapping[ServiceKey, str]]
    ) -> None:
        self._me = me
        self._directory = directory
        self._offered = offered
        self._fresh = True

    def expect_report(self) -> None:
        """The next report is that of a new connection: it replaces what is known."""
        self._fresh = True

    def concerns(self, message: Message, switch: str) -> bool:
        """Whether a message is a report of our switch, or a notice of any switch."""
        if message.service != HEALTH_SERVICE or message.request:
            return False
        if message.action is Action.NOTIFY:
            return message.source == message.vnet
        return message.action is Action.PATCH and message.source == switch

    def take(self, message: Message) -> list[DirectoryEvent]:
        """Apply a report or a notice; what changed.

        Raises:
            DecodeError: It makes no sense.
        """
        if message.action is Action.NOTIFY:
            return [
                event
                for notice in read_messages(message.data, L8NotificationSet)
                if notice.service_name == HEALTH_SERVICE
                for event in self._apply(notice)
            ]
        nodes = [
            self._own(node_of(record, message.source))
            for record in read_messages(message.data, L8Health)
        ]
        if not self._fresh:
            return [event for node in nodes for event in self._directory.put(node)]
        self._fresh = False
        return self._directory.replace_all([*self._known_self(message.source), *nodes])

    @staticmethod
    def gone(events: Iterable[DirectoryEvent]) -> list[str]:
        """Ids of the nodes that left."""
        return [event.node.uuid for event in events if event.type is DirectoryEventType.LEFT]

    def _apply(self, notice: L8NotificationSet) -> list[DirectoryEvent]:
        node = apply_notice(notice, self._directory.node)
        if node is not None:
            return self._directory.put(self._own(node))
        return [] if notice.model_key == self._me else self._directory.remove(notice.model_key)

    def _known_self(self, switch: str) -> list[NodeInfo]:
        own = self._directory.node(self._me)
        return [] if own is None else [replace(own, switch=switch)]

    def _own(self, node: NodeInfo) -> NodeInfo:
        """Switches take a new node for a switch at first, and know of services later."""
        if node.uuid != self._me:
            return node
        return replace(node, services=dict(self._offered()), is_switch=False)
