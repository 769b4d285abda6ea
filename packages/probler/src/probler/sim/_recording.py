# SPDX-License-Identifier: Apache-2.0
"""Recordings: what an agent answered to a complete walk, one line per object instance.

A line is ``OID|tag|value``, the public snmprec format: the tag is the decimal BER tag of the type
(2 INTEGER, 4 OCTET STRING, 5 NULL, 6 OBJECT IDENTIFIER, 64 IpAddress, 65 Counter32, 66 Gauge32,
67 TimeTicks, 68 Opaque, 70 Counter64), followed by ``x`` when the value is written as hexadecimal
octets. Numbers are decimal, addresses are dotted quads, object identifiers have no leading dot,
other octet strings are text as it is. Lines are sorted by OID.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from l8types.errors import InvalidInputError, NotFoundError
from probler.sim._values import EXCEPTIONS, Kind, Oid, Value, format_oid, parse_oid

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Recording", "load_recording", "parse_recording", "write_recording"]

_BUILT_IN = Path(__file__).parent.parent / "recordings"
_SUFFIX = ".snmprec"


@dataclass(frozen=True, slots=True)
class Recording:
    """The answers of one agent.

    Attributes:
        name: Short name, the file name without its suffix.
        records: Value of each object instance, in the lexicographic order of the keys.
    """

    name: str
    records: Mapping[Oid, Value]


def load_recording(source: str | Path) -> Recording:
    """Read a recording.

    Args:
        source: Path of a file, or the bare name of a recording that comes with the package.

    Returns:
        The recording, sorted whatever the order of the file.

    Raises:
        NotFoundError: There is no such file.
        InvalidInputError: A line is malformed; the message names file and line.
    """
    path = Path(source)
    if path.suffix != _SUFFIX:
        path = _BUILT_IN / f"{source}{_SUFFIX}"
    try:
        # Octets that are no ASCII stand for themselves: text is bytes to an agent.
        text = path.read_bytes().decode("latin-1")
    except OSError as error:
        msg = f"cannot read the recording {str(source)!r}: {error.strerror}"
        raise NotFoundError(msg) from error
    return parse_recording(path.stem, text)


def parse_recording(name: str, text: str) -> Recording:
    """Recording from the text of a file.

    Args:
        name: Name for the recording and for messages about it.
        text: Lines; each character above 127 stands for the octet of that number.

    Returns:
        The recording.

    Raises:
        InvalidInputError: A line is malformed or an OID occurs twice.
    """
    records: dict[Oid, Value] = {}
    # Not splitlines(): it would also split at control characters inside a text value.
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        try:
            oid, value = _parse_line(line)
        except ValueError as error:
            msg = f"recording {name}, line {number}: {error}"
            raise InvalidInputError(msg) from error
        if oid in records:
            msg = f"recording {name}, line {number}: {format_oid(oid)} occurs twice"
            raise InvalidInputError(msg)
        records[oid] = value
    return Recording(name, dict(sorted(records.items())))


def write_recording(path: Path, records: Iterable[tuple[Oid, Value]]) -> int:
    """Write records, sorted, as a recording.

    Args:
        path: File to write or overwrite.
        records: Object instances with their values, in any order.

    Returns:
        Number of records written.

    Raises:
        OSError: The file cannot be written.
    """
    lines = [_format_line(oid, value) for oid, value in sorted(records, key=lambda item: item[0])]
    path.write_text("".join(lines), encoding="ascii", newline="\n")
    return len(lines)


def _parse_line(line: str) -> tuple[Oid, Value]:
    """OID and value of a line; raises ``ValueError`` with the reason."""
    fields = line.split("|", 2)
    if len(fields) != 3:
        msg = f"{line[:80]!r} is not OID|tag|value"
        raise ValueError(msg)
    oid, tag, content = fields
    hexadecimal = tag.endswith("x")
    try:
        kind = Kind(int(tag.removesuffix("x")))
    except ValueError:
        kind = Kind.NO_SUCH_OBJECT
    if kind in EXCEPTIONS:
        msg = f"unknown type tag {tag!r}"
        raise ValueError(msg)
    return parse_oid(oid), _parse_content(kind, content, hexadecimal=hexadecimal)


def _parse_content(kind: Kind, content: str, *, hexadecimal: bool) -> Value:
    """Typed value of the third field of a line."""
    if hexadecimal:
        return Value(kind, bytes.fromhex(content))
    match kind:
        case Kind.NULL:
            return Value(kind)
        case Kind.OBJECT_IDENTIFIER:
            return Value(kind, parse_oid(content))
        case Kind.IP_ADDRESS:
            return Value(kind, ipaddress.IPv4Address(content).packed)
        case Kind.OCTET_STRING | Kind.OPAQUE:
            return Value(kind, content.encode("latin-1"))
        case _:
            return Value(kind, int(content))


def _format_line(oid: Oid, value: Value) -> str:
    """Line of a record; octets that would not survive as plain text are written in hex."""
    tag = str(value.kind.value)
    match value.content:
        case None:
            content = ""
        case bytes() as octets if value.kind is Kind.IP_ADDRESS:
            content = str(ipaddress.IPv4Address(octets))
        case bytes() as octets if value.kind is Kind.OCTET_STRING and _is_plain(octets):
            content = octets.decode("ascii")
        case bytes() as octets:
            tag, content = f"{tag}x", octets.hex().upper()
        case tuple() as arcs:
            content = format_oid(arcs)
        case number:
            content = str(number)
    return f"{format_oid(oid)}|{tag}|{content}\n"


def _is_plain(octets: bytes) -> bool:
    """Whether octets are printable ASCII without blanks at the ends, which editors strip."""
    return octets.strip() == octets and all(0x20 <= octet < 0x7F for octet in octets)
