# SPDX-License-Identifier: Apache-2.0
"""An SNMP agent without a socket: a datagram in, a datagram or nothing out.

It answers SNMP v1 and v2c as net-snmp's agent does with a read-only community: unknown
communities and broken datagrams get no answer, SET is refused. Rules: RFC 3416, section 4.2;
for version 1, RFC 1157 and RFC 3584, section 4.2.2 (no Counter64, noSuchName for what is absent).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from l8types.errors import DecodeError
from probler.sim._ber import (
    ErrorStatus,
    PduType,
    Request,
    Version,
    decode_request,
    encode_response,
    encode_varbind,
)
from probler.sim._values import Kind, Oid, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probler.sim._mib import Mib

__all__ = ["DEFAULT_MESSAGE_BYTES", "AgentStatistics", "SnmpAgent"]

_LOG = logging.getLogger(__name__)

DEFAULT_MESSAGE_BYTES = 1472
"""An Ethernet frame without the headers of IP and UDP (RFC 3417, section 3.2.2)."""

_NULL = Value(Kind.NULL)
_END_OF_MIB_VIEW = Value(Kind.END_OF_MIB_VIEW)

# Everything in a response but community and variable bindings, with the longest lengths.
_OVERHEAD_BYTES = 48


@dataclass(slots=True)
class AgentStatistics:
    """What happened to the datagrams of one agent.

    Attributes:
        answered: Requests that were answered.
        refused: Requests with another community; not answered.
        malformed: Datagrams that are no request; not answered.
        varbinds: Variable bindings in all answers.
    """

    answered: int = 0
    refused: int = 0
    malformed: int = 0
    varbinds: int = 0


class SnmpAgent:
    """Answers requests about one :class:`Mib`.

    Args:
        mib: What there is to ask for; the caller may change it between requests.
        community: The only community that is answered.
        max_message_bytes: Largest answer. The default is what one Ethernet frame holds, the limit
            of most network devices; UDP carries 65507, which some pollers cannot take.
    """

    def __init__(
        self,
        mib: Mib,
        *,
        community: str,
        max_message_bytes: int = DEFAULT_MESSAGE_BYTES,
    ) -> None:
        self._mib = mib
        self._community = community.encode()
        self._budget = max_message_bytes - _OVERHEAD_BYTES - len(self._community)
        self.statistics = AgentStatistics()

    def answer(self, datagram: bytes, now: float) -> bytes | None:
        """Answer a datagram.

        Args:
            datagram: Bytes from the network.
            now: Seconds since the simulation started.

        Returns:
            The answer, ``None`` when a real agent would stay silent.
        """
        try:
            request = decode_request(datagram)
        except DecodeError as error:
            self.statistics.malformed += 1
            _LOG.debug("ignored: %s", error)
            return None
        if request.community != self._community:
            self.statistics.refused += 1
            _LOG.debug("ignored: a request with another community")
            return None
        self.statistics.answered += 1
        if request.pdu is PduType.SET:
            v1 = request.version is Version.V1
            return _failure(request, ErrorStatus.NO_SUCH_NAME if v1 else ErrorStatus.NO_ACCESS, 1)
        if request.pdu is PduType.GET_BULK:
            return self._respond(request, self._fitting(self._bulk(request, now)))
        return self._answer_each(request, now)

    def _answer_each(self, request: Request, now: float) -> bytes:
        """Answer GET or GETNEXT: all names or none."""
        find = self._exact if request.pdu is PduType.GET else self._next
        varbinds = []
        for index, name in enumerate(request.names, start=1):
            found = find(name, now, request.version)
            if found is None:
                return _failure(request, ErrorStatus.NO_SUCH_NAME, index)
            varbinds.append(found[1])
        if sum(map(len, varbinds)) > self._budget:
            return _failure(request, ErrorStatus.TOO_BIG, 0)
        return self._respond(request, varbinds)

    def _respond(self, request: Request, varbinds: list[bytes]) -> bytes:
        self.statistics.varbinds += len(varbinds)
        return encode_response(request, varbinds)

    def _exact(self, oid: Oid, now: float, version: Version) -> tuple[Oid, bytes] | None:
        """The instance itself; ``None`` in version 1, which has no exceptions, if it is absent."""
        if oid in self._mib and self._is_visible(oid, now, version):
            return oid, self._mib.varbind(oid, now)
        if version is Version.V1:
            return None
        return oid, encode_varbind(oid, self._mib.absence(oid))

    def _next(self, oid: Oid, now: float, version: Version) -> tuple[Oid, bytes] | None:
        """The instance after an OID; at the end endOfMibView, in version 1 ``None``."""
        following = self._mib.successor(oid)
        while following is not None and not self._is_visible(following, now, version):
            following = self._mib.successor(following)
        if following is not None:
            return following, self._mib.varbind(following, now)
        if version is Version.V1:
            return None
        return oid, encode_varbind(oid, _END_OF_MIB_VIEW)

    def _is_visible(self, oid: Oid, now: float, version: Version) -> bool:
        return version is not Version.V1 or self._mib.value(oid, now).kind is not Kind.COUNTER64

    def _bulk(self, request: Request, now: float) -> Iterator[bytes]:
        """Bindings of a GETBULK in order; ends early once all names are past the end."""
        once = max(request.non_repeaters, 0)
        for name in request.names[:once]:
            found = self._next(name, now, request.version)
            if found is not None:
                yield found[1]
        names = request.names[once:]
        for _ in range(request.max_repetitions):
            row = [self._next(name, now, request.version) for name in names]
            following = tuple(found[0] for found in row if found is not None)
            yield from (found[1] for found in row if found is not None)
            if following == names:
                return
            names = following

    def _fitting(self, varbinds: Iterator[bytes]) -> list[bytes]:
        """As many of the bindings as one message may hold."""
        fitting = []
        size = 0
        for varbind in varbinds:
            size += len(varbind)
            if size > self._budget:
                break
            fitting.append(varbind)
        return fitting


def _failure(request: Request, status: ErrorStatus, index: int) -> bytes:
    """Response with an error: it repeats the names, but for version 2's tooBig."""
    bare = status is ErrorStatus.TOO_BIG and request.version is not Version.V1
    varbinds = [] if bare else [encode_varbind(name, _NULL) for name in request.names]
    return encode_response(request, varbinds, status=status, index=index)
