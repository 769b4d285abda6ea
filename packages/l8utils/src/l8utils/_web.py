# SPDX-License-Identifier: Apache-2.0
"""How a service shows on the web: which bodies each action accepts and what it answers with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from l8types.enums import Action
from l8types.errors import DecodeError, InvalidInputError, L8Error, NotFoundError
from l8types.pb import L8WebService
from l8types.protocols.web import WebEndpoint
from l8types.values import ServiceKey
from l8utils._names import short_name

if TYPE_CHECKING:
    from l8types.protocols.models import Registry, Serializer

EMPTY: Final = "L8Empty"
"""Type of a body or an answer without content."""


@dataclass(frozen=True, slots=True)
class WebServiceDefinition:
    """Description of a service on the web; immutable, built up with :meth:`with_endpoint`.

    Attributes:
        key: The service.
        endpoints: Bodies in the order in which they were added; the first of an action is tried
            first.
        port: TCP port of the switch behind which the service lives, 0 when not said.

    Raises:
        InvalidInputError: One action has two endpoints for the same body.

    Example:
        >>> from l8types.enums import Action
        >>> from l8types.pb import L8Query, TestProto, TestProtoList
        >>> from l8types.values import ServiceKey
        >>> web = WebServiceDefinition(ServiceKey("Tests"))
        >>> web = web.with_endpoint(Action.POST, TestProto)
        >>> web = web.with_endpoint(Action.GET, L8Query, TestProtoList)
        >>> [endpoint.response for endpoint in web.endpoints]
        ['L8Empty', 'TestProtoList']
    """

    key: ServiceKey
    endpoints: tuple[WebEndpoint, ...] = ()
    port: int = 0

    def __post_init__(self) -> None:
        seen: set[tuple[Action, str]] = set()
        for endpoint in self.endpoints:
            place = endpoint.action, endpoint.request
            if place in seen:
                raise InvalidInputError(
                    f"service {self.key} accepts {endpoint.request!r} twice "
                    f"for {endpoint.action.name}"
                )
            seen.add(place)

    def with_endpoint(
        self,
        action: Action,
        request: type | str | None = None,
        response: type | str | None = None,
    ) -> WebServiceDefinition:
        """The same with one more body.

        Args:
            action: The action that accepts it.
            request: Type of the body, as class or short name; ``None`` for no content.
            response: Type of the answer; ``None`` for no content.

        Raises:
            InvalidInputError: The action accepts this body already.
        """
        endpoint = WebEndpoint(action, _type_name(request), _type_name(response))
        return replace(self, endpoints=(*self.endpoints, endpoint))

    def endpoints_of(self, action: Action) -> tuple[WebEndpoint, ...]:
        """Endpoints of an action, the primary one first."""
        return tuple(endpoint for endpoint in self.endpoints if endpoint.action is action)

    def parse(
        self, action: Action, body: bytes, *, registry: Registry, serializer: Serializer
    ) -> tuple[object, WebEndpoint]:
        """Find the endpoint that a body is meant for.

        The types are tried in the order of the endpoints; the first whose strict reading of the
        body succeeds is taken.

        Args:
            action: The action asked for.
            body: Content of the request.
            registry: Knows the types.
            serializer: Reads the body; must refuse attributes that the type does not have.

        Returns:
            The body as an instance, and the endpoint.

        Raises:
            NotFoundError: The service does not offer the action.
            InvalidInputError: No type fits; the message tells why for each.
        """
        endpoints = self.endpoints_of(action)
        if not endpoints:
            raise NotFoundError(f"service {self.key} offers no {action.name}")
        reasons: list[str] = []
        for endpoint in endpoints:
            try:
                model = registry.info(endpoint.request).model
                return serializer.unmarshal(body, model), endpoint
            except L8Error as error:
                reasons.append(f"no {endpoint.request}: {error.message}")
        raise InvalidInputError(
            f"body does not fit {action.name} of service {self.key} ({'; '.join(reasons)})"
        )

    def to_wire(self) -> L8WebService:
        """Announcement message."""
        message = L8WebService(
            service_name=self.key.name, service_area=self.key.area, vnet=self.port
        )
        for endpoint in self.endpoints:
            entry = message.endpoints[endpoint.action]
            entry.body2Response[endpoint.request] = endpoint.response
            entry.primaryBody = entry.primaryBody or endpoint.request
        return message

    @classmethod
    def from_wire(cls, message: L8WebService) -> WebServiceDefinition:
        """Description from its announcement.

        Actions are ordered by number, bodies by name after the primary one, since the message keeps
        no order of its own. A body without content has an empty name in some announcements.

        Raises:
            DecodeError: No service name, an area out of range, or an unknown action.
        """
        try:
            key = ServiceKey(message.service_name, message.service_area)
            endpoints = tuple(
                WebEndpoint(Action(number), request or EMPTY, entry.body2Response[request] or EMPTY)
                for number, entry in sorted(message.endpoints.items())
                for request in sorted(
                    entry.body2Response, key=lambda name: (name != entry.primaryBody, name)
                )
            )
            return cls(key, endpoints, message.vnet)
        except ValueError as error:
            raise DecodeError(f"announcement of a web service makes no sense: {error}") from error


def _type_name(model: type | str | None) -> str:
    if model is None:
        return EMPTY
    return model if isinstance(model, str) else short_name(model)
