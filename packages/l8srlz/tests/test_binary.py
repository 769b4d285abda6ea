# SPDX-License-Identifier: Apache-2.0
"""Models as plain bytes."""

import pytest

from l8srlz import BinarySerializer
from l8types.enums import SerializerMode
from l8types.errors import DecodeError, EncodeError

from .all_kinds import Old
from .fakes import Author, Book, Item, Shelf

SERIALIZER = BinarySerializer()


@pytest.mark.feature("SRZ-40")
@pytest.mark.parametrize(
    "value", [Item(myString="a"), Item(), Book("1"), Shelf(3, {"b": Book("2")})]
)
def test_round_trip(value: object) -> None:
    """Models of every kind come back from their bytes."""
    assert SERIALIZER.unmarshal(SERIALIZER.marshal(value), type(value)) == value


def test_protobuf_bytes() -> None:
    """Messages are plain protobuf, the same bytes for equal messages."""
    one = Item(MyString2StringMap={"a": "1", "b": "2"})
    other = Item(MyString2StringMap={"b": "2", "a": "1"})
    assert SERIALIZER.marshal(one) == SERIALIZER.marshal(other)
    assert Item.FromString(SERIALIZER.marshal(one)) == one


def test_mode() -> None:
    """The serializer tells its representation."""
    assert SERIALIZER.mode is SerializerMode.BINARY


@pytest.mark.feature("SRZ-40")
@pytest.mark.parametrize("value", ["text", None, [Author("x")], Old()])
def test_no_model(value: object) -> None:
    """What is no model, or not complete, is an error rather than empty bytes."""
    with pytest.raises(EncodeError):
        SERIALIZER.marshal(value)


@pytest.mark.parametrize(
    ("data", "model", "words"),
    [
        (b"\xff", Item, "cannot decode TestProto"),
        (b"\x81\xa4isbn\x01", Book, r"cannot decode Book.*\$.isbn"),
        (b"", Author, "cannot decode Author: .*truncated"),
        (b"\x80", str, "cannot decode str"),
    ],
)
def test_malformed(data: bytes, model: type, words: str) -> None:
    """Bytes that do not fit the model are an error, with the attribute where it is known."""
    with pytest.raises(DecodeError, match=words):
        SERIALIZER.unmarshal(data, model)
