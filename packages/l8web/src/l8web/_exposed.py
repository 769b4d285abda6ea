# SPDX-License-Identifier: Apache-2.0
"""The services that a gateway serves, and the models of their bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.enums import Action
from l8types.errors import InvalidInputError, NotFoundError
from l8types.protocols.web import WebEndpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from l8types.pb import L8WebService
    from l8types.protocols.models import Registry
    from l8types.protocols.web import WebService
    from l8types.values import ServiceKey

__all__ = ["ExposedServices", "endpoints_of"]


class ExposedServices:
    """Endpoints by service; a later description replaces an earlier one."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._services: dict[ServiceKey, tuple[WebEndpoint, ...]] = {}

    def __iter__(self) -> Iterator[ServiceKey]:
        return iter(sorted(self._services))

    def expose(self, service: WebService) -> None:
        """Serve a service."""
        self.add(service.key, service.endpoints)

    def add(self, key: ServiceKey, endpoints: Sequence[WebEndpoint]) -> None:
        """Serve a service by its endpoints.

        Raises:
            NotFoundError: A body type is not registered here, so its bodies cannot be read.
        """
        for endpoint in endpoints:
            self._registry.info(endpoint.request)
        self._services[key] = tuple(endpoints)

    def remove(self, key: ServiceKey) -> None:
        """No longer serve it."""
        self._services.pop(key, None)

    def endpoints(self, key: ServiceKey) -> tuple[WebEndpoint, ...]:
        """Endpoints of a service.

        Raises:
            NotFoundError: It is not served here; tells which services are.
        """
        try:
            return self._services[key]
        except KeyError:
            known = ", ".join(f"{k.area}/{k.name}" for k in self) or "none yet"
            raise NotFoundError(
                f"no service {key.area}/{key.name} on the web; there are: {known}"
            ) from None

    def models(self, key: ServiceKey, action: Action) -> list[type]:
        """Models that an action of a service accepts, the first to be tried first.

        Raises:
            NotFoundError: The service is not served.
            InvalidInputError: It is, but not with this action.
        """
        names = [e.request for e in self.endpoints(key) if e.action == action]
        if not names:
            raise InvalidInputError(f"service {key.area}/{key.name} does not offer {action.name}")
        return [self._registry.info(name).model for name in names]


def endpoints_of(message: L8WebService) -> list[WebEndpoint]:
    """Endpoints of an announcement, the primary body of each action first.

    Raises:
        InvalidInputError: An action number that is not known.
    """
    found = []
    for number, endpoint in sorted(message.endpoints.items()):
        try:
            action = Action(number)
        except ValueError:
            raise InvalidInputError(f"announcement with unknown action {number}") from None
        bodies = sorted(
            endpoint.body2Response.items(), key=lambda pair: pair[0] != endpoint.primaryBody
        )
        found += [WebEndpoint(action, request, response) for request, response in bodies]
    return found
