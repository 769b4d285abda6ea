# SPDX-License-Identifier: Apache-2.0
"""Settings of a gateway."""

from __future__ import annotations

from dataclasses import dataclass

from l8types.errors import ConfigurationError

__all__ = ["WebSettings"]


@dataclass(frozen=True, slots=True)
class WebSettings:
    """How a gateway listens and what it accepts."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 0
    """TCP port, 0 for a free one."""
    prefix: str = "/api/"
    """Path below which the services are found; starts and ends with a slash."""
    max_body_bytes: int = 5_242_880
    """Largest request body; 5 MiB is the file limit of the ecosystem."""
    max_connections: int = 512
    """Connections above this get an answer 503 at once, so that a flood cannot eat the memory."""
    request_timeout: float = 30.0
    """Seconds a service has for its answer."""
    token_lifetime: int = 3600
    """Seconds a browser keeps the cookie; the token itself may end earlier."""
    shutdown_timeout: float = 2.0
    """Seconds open requests get when the gateway closes."""

    def __post_init__(self) -> None:
        if not (self.prefix.startswith("/") and self.prefix.endswith("/")):
            raise ConfigurationError(f"web prefix {self.prefix!r} must start and end with '/'")
        if not 0 <= self.port <= 65_535:
            raise ConfigurationError(f"web port {self.port} is not in 0..65535")
