# SPDX-License-Identifier: Apache-2.0
"""Where a kind of targets is collected, parsed and kept: one table, by the links id of a target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from collect._rules._registry import nearest
from collect.model import L8PTarget, NetworkDevice
from l8types.errors import ConflictError, NotFoundError
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DEFAULT_LINKS", "NETWORK", "TARGETS", "Links", "Route"]

TARGETS: Final = ServiceKey("Targets", 91)
"""The service that keeps the targets."""


@dataclass(frozen=True, slots=True)
class Route:
    """The services behind one links id, and the model of the items that they handle."""

    links_id: str
    collector: ServiceKey
    parser: ServiceKey
    cache: ServiceKey
    """The inventory."""
    persist: ServiceKey
    model: type
    primary_keys: tuple[str, ...]


class Links:
    """Routes by links id.

    Args:
        routes: The routes.

    Raises:
        ConflictError: Two routes have the same links id.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes: dict[str, Route] = {}
        for route in routes:
            if self._routes.setdefault(route.links_id, route) is not route:
                raise ConflictError(f"two routes have the links id {route.links_id!r}")

    def route(self, links_id: str) -> Route:
        """Route of a links id.

        Raises:
            NotFoundError: There is none.
        """
        route = self._routes.get(links_id)
        if route is None:
            raise NotFoundError(
                f"no route for links id {links_id!r}; {nearest(links_id, self._routes)}"
            )
        return route

    def collectors(self) -> frozenset[ServiceKey]:
        """All collector services."""
        return frozenset(route.collector for route in self._routes.values())

    def route_of(self, target: L8PTarget) -> Route:
        """Route of a target.

        Raises:
            NotFoundError: There is none.
        """
        return self.route(target.links_id)


NETWORK: Final = Route(
    links_id="NetDev",
    collector=ServiceKey("Coll", 0),
    parser=ServiceKey("NPars", 0),
    cache=ServiceKey("NCache", 0),
    persist=ServiceKey("NPersist", 0),
    model=NetworkDevice,
    primary_keys=("id",),
)
"""Network devices."""

DEFAULT_LINKS: Final = Links([NETWORK])
"""The routes of the kinds of targets that this package knows."""
