# SPDX-License-Identifier: Apache-2.0
"""Values and the bytes that the Go codec makes of them, recorded from it."""

from l8srlz import Float32, Int32, Int64, UInt8, UInt32, UInt64
from l8types.enums import Kind
from l8types.pb import L8MetaData, L8Query

from .fakes import Item, SubItem

NIL = "00000016 ffffffff"

SCALARS: list[tuple[object, str]] = [
    (True, "00000001 01"),
    (False, "00000001 00"),
    (1, "00000002 0000000000000001"),
    (-39, "00000002 ffffffffffffffd9"),
    (-5, "00000002 fffffffffffffffb"),
    (Int32(42), "00000005 0000002a"),
    (Int32(-42), "00000005 ffffffd6"),
    (Int64(-1), "00000006 ffffffffffffffff"),
    (Int64(2**40), "00000006 0000010000000000"),
    (UInt32(4294967295), "0000000a ffffffff"),
    (UInt64(18446744073709551615), "0000000b ffffffffffffffff"),
    (Float32(1.5), "0000000d 3fc00000"),
    (39.39, "0000000e 4043b1eb851eb852"),
    (-2.25, "0000000e c002000000000000"),
    (float("inf"), "0000000e 7ff0000000000000"),
    (-0.0, "0000000e 8000000000000000"),
    (UInt8(42), "00000008 2a"),
    (UInt8(255), "00000008 ff"),
    ("", "00000018 00000000"),
    ("A", "00000018 00000001 41"),
    ("é世🌍", "00000018 00000009 c3a9e4b896f09f8c8d"),
    ("__DD__", "00000018 00000006 5f5f44445f5f"),
    (None, NIL),
]

CONTAINERS: list[tuple[object, str]] = [
    (b"ABC", "00000017 00000003 01 414243"),
    ([Int32(1), Int32(2)], "00000017 00000002 00 00000005 00000001 00000005 00000002"),
    (["a", ""], "00000017 00000002 00 00000018 00000001 61 00000018 00000000"),
    ([True, False], "00000017 00000002 00 00000001 01 00000001 00"),
    ([1], "00000017 00000001 00 00000002 0000000000000001"),
    (
        [b"\x01", b"\x02\x03"],
        "00000017 00000002 00 00000017 00000001 01 01 00000017 00000002 01 0203",
    ),
    (
        [[Int32(1)], [Int32(2)]],
        (
            "00000017 00000002 00 00000017 00000001 00 00000005 00000001"
            "00000017 00000001 00 00000005 00000002"
        ),
    ),
    (
        [{"a": Int32(1)}],
        "00000017 00000001 00 00000015 00000001 00000018 00000001 61 00000005 00000001",
    ),
    ({"a": Int32(1)}, "00000015 00000001 00000018 00000001 61 00000005 00000001"),
    ({Int32(7): "x"}, "00000015 00000001 00000005 00000007 00000018 00000001 78"),
    ({True: Int64(2)}, "00000015 00000001 00000001 01 00000006 0000000000000002"),
    ({"a": b"\x01\x02"}, "00000015 00000001 00000018 00000001 61 00000017 00000002 01 0102"),
    (
        {"a": ["b"]},
        "00000015 00000001 00000018 00000001 61 00000017 00000001 00 00000018 00000001 62",
    ),
]

MESSAGES: list[tuple[object, str]] = [
    (Item(), "00000016 fffffffe 00000009 5465737450726f746f"),
    (
        Item(myString="Hi", myInt32=42, myBool=True),
        "00000016 00000008 00000009 5465737450726f746f 0a024869102a6801",
    ),
    (
        [Item(myString="A"), None],
        "00000017 00000002 00 00000016 00000003 00000009 5465737450726f746f 0a0141" + NIL,
    ),
    (
        {"a": SubItem(myString="A")},
        (
            "00000015 00000001 00000018 00000001 61"
            "00000016 00000003 0000000c 5465737450726f746f537562 0a0141"
        ),
    ),
    (
        L8Query(text="select * from X", rootType="X"),
        "00000016 00000014 00000007 4c385175657279 0a0f73656c656374202a2066726f6d2058 120158",
    ),
]

EMPTY: list[tuple[object, str]] = [
    ([], "00000017 ffffffff"),
    (b"", "00000017 ffffffff"),
    ({}, "00000015 ffffffff"),
]
"""What is written like nothing, and read as nothing."""

DECLARED: list[tuple[object, Kind, str]] = [
    (42, Kind.INT32, "00000005 0000002a"),
    (-1, Kind.INT64, "00000006 ffffffffffffffff"),
    (4294967295, Kind.UINT32, "0000000a ffffffff"),
    (7, Kind.UINT64, "0000000b 0000000000000007"),
    (200, Kind.UINT8, "00000008 c8"),
    (3.14159, Kind.FLOAT32, "0000000d 40490fd0"),
    (2, Kind.FLOAT64, "0000000e 4000000000000000"),
    ([1, 2], Kind.INT32, "00000017 00000002 00 00000005 00000001 00000005 00000002"),
    ({"a": 1}, Kind.INT32, "00000015 00000001 00000018 00000001 61 00000005 00000001"),
    (None, Kind.LIST, "00000017 ffffffff"),
    (None, Kind.MAP, "00000015 ffffffff"),
    (None, Kind.INT32, NIL),
]
"""Values with the kind that their attribute declares."""


def total(count: str) -> str:
    """The metadata of a container, with the count as eight little-endian bytes of a double."""
    return f"00000016 00000014 0000000a 4c384d657461446174610a120a10 0a05546f74616c11 {count}"


TOTAL_0 = total("0000000000000000")
TOTAL_1 = total("000000000000f03f")
TOTAL_2 = total("0000000000000040")
TOTAL_7 = total("0000000000001c40")
NO_ERROR = "00000018 00000000"


def counters(count: int) -> L8MetaData:
    """The metadata that tell a total."""
    metadata = L8MetaData()
    metadata.key_count.counts["Total"] = count
    return metadata
