# SPDX-License-Identifier: Apache-2.0
"""Malformed input: always the one error, never another, and no memory for what is not there."""

import random
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l8srlz import ElementsFactory, Limits, ObjectCodec
from l8types.errors import DecodeError

from . import vectors
from .fakes import Book, Item, Shelf, registry

CODEC = ObjectCodec(registry())
FACTORY = ElementsFactory(CODEC)

WHOLE = [
    bytes.fromhex(data)
    for _, data in vectors.SCALARS + vectors.CONTAINERS + vectors.MESSAGES + vectors.EMPTY
] + [
    CODEC.encode(Book("1", "Dune", 9.5, counters=vectors.counters(3))),
    CODEC.encode([Shelf(1, {"a": Book("1")}), None, {"k": [1, 2.5, "x"]}]),
]
CONTAINERS = [
    FACTORY.of(Item(myString="a"), Book("1"), [1, 2]).encode(),
    FACTORY.query("select * from Book").encode(),
    FACTORY.error("boom").encode(),
]


def outcome(data: bytes) -> None:
    """Decode as a value and as a container; only the one error may come out."""
    for decode in (CODEC.decode, FACTORY.decode):
        try:
            decode(data)
        except DecodeError as error:
            assert 0 <= error.offset <= len(data)  # noqa: PT017 - both outcomes are fine
            assert "\n" not in str(error).replace("\\n", "")  # noqa: PT017


@pytest.mark.parametrize("data", WHOLE, ids=range(len(WHOLE)))
def test_truncated_anywhere(data: bytes) -> None:
    """A value that ends too early is an error at every byte."""
    for end in range(len(data)):
        with pytest.raises(DecodeError):
            CODEC.decode(data[:end])


@pytest.mark.parametrize("data", CONTAINERS, ids=range(len(CONTAINERS)))
def test_truncated_containers(data: bytes) -> None:
    """A container that is cut is an error or, cut between its last parts, a shorter container."""
    for end in range(len(data)):
        outcome(data[:end])


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes(data: bytes) -> None:
    """Noise gives a value or the error."""
    outcome(data)


@settings(deadline=None)
@given(st.integers(-1, 70), st.integers(-40, 2**31 - 1), st.binary(max_size=60))
def test_random_bodies(kind: int, count: int, body: bytes) -> None:
    """Noise behind a plausible head gives a value or the error."""
    outcome(kind.to_bytes(4, "big", signed=True) + count.to_bytes(4, "big", signed=True) + body)


def test_mutations() -> None:
    """Valid input with some bytes changed, cut out or doubled gives a value or the error."""
    source = random.Random(8)
    for seed in WHOLE + CONTAINERS:
        for _ in range(150):
            data = bytearray(seed)
            for _ in range(source.randint(1, 4)):
                at = source.randrange(len(data))
                match source.randrange(3):
                    case 0:
                        data[at] = source.choice((0, 1, 0x7F, 0x80, 0xFF, source.randrange(256)))
                    case 1:
                        del data[at : at + source.randint(1, 8)]
                    case _:
                        data[at:at] = data[at : at + source.randint(1, 8)]
                data = data or bytearray(b"\x00")
            outcome(bytes(data))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "the data end inside a value at byte 0 of 0"),
        ("00000063", "unknown kind 99 at byte 0"),
        ("ffffffff", "unknown kind -1 at byte 0"),
        ("00000003 00", "unknown kind 3"),
        ("00000002 00", "the data end inside a number at byte 4"),
        ("00000018 fffffffe", "length -2 where 0 bytes are left"),
        ("00000018 7fffffff 41", "length 2147483647 where 1 bytes are left"),
        ("00000017 7fffffff 00", "count 2147483647"),
        ("00000017 fffffffe", "count -2"),
        ("00000017 00000002 00 0000000101", "count 2 where 5 bytes are left"),
        ("00000015 00000002 0000000101", "count 2"),
        ("00000016 fffffff0", "the data end"),
        ("00000016 fffffff0 00000009 5465737450726f746f", "length -16"),
        ("00000016 00000001 00000009 5465737450726f746f ff", "no TestProto"),
        ("00000016 fffffffe 00000004 426f6f6b", "'Book' is no protobuf message"),
        ("00000040 00000001 00000009 5465737450726f746f 80", "'TestProto' is no dataclass"),
        ("00000040 00000001 00000004 426f6f6b 80", "no Book: Object missing required field"),
        (
            "00000015 00000001 00000015 00000001 0000000100 0000000100 0000000100",
            "dict cannot be a key",
        ),
        ("0000000101 00", "more data behind the value at byte 5 of 6"),
    ],
)
def test_reasons(data: str, words: str) -> None:
    """The error says what is wrong and where."""
    with pytest.raises(DecodeError, match=words):
        CODEC.decode(bytes.fromhex(data))


@pytest.mark.parametrize("length", [-21, -1000, 0, 1, 2, 4, 23, 24, 2**31 - 1, -(2**31)])
def test_lengths_that_lie(length: int) -> None:
    """A known model with another length than it has is an error, also one that counts backwards."""
    data = CODEC.encode(Item(myString="A"))
    assert CODEC.decode(data) == CODEC.decode(memoryview(data)) == Item(myString="A")
    lying = data[:4] + length.to_bytes(4, "big", signed=True) + data[8:]
    with pytest.raises(DecodeError):
        CODEC.decode(lying)


def test_depth() -> None:
    """Nesting beyond the limit is an error, however long the input."""
    level = bytes.fromhex("00000017 00000001 00")
    assert CODEC.decode(level * 64 + bytes.fromhex("0000000101")) is not None
    for depth in (65, 100_000):
        with pytest.raises(DecodeError, match="nested deeper than 64 levels"):
            CODEC.decode(level * depth + bytes.fromhex("0000000101"))
    pair = bytes.fromhex("00000015 00000001 0000000101")
    with pytest.raises(DecodeError, match="nested deeper"):
        CODEC.decode(pair * 65 + bytes.fromhex("0000000101"))


def test_size() -> None:
    """Input above the limit is refused before it is read."""
    codec = ObjectCodec(registry(), limits=Limits(max_bytes=8))
    with pytest.raises(DecodeError, match="9 bytes are above the limit of 8"):
        codec.decode(bytes(9))
    with pytest.raises(DecodeError, match="above the limit"):
        codec.decode(memoryview(bytes(9)))


@pytest.mark.parametrize(
    "data",
    [
        "00000017 7fffffff 00" + "00000001 01" * 20,
        "00000017 7fffffff 01" + "00" * 20,
        "00000015 7fffffff" + "00000001 01" * 20,
        "00000018 7fffffff" + "41" * 20,
        "00000002 7fffffffffffffff" + "00000001 01" * 20,
        "00000002 0000000000100000" + "00000001 01" * 20,
        "00000040 0000000a 00000004 426f6f6b dd7fffffff 0000000000",
        "00000040 0000000f 00000004 426f6f6b 82 a769736c6e a1 dd7fffffff 00",
    ],
)
def test_announced_sizes_cost_nothing(data: str) -> None:
    """A count of billions in a few bytes does not allocate for them."""
    tracemalloc.start()
    try:
        outcome(bytes.fromhex(data))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200_000
