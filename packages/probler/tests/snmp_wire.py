# SPDX-License-Identifier: Apache-2.0
"""The other side of the conversation: requests to bytes and responses from bytes, for tests.

Written without the simulator's own codec, so that a mistake there shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import asn1

from probler.sim import Kind, Mib, Oid, SnmpAgent, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

GET, GET_NEXT, SET, GET_BULK = 0, 1, 3, 5
V1, V2C = 0, 1


@dataclass(frozen=True, slots=True)
class Response:
    """A decoded response."""

    version: int
    community: bytes
    request_id: int
    status: int
    index: int
    varbinds: tuple[tuple[Oid, Value], ...]


def dotted(oid: Oid) -> str:
    """Text of an OID."""
    return ".".join(str(arc) for arc in oid)


def request(
    pdu: int,
    names: Sequence[Oid],
    *,
    version: int = V2C,
    community: bytes = b"public",
    request_id: int = 77,
    first: int = 0,
    second: int = 0,
) -> bytes:
    """Bytes of a request; the two numbers are non-repeaters and max-repetitions in GETBULK."""
    encoder = asn1.Encoder()
    encoder.start()
    encoder.enter(asn1.Numbers.Sequence)
    encoder.write(version, asn1.Numbers.Integer)
    encoder.write(community, asn1.Numbers.OctetString)
    encoder.enter(pdu, asn1.Classes.Context)
    for number in (request_id, first, second):
        encoder.write(number, asn1.Numbers.Integer)
    encoder.enter(asn1.Numbers.Sequence)
    for name in names:
        encoder.enter(asn1.Numbers.Sequence)
        encoder.write(dotted(name), asn1.Numbers.ObjectIdentifier)
        encoder.write(None, asn1.Numbers.Null)
        encoder.leave()
    for _ in range(3):
        encoder.leave()
    return encoder.output()


def response(datagram: bytes | None) -> Response:
    """Decode a response; fails the test when there is none."""
    assert datagram is not None
    decoder = asn1.Decoder(datagram)
    decoder.enter()
    version, community = decoder.read()[1], decoder.read()[1]
    tag = decoder.peek()
    assert tag is not None
    assert (tag.nr, tag.cls) == (2, asn1.Classes.Context)
    decoder.enter()
    request_id, status, index = (decoder.read()[1] for _ in range(3))
    decoder.enter()
    varbinds = []
    while decoder.peek() is not None:
        decoder.enter()
        varbinds.append((arcs(decoder.read()[1]), _value(decoder)))
        decoder.leave()
    for _ in range(3):
        decoder.leave()
    assert decoder.eof()
    return Response(version, community, request_id, status, index, tuple(varbinds))


def arcs(text: str) -> Oid:
    """Arcs of a dotted OID."""
    return tuple(int(arc) for arc in text.split("."))


def _value(decoder: asn1.Decoder) -> Value:
    tag, content = decoder.read()
    assert tag is not None
    kind = Kind(tag.cls | tag.nr)
    if kind in {Kind.COUNTER32, Kind.COUNTER64, Kind.GAUGE32, Kind.TIME_TICKS}:
        # Application types come as bare octets. An unsigned number has its sign bit clear.
        assert content[0] < 0x80
        return Value(kind, int.from_bytes(content, "big"))
    if kind is Kind.OBJECT_IDENTIFIER:
        return Value(kind, arcs(content))
    if kind in {Kind.NO_SUCH_OBJECT, Kind.NO_SUCH_INSTANCE, Kind.END_OF_MIB_VIEW}:
        assert content == b""
        return Value(kind)
    return Value(kind, content)


def walk(
    agent: SnmpAgent, *, version: int = V2C, repetitions: int = 0, now: float = 0.0
) -> Iterator[tuple[Oid, Value]]:
    """All bindings from the start of a view to its end, by GETNEXT or GETBULK."""
    name: Oid = (0, 0)
    while True:
        pdu = GET_BULK if repetitions else GET_NEXT
        datagram = request(pdu, [name], version=version, second=repetitions)
        answer = response(agent.answer(datagram, now))
        if answer.status == 2:
            return
        assert answer.status == 0
        assert answer.varbinds
        for oid, value in answer.varbinds:
            if value.kind is Kind.END_OF_MIB_VIEW:
                return
            assert oid > name
            yield oid, value
            name = oid


EVERY_KIND: Mapping[Oid, Value] = {
    (1, 3, 6, 1, 9, 1, 0): Value(Kind.INTEGER, -(2**31)),
    (1, 3, 6, 1, 9, 2, 0): Value(Kind.OCTET_STRING, b"text \x00\xff"),
    (1, 3, 6, 1, 9, 3, 0): Value(Kind.NULL),
    (1, 3, 6, 1, 9, 4, 0): Value(Kind.OBJECT_IDENTIFIER, (1, 3, 6, 1, 4, 1, 8072, 2**32 - 1)),
    (1, 3, 6, 1, 9, 5, 0): Value(Kind.IP_ADDRESS, bytes((192, 0, 2, 1))),
    (1, 3, 6, 1, 9, 6, 0): Value(Kind.COUNTER32, 2**32 - 1),
    (1, 3, 6, 1, 9, 7, 0): Value(Kind.GAUGE32, 2**31),
    (1, 3, 6, 1, 9, 8, 0): Value(Kind.TIME_TICKS, 3_444_780_908),
    (1, 3, 6, 1, 9, 9, 0): Value(Kind.OPAQUE, bytes.fromhex("9F78043E96C000")),
    (1, 3, 6, 1, 9, 10, 0): Value(Kind.COUNTER64, 2**64 - 1),
    (1, 3, 6, 1, 9, 11, 1): Value(Kind.OCTET_STRING, b""),
    (1, 3, 6, 1, 9, 11, 2): Value(Kind.OCTET_STRING, b"x" * 300),
}
"""One instance of every type, at the edges of its range."""


def agent_of(recorded: Mapping[Oid, Value] | None = None, *, limit: int = 1472) -> SnmpAgent:
    """Agent of a table, by default one with every type."""
    return SnmpAgent(
        Mib(EVERY_KIND if recorded is None else recorded),
        community="public",
        max_message_bytes=limit,
    )
