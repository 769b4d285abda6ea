# SPDX-License-Identifier: Apache-2.0
"""The one place that knows the SNMP library."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from gufo.snmp import SnmpError, SnmpVersion
from gufo.snmp.aio import SnmpSession as GufoSession

from l8types.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

    from collect._snmp._values import Raw

__all__ = ["open_session"]

_REFUSED: Final = "connection refused"

_ROWS_PER_PACKET: Final = 25
"""Repetitions of a GETBULK: what an agent can send in one Ethernet frame for most columns."""


class _Session:
    """Adds the error vocabulary of the ecosystem to a session of the library."""

    def __init__(self, session: GufoSession) -> None:
        self._session = session

    async def get_many(self, oids: Iterable[str]) -> Mapping[str, Raw]:
        """Values by OID."""
        with _translated():
            return await self._session.get_many(oids)

    def getbulk(self, oid: str) -> AsyncIterator[tuple[str, Raw]]:
        """OIDs and values behind ``oid``."""
        return _Values(self._session.getbulk(oid))


class _Values:
    def __init__(self, values: AsyncIterator[tuple[str, Raw]]) -> None:
        self._values = values

    def __aiter__(self) -> AsyncIterator[tuple[str, Raw]]:
        return self

    async def __anext__(self) -> tuple[str, Raw]:
        with _translated():
            return await anext(self._values)


@contextmanager
def _translated() -> Iterator[None]:
    """What the library raises, in other terms.

    It reports a port at which nobody listens as a time-out too; waiting longer would not help.
    """
    try:
        yield
    except TimeoutError as error:
        _heed_cancellation()
        if str(error.__cause__) == _REFUSED:
            raise ConnectionRefusedError(_REFUSED) from error
        raise
    except SnmpError as error:
        _heed_cancellation()
        reason = str(error) or type(error).__name__
        raise RemoteError(f"the agent answered with an error: {reason}") from error
    _heed_cancellation()


def _heed_cancellation() -> None:
    """Repeat a cancellation that the library lost.

    It waits with ``asyncio.wait_for``, which before Python 3.12 forgets the cancellation when it
    comes together with the answer; a task that polls again and again would then never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


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
