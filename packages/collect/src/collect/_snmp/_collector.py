# SPDX-License-Identifier: Apache-2.0
"""Asks one host over SNMP v2c.

The session is any object with the two calls of :class:`SnmpSession`; the library behind it is
named in `_session` alone.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from collect._snmp._request import Variable, variables
from collect._snmp._values import Raw, read_value
from collect._snmp._walk import WalkGuard
from l8types.errors import (
    BusyError,
    ClosedError,
    InvalidInputError,
    L8Error,
    RequestTimeoutError,
    UnavailableError,
)
from l8types.protocols.collection import PollOperation, PollResult

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
    from types import TracebackType
    from typing import Self

    from l8types.protocols.collection import HostAddress, PollRequest

__all__ = ["SnmpCollector", "SnmpLimits", "SnmpSession", "SnmpSessionFactory"]

T = TypeVar("T")

_DEFAULT_PORT: Final = 161
_MAX_VARIABLES: Final = 16
"""Variables in one GET; the answer then fits the 1472 octets that every agent can send, unless its
texts are long."""


class SnmpSession(Protocol):
    """What is needed of an SNMP library. OIDs are without a leading dot."""

    async def get_many(self, oids: Iterable[str]) -> Mapping[str, Raw]:
        """Values by OID; those that the agent does not have are missing or ``None``."""
        ...

    def getbulk(self, oid: str) -> AsyncIterator[tuple[str, Raw]]:
        """OIDs and values behind ``oid``.

        After a ``TimeoutError``, asking the iterator again repeats the last request.
        """
        ...


class SnmpSessionFactory(Protocol):
    """Opens a session with an agent."""

    def __call__(self, address: str, port: int, community: str, timeout: float) -> SnmpSession:
        """Session with the agent at an IP address.

        Args:
            address: IPv4 or IPv6 address.
            port: UDP port.
            community: Community string.
            timeout: Seconds to wait for the answer to one packet.
        """
        ...


@dataclass(frozen=True, slots=True)
class SnmpLimits:
    """Limits of one session."""

    retries: int = 2
    """How often a packet without an answer is sent again; datagrams get lost."""
    rows: int = 20_000
    """Most rows of a table; a chassis with all its virtual interfaces has some thousands."""
    values: int = 200_000
    """Most values of one walk."""
    total: float = 60.0
    """Seconds that one poll may take in all."""


class SnmpCollector:
    """One SNMP v2c session with one host; implements ``CollectorProtocol``.

    Args:
        host: Where the host is; its credential's secret is the community, its ``timeout`` is
            divided among the attempts for one packet.
        open_session: Opens the session.
        limits: Limits.
    """

    name = "snmp"

    def __init__(
        self,
        host: HostAddress,
        open_session: SnmpSessionFactory,
        limits: SnmpLimits | None = None,
    ) -> None:
        self._host = host
        self._open_session = open_session
        self._limits = limits or SnmpLimits()
        self._port = host.port or host.credential.port or _DEFAULT_PORT
        self._session: SnmpSession | None = None
        self._busy = False

    async def __aenter__(self) -> Self:
        address = await self._resolve()
        attempt = self._host.timeout / (1 + self._limits.retries)
        with self._translated():
            self._session = self._open_session(
                address, self._port, self._host.credential.secret, attempt
            )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._session = None

    @property
    def running(self) -> bool:
        """Whether the session is open."""
        return self._session is not None

    async def poll(self, request: PollRequest) -> PollResult:
        """Ask the host.

        Raises:
            BusyError: Another task is asking.
            ClosedError: The session is not open.
            InvalidInputError: The request is no question that SNMP can ask.
            RemoteError: The agent answered with an error, or does not play by the rules.
            RequestTimeoutError: No answer in time.
            UnavailableError: The host cannot be reached.
        """
        wanted = variables(request.what)
        operation = self._operation(request)
        limit = asyncio.timeout(self._limits.total)
        with self._exclusive() as session, self._translated():
            try:
                async with limit:
                    return await operation(session, wanted)
            except TimeoutError as error:
                if not limit.expired():
                    raise
                raise RequestTimeoutError(
                    f"poll {request.name!r} of {self._place} did not end within "
                    f"{self._limits.total:g} s; ask for less or allow more time"
                ) from error

    @property
    def _place(self) -> str:
        host = f"[{self._host.host}]" if ":" in self._host.host else self._host.host
        return f"{host}:{self._port}"

    def _operation(
        self, request: PollRequest
    ) -> Callable[[SnmpSession, tuple[Variable, ...]], Awaitable[PollResult]]:
        if request.operation is PollOperation.TABLE:
            return self._table
        if request.operation is PollOperation.WALK:
            return self._walk
        if request.operation is PollOperation.GET:
            return self._get
        raise InvalidInputError(
            f"SNMP has no {request.operation}; poll {request.name!r} cannot be asked"
        )

    async def _get(self, session: SnmpSession, wanted: tuple[Variable, ...]) -> PollResult:
        values: dict[str, object] = {}
        for start in range(0, len(wanted), _MAX_VARIABLES):
            part = {one.oid.lstrip("."): one for one in wanted[start : start + _MAX_VARIABLES]}

            async def ask(oids: tuple[str, ...] = tuple(part)) -> Mapping[str, Raw]:
                return await session.get_many(oids)

            for oid, raw in (await self._patiently(ask)).items():
                one = part.get(oid.lstrip("."))
                if one is not None and raw is not None:
                    values[one.name] = read_value(raw, one.type)
        return PollResult(values=values)

    async def _walk(self, session: SnmpSession, wanted: tuple[Variable, ...]) -> PollResult:
        values: dict[str, object] = {}
        for one in wanted:
            for index, raw in await self._below(session, one, self._limits.values):
                values[f"{one.oid}.{index}"] = read_value(raw, one.type)
        return PollResult(values=values)

    async def _table(self, session: SnmpSession, wanted: tuple[Variable, ...]) -> PollResult:
        rows: dict[str, dict[str, object]] = {}
        for one in wanted:
            for index, raw in await self._below(session, one, self._limits.rows):
                rows.setdefault(index, {})[one.name] = read_value(raw, one.type)
        return PollResult(rows=rows)

    async def _below(
        self, session: SnmpSession, one: Variable, limit: int
    ) -> list[tuple[str, Raw]]:
        """Indexes and values below a variable; absent values are left out."""
        guard, found = WalkGuard(one.oid, limit), list[tuple[str, Raw]]()
        values = session.getbulk(one.oid.lstrip("."))
        while True:
            try:
                oid, raw = await self._patiently(lambda: anext(values))
            except StopAsyncIteration:
                return found
            index = guard.index(oid)
            if index is None:
                return found
            if raw is not None:
                found.append((index, raw))

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask again when no answer comes."""
        for _ in range(self._limits.retries):
            try:
                return await ask()
            except TimeoutError:
                continue
        return await ask()

    async def _resolve(self) -> str:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self._host.host, self._port, type=socket.SOCK_DGRAM)
        except OSError as error:
            raise UnavailableError(f"host {self._host.host!r} is not known: {error}") from error
        return str(found[0][4][0])

    @contextmanager
    def _exclusive(self) -> Iterator[SnmpSession]:
        if self._session is None:
            raise ClosedError(f"the SNMP session with {self._place} is not open")
        if self._busy:
            raise BusyError(f"the SNMP session with {self._place} serves one task at a time")
        self._busy = True
        try:
            yield self._session
        finally:
            self._busy = False

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Errors of the operating system in the terms of the ecosystem."""
        try:
            yield
        except L8Error:
            raise
        except TimeoutError as error:
            raise RequestTimeoutError(
                f"no answer from {self._place} within {self._host.timeout:g} s; "
                "check address and community"
            ) from error
        except OSError as error:
            raise UnavailableError(f"{self._place} cannot be reached: {error}") from error
