# SPDX-License-Identifier: Apache-2.0
"""SNMP v1 and v2c messages as bytes (RFC 1157, RFC 3416).

    Message ::= SEQUENCE { version INTEGER, community OCTET STRING, PDU }
    PDU     ::= [n] { request-id INTEGER, error-status INTEGER, error-index INTEGER,
                      SEQUENCE OF SEQUENCE { name OBJECT IDENTIFIER, value } }

In GETBULK the two numbers after the request id are non-repeaters and max-repetitions.
The octets themselves are the business of the ``asn1`` library. Variable bindings are encoded one
by one, so that the caller can keep those that never change.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import asn1

from l8types.errors import DecodeError
from probler.sim._values import Kind, Oid, Value, format_oid, parse_oid

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ErrorStatus",
    "PduType",
    "Request",
    "Version",
    "decode_request",
    "encode_response",
    "encode_varbind",
]


class Version(IntEnum):
    """Protocol version as it stands in a message."""

    V1 = 0
    V2C = 1


class PduType(IntEnum):
    """Requests that an agent answers, by the tag number of the PDU."""

    GET = 0
    GET_NEXT = 1
    SET = 3
    GET_BULK = 5


class ErrorStatus(IntEnum):
    """Values of error-status that the simulated agents use."""

    NO_ERROR = 0
    TOO_BIG = 1
    NO_SUCH_NAME = 2
    NO_ACCESS = 6


_SEQUENCE = 0x30
_RESPONSE = 0xA2


@dataclass(frozen=True, slots=True)
class Request:
    """A decoded request.

    Attributes:
        version: Protocol version, which the response repeats.
        community: Community as sent.
        pdu: What is asked for.
        request_id: Number that the response repeats.
        non_repeaters: GETBULK: how many leading names are asked for once; else meaningless.
        max_repetitions: GETBULK: how often the other names are advanced; else meaningless.
        names: Names of the variable bindings; the values of a request play no part.
    """

    version: Version
    community: bytes
    pdu: PduType
    request_id: int
    non_repeaters: int
    max_repetitions: int
    names: tuple[Oid, ...]


def decode_request(datagram: bytes) -> Request:
    """Decode a datagram.

    Args:
        datagram: Bytes from the network.

    Returns:
        The request.

    Raises:
        DecodeError: The bytes are no SNMP v1 or v2c request.
    """
    try:
        return _read_message(asn1.Decoder(datagram))
    # The library lets some faults of its input through as they are: an INTEGER without octets
    # ends in an IndexError, an enormous length in an OverflowError.
    except (asn1.Error, ArithmeticError, LookupError, TypeError, ValueError) as error:
        msg = f"{len(datagram)} bytes are no SNMP v1/v2c request: {error}"
        raise DecodeError(msg) from error


def _read_message(decoder: asn1.Decoder) -> Request:
    """Read a message; raises the library's error or ``ValueError`` for anything unexpected."""
    _enter(decoder, asn1.Classes.Universal, asn1.Numbers.Sequence)
    version = Version(_integer(decoder))
    community = _octets(decoder)
    pdu = PduType(_enter(decoder, asn1.Classes.Context))
    if version is Version.V1 and pdu is PduType.GET_BULK:
        msg = "version 1 has no GETBULK"
        raise ValueError(msg)
    request_id, first, second = _integer(decoder), _integer(decoder), _integer(decoder)
    _enter(decoder, asn1.Classes.Universal, asn1.Numbers.Sequence)
    names = []
    while decoder.peek() is not None:
        _enter(decoder, asn1.Classes.Universal, asn1.Numbers.Sequence)
        names.append(_name(decoder))
        decoder.leave()
    return Request(version, community, pdu, request_id, first, second, tuple(names))


def _enter(decoder: asn1.Decoder, cls: int, number: int | None = None) -> int:
    """Enter the constructed element that comes next and return its tag number."""
    tag = decoder.peek()
    if tag is None or tag.cls != cls or number not in {None, tag.nr}:
        msg = f"unexpected element {tag}"
        raise ValueError(msg)
    decoder.enter()
    return int(tag.nr)


def _expect(decoder: asn1.Decoder, *kinds: Kind) -> None:
    """Refuse the element that comes next unless it is primitive and of one of some kinds.

    Types that SNMP does not know are refused before the library tries to decode them.
    """
    tag = decoder.peek()
    if tag is None or tag.typ != asn1.Types.Primitive or Kind(tag.cls | tag.nr) not in kinds:
        msg = f"unexpected element {tag}"
        raise ValueError(msg)


def _integer(decoder: asn1.Decoder) -> int:
    _expect(decoder, Kind.INTEGER)
    number: int = decoder.read()[1]
    if not -(2**31) <= number < 2**31:
        msg = f"integer {number} is out of range"
        raise ValueError(msg)
    return number


def _octets(decoder: asn1.Decoder) -> bytes:
    _expect(decoder, Kind.OCTET_STRING)
    octets: bytes = decoder.read()[1]
    return octets


def _name(decoder: asn1.Decoder) -> Oid:
    """Name of a variable binding; its value is read and forgotten."""
    _expect(decoder, Kind.OBJECT_IDENTIFIER)
    name: str = decoder.read()[1]
    _expect(decoder, *Kind)
    decoder.read()
    return parse_oid(name)


def encode_varbind(name: Oid, value: Value) -> bytes:
    """Encode one variable binding.

    Args:
        name: Object instance.
        value: Its value, or the exception that stands in its place.

    Returns:
        The binding as it stands in a message.
    """
    octets = _encode(format_oid(name), asn1.Numbers.ObjectIdentifier)
    match value.content:
        case None:
            content = b""
        case bytes() as raw:
            content = raw
        case tuple() as arcs:
            content = _content(_encode(format_oid(arcs), asn1.Numbers.ObjectIdentifier))
        case number:
            content = _content(_encode(number, asn1.Numbers.Integer))
    return _element(_SEQUENCE, octets + _element(value.kind, content))


def encode_response(
    request: Request,
    varbinds: Sequence[bytes],
    *,
    status: ErrorStatus = ErrorStatus.NO_ERROR,
    index: int = 0,
) -> bytes:
    """Encode the response to a request.

    Args:
        request: What is answered; version, community and request id are repeated.
        varbinds: Encoded variable bindings.
        status: Error status.
        index: 1-based position of the binding at fault, 0 when there is none.

    Returns:
        A complete message.
    """
    numbers = (request.request_id, status.value, index)
    pdu = b"".join(_encode(number, asn1.Numbers.Integer) for number in numbers)
    pdu += _element(_SEQUENCE, b"".join(varbinds))
    return _element(
        _SEQUENCE,
        _encode(request.version.value, asn1.Numbers.Integer)
        + _element(Kind.OCTET_STRING, request.community)
        + _element(_RESPONSE, pdu),
    )


def _encode(value: int | str | bytes, number: asn1.Numbers) -> bytes:
    """Element of a universal type."""
    encoder = asn1.Encoder()
    encoder.start()
    encoder.write(value, number)
    return encoder.output()


def _element(tag: int, content: bytes) -> bytes:
    """Element with a tag octet of ours: an OCTET STRING in all but the tag (implicit tagging)."""
    return bytes((tag,)) + _encode(content, asn1.Numbers.OctetString)[1:]


def _content(element: bytes) -> bytes:
    """Content of an element; a length below 128 takes one octet, above that the first counts."""
    length = element[1]
    return element[2:] if length < 0x80 else element[2 + (length & 0x7F) :]
