# SPDX-License-Identifier: Apache-2.0
"""Who offers a service, looked up once and remembered until something about it changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from l8types.values import ServiceKey
from layer8_net._core.frame import node_bytes
from layer8_net._core.switch_state import Peer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from layer8_net._core.directory import Directory
    from layer8_net._core.selection import Picker
    from layer8_net._core.switch_state import Tables

__all__ = ["Offer", "Offers"]


@dataclass(frozen=True, slots=True)
class Offer:
    """Who offers a service: for multicasts all who are connected, for a pick those who are up."""

    peers: tuple[Peer, ...]
    """Nodes of this switch."""
    links: tuple[Peer, ...]
    """Links behind which there are nodes that offer it."""
    distant: frozenset[bytes]
    """Ids of the nodes behind links."""
    live: tuple[str, ...]
    """Ids of all that are up, sorted."""
    nearby: tuple[str, ...]
    """Those of them that are nodes of this switch."""


_NOBODY = Offer((), (), frozenset(), (), ())


class Offers:
    """Answers who offers a service, at the cost of one look-up.

    Args:
        directory: Nodes of the network.
        tables: Where they are.
        picker: Remembers whose turn it was.
    """

    def __init__(self, directory: Directory, tables: Tables, picker: Picker) -> None:
        self._directory = directory
        self._tables = tables
        self._picker = picker
        self._known: dict[tuple[bytes, int], Offer] = {}

    def of(self, service: tuple[bytes, int]) -> Offer:
        """Who offers a service; what nobody offers is not remembered."""
        offer = self._known.get(service)
        if offer is None:
            offer = self._look_up(service)
            if offer is not _NOBODY:
                self._known[service] = offer
        return offer

    def forget(self, services: Iterable[ServiceKey]) -> None:
        """Something changed about nodes that offer these, or did."""
        for key in services:
            service = (key.name.encode(), key.area)
            self._known.pop(service, None)
            if not self._directory.members(key):
                self._picker.forget(service)

    def _look_up(self, service: tuple[bytes, int]) -> Offer:
        name = service[0].decode("utf-8", "replace")
        if not name:
            return _NOBODY
        key = ServiceKey(name, service[1])
        reach = self._tables.reach
        members = [(node_bytes(uuid), uuid) for uuid in self._directory.members(key)]
        reached = [
            (node, uuid, peer) for node, uuid in members if (peer := reach(node)) is not None
        ]
        if not reached:
            return _NOBODY
        live = self._directory.providers(key)
        local = {uuid: peer for _, uuid, peer in reached if not peer.is_link}
        links = {peer.connection: peer for _, _, peer in reached if peer.is_link}
        return Offer(
            tuple(local.values()),
            tuple(links.values()),
            frozenset(node for node, _, peer in reached if peer.is_link),
            live,
            tuple(uuid for uuid in live if uuid in local),
        )
