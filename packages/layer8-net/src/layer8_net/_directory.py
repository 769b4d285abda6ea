# SPDX-License-Identifier: Apache-2.0
"""The directory as callers see it: questions, and news for those who watch."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from l8types.protocols.net import DirectoryListener
    from l8types.values import DirectoryEvent, NodeInfo, ServiceKey
    from layer8_net._core.directory import Directory

__all__ = ["DirectoryView"]

_log = logging.getLogger(__name__)


class _Watch:
    """One listener; closing it twice is harmless."""

    def __init__(self, watches: list[_Watch], listener: DirectoryListener) -> None:
        self._watches = watches
        self.listener = listener
        watches.append(self)

    def close(self) -> None:
        """Stop listening."""
        if self in self._watches:
            self._watches.remove(self)


class DirectoryView:
    """Read access to the table of a core.

    Args:
        uuid: Id of this node.
        table: The table, changed by the core alone.
    """

    def __init__(self, uuid: str, table: Directory) -> None:
        self._uuid = uuid
        self._table = table
        self._watches: list[_Watch] = []

    @property
    def uuid(self) -> str:
        """Id of this node."""
        return self._uuid

    def node(self, uuid: str) -> NodeInfo | None:
        """A node, ``None`` when unknown."""
        return self._table.node(uuid)

    def nodes(self) -> tuple[NodeInfo, ...]:
        """All known nodes, this one included, by id."""
        return self._table.nodes()

    def providers(self, service: ServiceKey) -> tuple[str, ...]:
        """Ids of the live nodes that offer a service, sorted."""
        return self._table.providers(service)

    def services_of_model(self, model: str) -> tuple[ServiceKey, ...]:
        """Services on live nodes that declared this model, sorted."""
        return self._table.services_of_model(model)

    def watch(self, listener: DirectoryListener) -> _Watch:
        """Be told of changes from now on."""
        return _Watch(self._watches, listener)

    def publish(self, events: Iterable[DirectoryEvent]) -> None:
        """Tell everybody who watches; a listener that fails is logged and does not stop others."""
        for event in events:
            for watch in tuple(self._watches):
                try:
                    watch.listener(event)
                except Exception:  # noqa: BLE001 - a listener is foreign code at the edge
                    _log.exception("directory listener failed on %s", event.type.value)
