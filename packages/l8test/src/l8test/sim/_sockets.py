# SPDX-License-Identifier: Apache-2.0
"""What stands in for a socket where code asks a transport or a server for it."""

from __future__ import annotations

import socket
from typing import Final

__all__ = ["ANY", "LOOPBACK", "Address", "SimSocket"]

Address = tuple[str, int]
"""IPv4 address and port."""

LOOPBACK: Final = "127.0.0.1"
ANY: Final = "0.0.0.0"  # noqa: S104 - nothing listens for real


class SimSocket:
    """Knows the addresses of its two ends, and takes options without effect."""

    __slots__ = ("_local", "_options", "_remote", "type")

    family: Final = socket.AF_INET
    proto: Final = 0

    def __init__(
        self,
        local: Address,
        remote: Address | None = None,
        kind: socket.SocketKind = socket.SOCK_STREAM,
    ) -> None:
        self._local = local
        self._remote = remote
        self._options: dict[tuple[int, int], int | bytes] = {}
        self.type = kind

    def getsockname(self) -> Address:
        """This end."""
        return self._local

    def getpeername(self) -> Address:
        """The other end.

        Raises:
            OSError: There is none.
        """
        if self._remote is None:
            raise OSError("not connected")
        return self._remote

    def setsockopt(self, level: int, option: int, value: int | bytes) -> None:
        """Remember an option; it changes nothing."""
        self._options[level, option] = value

    def getsockopt(self, level: int, option: int) -> int | bytes:
        """What was set before, else 0."""
        return self._options.get((level, option), 0)

    def fileno(self) -> int:
        """There is no file."""
        return -1
