# SPDX-License-Identifier: Apache-2.0
"""What may be said in the clear: on this machine anything, beyond it only what was allowed."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from l8types.errors import ConfigurationError

if TYPE_CHECKING:
    import ssl

    from l8types.settings import NodeSettings

__all__ = ["check_exposure", "check_peer", "is_loopback", "is_wildcard"]


def check_exposure(settings: NodeSettings, context: ssl.SSLContext | None) -> None:
    """Refuse to be reached from other machines in the clear, unless told to.

    Raises:
        ConfigurationError: It would be.
    """
    if context is not None or settings.insecure or is_loopback(settings.host):
        return
    raise ConfigurationError(
        f"listening on {settings.host!r} without certificates exposes the network; set up "
        "certificates, listen on 127.0.0.1, or allow it with insecure=True"
    )


def check_peer(settings: NodeSettings, context: ssl.SSLContext | None, host: str) -> None:
    """Refuse to link to another machine in the clear, unless told to.

    Raises:
        ConfigurationError: It would be.
    """
    if context is not None or settings.insecure or is_loopback(host):
        return
    raise ConfigurationError(
        f"a link to {host!r} without certificates exposes the network; set up certificates, or "
        "allow it with insecure=True"
    )


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine and cannot be another one."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # A host name may resolve to anything.
        return False


def is_wildcard(host: str) -> bool:
    """Whether a switch that listens there is reached at all addresses of its machine."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return not host
