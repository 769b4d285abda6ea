# SPDX-License-Identifier: Apache-2.0
"""Who has which port of one host."""

from __future__ import annotations

import errno
import itertools
import os
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from l8test.sim._sockets import ANY, LOOPBACK, Address

if TYPE_CHECKING:
    from l8test.sim._datagram import SimDatagramTransport
    from l8test.sim._server import SimServer

__all__ = ["Ports"]

E = TypeVar("E")

_EPHEMERAL: Final = 32_768
"""First of the ports that are given to who asks for any."""


class _Table(Generic[E]):
    """Owners by address and port; an owner at any address is found under each."""

    def __init__(self) -> None:
        self._owners: dict[Address, list[E]] = {}

    def claim(self, address: Address, owner: E, *, share: bool) -> None:
        if not share and any(owners for owners in self._rivals(address)):
            text = os.strerror(errno.EADDRINUSE)
            raise OSError(errno.EADDRINUSE, f"{text}: {address[0]}:{address[1]}")
        self._owners.setdefault(address, []).append(owner)

    def release(self, owner: E) -> None:
        for address, owners in list(self._owners.items()):
            if owner in owners:
                owners.remove(owner)
            if not owners:
                del self._owners[address]

    def at(self, address: Address) -> list[E]:
        exact = self._owners.get(address, [])
        return [*exact, *self._owners.get((ANY, address[1]), [])]

    def _rivals(self, address: Address) -> list[list[E]]:
        host, port = address
        return [
            owners
            for (other, number), owners in self._owners.items()
            if number == port and (host == other or ANY in {host, other})
        ]


class Ports:
    """The ports of one host, for connections and for datagrams.

    Args:
        address: Address of the host beside its loopback.
    """

    def __init__(self, address: str) -> None:
        self._addresses = frozenset({address, LOOPBACK, ANY})
        self._numbers = itertools.count(_EPHEMERAL)
        self._listeners: _Table[SimServer] = _Table()
        self._endpoints: _Table[SimDatagramTransport] = _Table()

    def free(self) -> int:
        """A port that nobody was given before."""
        return next(self._numbers)

    def listen(self, address: Address, server: SimServer) -> None:
        """Give a port to a server.

        Raises:
            OSError: It is taken, or the address belongs to somebody else.
        """
        self._check(address)
        self._listeners.claim(address, server, share=False)

    def listener(self, address: Address) -> SimServer | None:
        """Who accepts connections to an address."""
        found = self._listeners.at(address)
        return found[0] if found else None

    def bind(self, address: Address, endpoint: SimDatagramTransport, *, share: bool) -> None:
        """Give a datagram port to an endpoint.

        Raises:
            OSError: It is taken and not shared, or the address belongs to somebody else.
        """
        self._check(address)
        self._endpoints.claim(address, endpoint, share=share)

    def bound(self, address: Address) -> list[SimDatagramTransport]:
        """Endpoints that receive at an address."""
        return self._endpoints.at(address)

    def unlisten(self, server: SimServer) -> None:
        """Free the ports of a server."""
        self._listeners.release(server)

    def unbind(self, endpoint: SimDatagramTransport) -> None:
        """Free the port of an endpoint."""
        self._endpoints.release(endpoint)

    def _check(self, address: Address) -> None:
        if address[0] not in self._addresses:
            text = os.strerror(errno.EADDRNOTAVAIL)
            raise OSError(errno.EADDRNOTAVAIL, f"{text}: {address[0]}")
