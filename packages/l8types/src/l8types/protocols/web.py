# SPDX-License-Identifier: Apache-2.0
"""Services on the web."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from l8types.enums import Action
from l8types.pb import L8WebService
from l8types.protocols.net import Lifecycle
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from l8types.protocols.net import VNic

__all__ = [
    "TokenValidator",
    "WebEndpoint",
    "WebPlugin",
    "WebServer",
    "WebServerFactory",
    "WebService",
]


@dataclass(frozen=True, slots=True)
class WebEndpoint:
    """One body that an action accepts, and what it answers with (short type names)."""

    action: Action
    request: str
    response: str


class WebService(Protocol):
    """How a service shows on the web. Immutable."""

    @property
    def key(self) -> ServiceKey:
        """The service."""
        ...

    @property
    def endpoints(self) -> Sequence[WebEndpoint]:
        """Endpoints; the first of an action is tried first."""
        ...

    def to_wire(self) -> L8WebService:
        """Announcement message."""
        ...


class WebPlugin(Protocol):
    """Code installed in a gateway by configuration; never received over the network."""

    async def install(self, vnic: VNic) -> None:
        """Add what the plug-in adds."""
        ...


class TokenValidator(Protocol):
    """Checks the bearer token of a request that bypasses the gateway."""

    async def validate_bearer(self, authorization: str) -> str:
        """Identity behind an ``Authorization`` header.

        Raises:
            AuthenticationError: Missing or not valid.
        """
        ...


class WebServer(Lifecycle, Protocol):
    """REST and WebSocket gateway to the services of the network."""

    @property
    def url(self) -> str:
        """Base URL under which it is reached."""
        ...

    def expose(self, service: WebService) -> None:
        """Serve a service; replaces an earlier description of it."""
        ...

    def conceal(self, key: ServiceKey) -> None:
        """No longer serve it; nothing happens when it was not served."""
        ...


class WebServerFactory(Protocol):
    """Makes gateways."""

    def create(self, vnic: VNic, *, host: str = "127.0.0.1", port: int = 0) -> WebServer:
        """Gateway to the services that ``vnic`` reaches; it listens once it is entered.

        Args:
            vnic: Interface through which services are called.
            host: Address to listen on.
            port: TCP port, 0 for a free one.
        """
        ...
