# SPDX-License-Identifier: Apache-2.0
"""Answers of devices as the bytes of a job, and back.

One answer is one encoded object, in the form that all nodes of the ecosystem use:

* named values: a ``CMap``; values asked by OID stand under the OID with a leading dot;
* rows: a ``CTable`` whose rows are numbered by their index and columns as in the table that was
  asked; columns of several tables, whose numbers may be the same, are counted and named instead;
  an index of several numbers does not fit, such rows travel as a ``CMap`` of all OIDs;
* the static polls: a text, or a map of protocol numbers to flags.

Whole numbers are 64 bits wide whatever the device said, octets are text with their exact bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from collect._snmp._request import Variable, variables
from collect.model import CMap, CTable
from l8types.enums import Kind
from l8types.errors import DecodeError
from l8types.protocols.collection import PollOperation, PollResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from collect._catalogue import Poll
    from l8types.protocols.data import ObjectCodec

__all__ = ["decode_result", "encode_flags", "encode_result", "encode_text"]

_MAX_INT64: Final = 2**63 - 1
_MAX_INT32: Final = 2**31 - 1
_SNMP: Final = "snmp"


def encode_result(result: PollResult, poll: Poll, codec: ObjectCodec) -> bytes:
    """Bytes of an answer.

    Raises:
        EncodeError: A value cannot be represented.
    """
    columns = _columns(poll)
    if poll.operation is PollOperation.TABLE:
        return codec.encode(_table(result, columns, codec) or _flat(result, columns, codec))
    oids = {column.name: column.oid for column in columns}
    message = CMap()
    for name in sorted(result.values):
        message.data[oids.get(name, name)] = _encode(result.values[name], codec)
    return codec.encode(message)


def encode_text(text: str, codec: ObjectCodec) -> bytes:
    """Bytes of an answer that is one text."""
    return codec.encode(text)


def encode_flags(flags: Mapping[int, bool], codec: ObjectCodec) -> bytes:
    """Bytes of a map of 32-bit numbers to flags.

    The width is said, since Go nodes take numbers without one for another type.
    """
    return codec.encode(dict(sorted(flags.items())), kind=Kind.BOOL, key_kind=Kind.INT32)


def decode_result(data: bytes, poll: Poll, codec: ObjectCodec) -> PollResult:
    """Answer of the bytes.

    Raises:
        DecodeError: They are no answer to this poll.
    """
    value = codec.decode(data)
    if isinstance(value, CTable):
        return PollResult(rows=_rows(value, _columns(poll), codec))
    if isinstance(value, CMap):
        values = {name: _decode(name, cell, codec) for name, cell in value.data.items()}
        return _named(values, poll)
    if isinstance(value, dict):
        return PollResult(values={str(key): flag for key, flag in value.items()})
    if isinstance(value, str):
        return PollResult(values=dict.fromkeys(poll.ask, value))
    raise DecodeError(f"an answer to poll {poll.name!r} is no {type(value).__name__}")


def _columns(poll: Poll) -> tuple[Variable, ...]:
    """What is asked by OID; nothing for other protocols, whose values go by name."""
    return variables(poll.request.what) if poll.protocol == _SNMP else ()


def _encode(value: object, codec: ObjectCodec) -> bytes:
    if isinstance(value, bytes):
        value = value.decode(errors="surrogateescape")
    if isinstance(value, int) and not isinstance(value, bool):
        return codec.encode(value, kind=Kind.UINT64 if value > _MAX_INT64 else Kind.INT64)
    return codec.encode(value)


def _decode(name: str, cell: bytes, codec: ObjectCodec) -> object:
    """Value of a cell; Go nodes leave a cell empty when they cannot encode what it holds."""
    if not cell:
        return None
    try:
        return codec.decode(cell)
    except DecodeError as error:
        raise DecodeError(f"value {name!r}: {error}", offset=error.offset) from error


def _table(result: PollResult, columns: Sequence[Variable], codec: ObjectCodec) -> CTable | None:
    """The rows as a table, ``None`` when an index is more than one number."""
    if not all(index.isdecimal() and int(index) <= _MAX_INT32 for index in result.rows):
        return None
    numbers = {column.name: column.number for column in columns}
    table = CTable(columns={number: str(number) for number in sorted(numbers.values())})
    if len(table.columns) < len(columns):
        numbers = {column.name: position for position, column in enumerate(columns, 1)}
        table = CTable(columns={position: name for name, position in numbers.items()})
    for index, row in result.rows.items():
        cells = table.rows[int(index)].data
        for name, value in row.items():
            cells[numbers[name]] = _encode(value, codec)
    return table


def _flat(result: PollResult, columns: Iterable[Variable], codec: ObjectCodec) -> CMap:
    message = CMap()
    for column in columns:
        for index, row in result.rows.items():
            if column.name in row:
                message.data[f"{column.oid}.{index}"] = _encode(row[column.name], codec)
    return message


def _rows(
    table: CTable, columns: Sequence[Variable], codec: ObjectCodec
) -> dict[str, dict[str, object]]:
    names = {column.number: column.name for column in columns}
    known = {column.name for column in columns}
    names |= {number: name for number, name in table.columns.items() if name in known}
    return {
        str(index): {
            names[number]: _decode(names[number], row.data[number], codec)
            for number in sorted(row.data)
            if number in names
        }
        for index, row in sorted(table.rows.items())
    }


def _named(values: Mapping[str, object], poll: Poll) -> PollResult:
    """Values under the names of the poll; those of a table in rows."""
    columns = _columns(poll)
    if poll.operation is PollOperation.TABLE:
        rows: dict[str, dict[str, object]] = {}
        for column in columns:
            start = f"{column.oid}."
            for oid, value in values.items():
                if oid.startswith(start):
                    rows.setdefault(oid.removeprefix(start), {})[column.name] = value
        return PollResult(rows=rows)
    names = {column.oid: column.name for column in columns}
    return PollResult(values={names.get(name, name): value for name, value in values.items()})
