# SPDX-License-Identifier: Apache-2.0
"""SNMP messages as bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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

from . import snmp_wire as wire
from .sim_strategies import oids, records

if TYPE_CHECKING:
    from probler.sim import Oid, Value

_NUMBERS = st.integers(-(2**31), 2**31 - 1)


@given(
    version=st.sampled_from(Version),
    community=st.binary(max_size=200),
    pdu=st.sampled_from([PduType.GET, PduType.GET_NEXT, PduType.SET]),
    numbers=st.tuples(_NUMBERS, _NUMBERS, _NUMBERS),
    names=st.lists(oids(), max_size=8),
)
def test_a_request_is_decoded_field_by_field(
    version: Version,
    community: bytes,
    pdu: PduType,
    numbers: tuple[int, int, int],
    names: list[Oid],
) -> None:
    """Every field of a request arrives as the client meant it."""
    request_id, first, second = numbers
    datagram = wire.request(
        pdu,
        names,
        version=version,
        community=community,
        request_id=request_id,
        first=first,
        second=second,
    )
    decoded = decode_request(datagram)
    assert decoded == Request(version, community, pdu, request_id, first, second, tuple(names))


@given(recorded=records(), request_id=_NUMBERS, community=st.binary(max_size=200))
def test_a_response_carries_every_type(
    recorded: dict[Oid, Value], request_id: int, community: bytes
) -> None:
    """A client reads the same OIDs, types and contents that the agent holds."""
    asked = Request(Version.V2C, community, PduType.GET, request_id, 0, 0, ())
    varbinds = [encode_varbind(oid, value) for oid, value in recorded.items()]
    answer = wire.response(
        encode_response(asked, varbinds, status=ErrorStatus.TOO_BIG, index=len(varbinds))
    )
    assert answer == wire.Response(
        wire.V2C, community, request_id, 1, len(varbinds), tuple(recorded.items())
    )


@given(datagram=st.binary(max_size=200))
@example(b"")
@example(b"\x30\x80" * 100)
@example(bytes.fromhex("30 84 ff ff ff ff"))
@example(bytes.fromhex("30 02 02 00"))  # INTEGER without octets
@example(bytes.fromhex("30 0b 02 89 ff ff ff ff ff ff ff ff ff"))  # length beyond any memory
def test_arbitrary_bytes_are_refused_cleanly(datagram: bytes) -> None:
    """Whatever arrives, the only error is the one that says it is no request."""
    with pytest.raises(DecodeError):
        decode_request(datagram)


@given(data=st.data())
def test_a_damaged_request_is_read_or_refused(data: st.DataObject) -> None:
    """Changed, missing or added bytes never raise anything but a decode error."""
    datagram = bytearray(wire.request(wire.GET_BULK, [(1, 3, 6, 1, 2, 1)], second=10))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(datagram) - 1))
        datagram[at] = data.draw(st.integers(0, 255))
    damaged = bytes(datagram[: data.draw(st.integers(0, len(datagram)))])
    try:
        assert decode_request(damaged).pdu in PduType
    except DecodeError as error:
        assert "\n" not in error.message  # noqa: PT017 - either outcome is fine, no other is


@pytest.mark.parametrize(
    "datagram",
    [
        wire.request(wire.GET_BULK, [(1, 3)], version=wire.V1),
        wire.request(wire.GET, [(1, 3)], version=3),
        wire.request(2, [(1, 3)]),
        wire.request(7, [(1, 3)]),
        wire.request(wire.GET, [(1, 3)], request_id=2**31),
        wire.request(wire.GET, [(1, 3)]).replace(b"\x05\x00", b"\x30\x00"),
        wire.request(wire.GET, [(1, 3)]).replace(b"\x06\x01", b"\x04\x01"),
        wire.request(wire.GET, [(1, 3)])[:-1],
    ],
    ids=["bulk in v1", "v3", "response", "trap", "id", "constructed value", "no oid", "cut"],
)
def test_what_an_agent_does_not_answer_is_refused(datagram: bytes) -> None:
    """Other versions and PDUs, and broken bindings, are no requests."""
    with pytest.raises(DecodeError):
        decode_request(datagram)
