# SPDX-License-Identifier: Apache-2.0
"""Which provider a request goes to, picked by the node that asks from its own directory.

The sender that picks knows whom it asked: it can cancel there, need not wait for a node that
leaves, and can ask another one when the first no longer offers the service. Where its directory
knows nobody the switch is asked to pick, which may have heard of someone a moment earlier.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from l8types.enums import MulticastMode
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from collections.abc import Collection

    from layer8_net._core.directory import Directory

__all__ = ["Router"]


class Router:
    """Picks providers in turn, per service and area.

    The memory is the id that was served last, not a position, so that the turn survives nodes
    that come and go. Each node begins behind its own id, so that many nodes that ask once do not
    all ask the same one.

    Args:
        me: Id of this node.
        directory: Who offers what.
    """

    def __init__(self, me: str, directory: Directory) -> None:
        self._me = me
        self._directory = directory
        self._last: dict[tuple[str, int], str] = {}
        self._all: dict[tuple[str, int], tuple[str, ...]] = {}
        self._near: dict[tuple[str, int], tuple[str, ...]] = {}

    def changed(self) -> None:
        """The directory changed."""
        self._all.clear()
        self._near.clear()

    def pick(
        self, mode: MulticastMode, service: str, area: int, without: Collection[str] = ()
    ) -> str:
        """The node that a request goes to, "" when nobody fits.

        Args:
            mode: ``PROXIMITY`` prefers the nodes behind the own switch, all others take turns.
            service: Name of the service.
            area: Its area.
            without: Nodes that must not be picked.
        """
        key = (service, area)
        if mode is MulticastMode.PROXIMITY:
            near = _without(self._nearby(key), without)
            if near:
                return self._next(key, near)
        candidates = _without(self._providers(key), without)
        return self._next(key, candidates) if candidates else ""

    def known(self, service: str, area: int) -> bool:
        """Whether anybody alive offers a service."""
        return bool(self._providers((service, area)))

    def _next(self, key: tuple[str, int], candidates: tuple[str, ...]) -> str:
        position = bisect_right(candidates, self._last.get(key, self._me))
        chosen = candidates[position % len(candidates)]
        self._last[key] = chosen
        return chosen

    def _providers(self, key: tuple[str, int]) -> tuple[str, ...]:
        found = self._all.get(key)
        if found is None:
            found = self._directory.providers(ServiceKey(*key)) if key[0] else ()
            if found:
                # Only what exists is remembered: names may come from outside.
                self._all[key] = found
            else:
                self._last.pop(key, None)
        return found

    def _nearby(self, key: tuple[str, int]) -> tuple[str, ...]:
        found = self._near.get(key)
        if found is None:
            own = self._directory.node(self._me)
            switch = "" if own is None else own.switch
            found = tuple(uuid for uuid in self._providers(key) if self._switch_of(uuid) == switch)
            if found:
                self._near[key] = found
        return found

    def _switch_of(self, uuid: str) -> str:
        node = self._directory.node(uuid)
        return "" if node is None else node.switch


def _without(candidates: tuple[str, ...], excluded: Collection[str]) -> tuple[str, ...]:
    if not excluded:
        return candidates
    return tuple(uuid for uuid in candidates if uuid not in excluded)
