# SPDX-License-Identifier: Apache-2.0
"""Options of the sockets of long-lived connections."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from layer8_net._link import Link

__all__ = ["tune"]

_OPTIONS: Final = (
    # Batches are made above; waiting for more would only delay what is due.
    (socket.IPPROTO_TCP, "TCP_NODELAY", 1),
    # Below the liveness of the switch: the kernel finds a dead host also while nothing is sent.
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 5),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 3),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
    # What was sent and is not acknowledged for so many milliseconds ends the connection.
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 12_000),
)


def tune(link: Link) -> None:
    """Set the options that the system knows; those that it does not know are left out."""
    sock = link.socket
    if sock is None:
        return
    for level, name, value in _OPTIONS:
        option = getattr(socket, name, None)
        if option is not None:
            with suppress(OSError):
                sock.setsockopt(level, option, value)
