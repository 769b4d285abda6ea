# SPDX-License-Identifier: Apache-2.0
"""The one place that knows the SNMP library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gufo.snmp import NoSuchInstance, SnmpAuthError, SnmpError, SnmpVersion
from gufo.snmp.aio import SnmpSession as GufoSession

from l8types.errors import AuthenticationError, RemoteError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from collect._snmp._values import Raw

__all__ = ["open_session"]

_ROWS_PER_PACKET: Final = 25
"""Repetitions of a GETBULK: what an agent can send in one Ethernet frame for most columns."""


class _Session:
    """Adds the error vocabulary of the ecosystem to a session of the library."""

    def __init__(self, session: GufoSession) -> None:
        self._session = session

    async def get_many(self, oids: Iterable[str]) -> Mapping[str, Raw]:
        """Values by OID."""
        try:
            return await self._session.get_many(oids)
        except NoSuchInstance:
            return {}
        except SnmpError as error:
            raise _translated(error) from error

    def getbulk(self, oid: str) -> AsyncIterator[tuple[str, Raw]]:
        """OIDs and values behind ``oid``."""
        return _Values(self._session.getbulk(oid))


class _Values:
    def __init__(self, values: AsyncIterator[tuple[str, Raw]]) -> None:
        self._values = values

    def __aiter__(self) -> AsyncIterator[tuple[str, Raw]]:
        return self

    async def __anext__(self) -> tuple[str, Raw]:
        try:
            return await anext(self._values)
        except NoSuchInstance as error:
            raise StopAsyncIteration from error
        except SnmpError as error:
            raise _translated(error) from error


def _translated(error: SnmpError) -> AuthenticationError | RemoteError:
    reason = str(error) or type(error).__name__
    if isinstance(error, SnmpAuthError):
        return AuthenticationError(f"the agent refuses the credential: {reason}")
    return RemoteError(f"the agent answered with an error: {reason}")


def open_session(address: str, port: int, community: str, timeout: float) -> _Session:
    """Session with an SNMP v2c agent; its socket is closed when it is no longer referenced."""
    return _Session(
        GufoSession(
            address,
            port,
            community=community,
            version=SnmpVersion.v2c,
            timeout=timeout,
            max_repetitions=_ROWS_PER_PACKET,
        )
    )
