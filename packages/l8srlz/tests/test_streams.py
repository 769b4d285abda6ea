# SPDX-License-Identifier: Apache-2.0
"""Consecutive values: added one by one, read one by one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l8srlz import Limits, ObjectCodec, ObjectReader, ObjectWriter
from l8types.enums import Kind
from l8types.errors import DecodeError, EncodeError, InvalidInputError

from .fakes import Book, Item, registry

CODEC = ObjectCodec(registry())
VALUES = [1, "A", None, [1, "b"], {"k": 2.5}, Item(myString="x"), Book("1"), True]


def written(*values: object) -> bytes:
    """Bytes of consecutive values."""
    writer = ObjectWriter(CODEC)
    for value in values:
        writer.add(value)
    return writer.data()


@pytest.mark.feature("SRZ-21")
def test_a_writer_can_be_read_at_any_time() -> None:
    """What was written so far, and where the next value goes, is told between any two values."""
    writer = ObjectWriter(CODEC)
    assert (writer.data(), writer.location) == (b"", 0)
    whole = b""
    for value in VALUES:
        writer.add(value)
        whole += CODEC.encode(value)
        assert (writer.data(), writer.location) == (whole, len(whole))


@pytest.mark.feature("SRZ-21")
def test_what_was_read_does_not_change() -> None:
    """Bytes that a caller holds stay as they are when more is added."""
    writer = ObjectWriter(CODEC)
    writer.add("A")
    held = writer.data()
    writer.add("B")
    assert held == CODEC.encode("A")


@pytest.mark.feature("SRZ-21")
@pytest.mark.parametrize("value", [object(), [1, {2}], {"k": [object()]}, "x" * 100])
def test_a_failed_addition_leaves_nothing_behind(value: object) -> None:
    """A value that cannot be written, even far down or for its size, changes nothing."""
    writer = ObjectWriter(ObjectCodec(registry(), limits=Limits(max_bytes=50)))
    writer.add("A")
    with pytest.raises(EncodeError):
        writer.add(value)
    writer.add("B", kind=Kind.STRING)
    assert writer.data() == CODEC.encode("A") + CODEC.encode("B")


@pytest.mark.feature("SRZ-21")
def test_a_thousand_additions() -> None:
    """Many small values give exactly their bytes."""
    data = written(*range(1000))
    assert len(data) == 12_000
    assert list(ObjectReader(CODEC, data)) == list(range(1000))


@pytest.mark.feature("SRZ-22")
def test_a_reader_starts_anywhere() -> None:
    """Reading begins at an offset and tells after each value where it stands."""
    first, second = CODEC.encode([1, 2]), CODEC.encode("b")
    reader = ObjectReader(CODEC, first + second + CODEC.encode(None), offset=len(first))
    assert reader.location == len(first)
    assert reader.get() == "b"
    assert (reader.location, reader.remaining) == (len(first) + len(second), 8)
    assert reader.get() is None
    assert reader.remaining == 0
    with pytest.raises(DecodeError, match="the data end"):
        reader.get()


@pytest.mark.feature("SRZ-22")
@pytest.mark.parametrize("offset", [-1, 6])
def test_an_offset_outside(offset: int) -> None:
    """A reader cannot start before or behind the data."""
    with pytest.raises(InvalidInputError, match=r"not within the 5 bytes"):
        ObjectReader(CODEC, CODEC.encode(True), offset=offset)


@pytest.mark.feature("SRZ-22")
def test_a_refused_value_can_be_looked_at() -> None:
    """After an error the reader stands where the refused value begins."""
    data = CODEC.encode(1) + bytes.fromhex("00000017 00000001 00 00000063 00")
    reader = ObjectReader(CODEC, data)
    assert reader.get() == 1
    with pytest.raises(DecodeError, match="unknown kind 99 at byte 21"):
        reader.get()
    assert reader.location == 12


@pytest.mark.feature("SRZ-01", "SRZ-21", "SRZ-22")
@settings(deadline=None)
@given(st.lists(st.sampled_from(VALUES)))
def test_round_trip(values: list[object]) -> None:
    """Any values, one behind the other, come back in their order, also from a view of the bytes."""
    assert list(ObjectReader(CODEC, memoryview(written(*values)))) == values


@pytest.mark.feature("SRZ-25")
@pytest.mark.parametrize("size", [0, 1, 1003, 1007, 1008, 1009, 1015, 1016, 1017, 2040, 4088])
def test_no_size_is_special(size: int) -> None:
    """A list behind a text of any length is written whole, also where a fixed buffer would end."""
    text, data = "x" * size, b"y" * size
    values = [text, [1, 2], data, {"k": text}, Item(myString=text)]
    # An empty byte string is read as nothing.
    assert list(ObjectReader(CODEC, written(*values))) == [
        *values[:2],
        data or None,
        *values[3:],
    ]
