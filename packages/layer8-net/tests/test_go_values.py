# SPDX-License-Identifier: Apache-2.0
"""The values of the network's own messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.enums import Kind
from l8types.errors import DecodeError
from l8types.pb import L8Health, L8MetaData, L8ServiceAreas, L8Transaction
from layer8_net._go.values import (
    NOTHING,
    RawMessage,
    is_nothing,
    pack_elements,
    pack_error,
    pack_map,
    pack_message,
    pack_scalar,
    read_entries,
    read_messages,
    read_value,
)
from layer8_net._go.verdict import failure_of, is_progress

from .go_parts import ANN, NIL_DATA


@pytest.mark.parametrize(
    ("kind", "value", "wire"),
    [
        (Kind.BOOL, True, "00000001 01"),
        (Kind.INT, -5, "00000002 fffffffffffffffb"),
        (Kind.INT32, -5, "00000005 fffffffb"),
        (Kind.INT64, -1, "00000006 ffffffffffffffff"),
        (Kind.UINT64, 1, "0000000b 0000000000000001"),
        (Kind.FLOAT64, -2.25, "0000000e c002000000000000"),
    ],
)
def test_numbers(kind: Kind, value: float, wire: str) -> None:
    """Numbers and truth values have the bytes of their kind."""
    assert pack_scalar(kind, value) == bytes.fromhex(wire)
    assert read_value(bytes.fromhex(wire)) == value


@pytest.mark.parametrize(
    ("wire", "value"),
    [
        ("00000008 c8", 200),
        ("0000000a ee6b2800", 4_000_000_000),
        ("0000000d 3fc00000", 1.5),
        ("00000018 00000006 68c3a96c6c6f", "héllo"),
        ("00000017 00000002 00 00000018 00000001 61 00000018 00000002 6262", ["a", "bb"]),
        ("00000017 00000004 01 010203fa", bytes.fromhex("010203fa")),
        ("00000017 ffffffff", []),
        ("00000015 00000001 00000018 00000001 61 00000005 00000001", {"a": 1}),
        ("00000015 ffffffff", {}),
        ("00000016 ffffffff", None),
        ("00000000 ffffffff", None),
        ("00000016 fffffffe 00000002 4142", RawMessage("AB", b"")),
    ],
)
def test_other_values(wire: str, value: object) -> None:
    """What Go nodes put into their messages is read, whether we write it or not."""
    assert read_value(bytes.fromhex(wire)) == value


@pytest.mark.feature("WIR-09")
def test_nothing() -> None:
    """The container of nothing has the bytes that Go nodes give it."""
    assert NOTHING == NIL_DATA
    assert is_nothing(b"")
    assert is_nothing(pack_elements([]))
    assert not is_nothing(NOTHING)


OLDER = {
    "int32 counts": NIL_DATA[:36]
    + bytes.fromhex("00000016 0000000d 0000000a 4c384d65746144617461 0a0b0a090a05546f74616c1001")
    + NIL_DATA[-8:],
    "a plain map": NIL_DATA[:36]
    + bytes.fromhex("00000015 00000001 00000018 00000005 546f74616c 00000005 00000001")
    + NIL_DATA[-8:],
    "none": NIL_DATA[:36],
}


@pytest.mark.parametrize("data", OLDER.values(), ids=OLDER)
def test_older_metadata(data: bytes) -> None:
    """The entries are read whatever form the metadata behind them have."""
    assert [entry.value for entry in read_entries(data)] == [None]


@given(st.text(max_size=50), st.text(max_size=50))
def test_messages(alias: str, key: str) -> None:
    """Messages come back with their keys."""
    record = L8Health(a_uuid=ANN, alias=alias)
    data = pack_elements([(record, key), (record, None)])
    assert read_messages(data, L8Health) == [record, record]
    assert [entry.key for entry in read_entries(data)] == [key, None]
    metadata = L8MetaData()
    metadata.key_count.counts["Total"] = 2
    assert data.endswith(pack_message(metadata) + b"\0\0\0\x16\xff\xff\xff\xff")


def test_errors() -> None:
    """A container of an error is read as one."""
    assert failure_of(pack_error("unavailable: nobody")) == "unavailable: nobody"
    assert not failure_of(NOTHING)
    assert not failure_of(b"?")


def test_maps() -> None:
    """A map of messages is written in the order of its keys; an empty one has a mark."""
    areas = L8ServiceAreas(areas={0: True})
    entry = bytes.fromhex("00000016 00000006 0000000e 4c38536572766963654172656173 0a0408001001")
    keys = [b"\0\0\0\x18\0\0\0\x01a", b"\0\0\0\x18\0\0\0\x01b"]
    assert pack_map({"b": areas, "a": areas}) == (
        bytes.fromhex("00000015 00000002") + keys[0] + entry + keys[1] + entry
    )
    assert pack_map({}) == bytes.fromhex("00000015 ffffffff")


def test_progress() -> None:
    """An answer about a transaction is progress until its end is set."""
    assert is_progress(pack_elements([(L8Transaction(State=2), None)]))
    assert not is_progress(pack_elements([(L8Transaction(State=4, end=5), None)]))
    assert not is_progress(NOTHING)
    assert not is_progress(b"foreign bytes")


@pytest.mark.parametrize(
    ("wire", "what"),
    [
        ("", "bytes where"),
        ("00000063", "unknown kind 99"),
        ("00000018 7fffffff 61", "bytes where"),
        ("00000018 fffffff0", "bytes where"),
        ("00000018 00000001 ff", "none"),
        ("00000015 7fffffff", "items where"),
        ("00000017 7fffffff 00", "items where"),
        ("00000017 00000001 00" * 20, "too deeply"),
        ("00000015 00000001 00000015 ffffffff 00000016 ffffffff", "key that is none"),
    ],
)
def test_malformed_values(wire: str, what: str) -> None:
    """Lengths, kinds, texts and nesting are checked before anything is made of them."""
    with pytest.raises(DecodeError, match=what):
        read_value(bytes.fromhex(wire))


@pytest.mark.parametrize(
    "data", [b"", b"\0\0\0\x02" + b"\xff" * 8, NIL_DATA[:20], NIL_DATA[:28] + NIL_DATA[:8]]
)
def test_malformed_containers(data: bytes) -> None:
    """A container that ends early, or claims what it has not, is a named error."""
    with pytest.raises(DecodeError):
        read_entries(data)


def test_other_types() -> None:
    """A message of another type than the expected one is refused."""
    with pytest.raises(DecodeError, match="a L8MetaData where L8Health"):
        read_messages(pack_elements([(L8MetaData(), None)]), L8Health)
    with pytest.raises(DecodeError, match="NoneType"):
        read_messages(NOTHING, L8Health)
    broken = bytes.fromhex("00000016 00000002 00000008 4c384865616c7468 0aff")
    with pytest.raises(DecodeError, match="no L8Health"):
        read_messages(NIL_DATA[:12] + broken + NIL_DATA[20:], L8Health)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    """Arbitrary bytes are a value or a named error, nothing else."""
    for read in (read_value, read_entries):
        try:
            read(data)
        except DecodeError:
            continue
