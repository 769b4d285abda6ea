# SPDX-License-Identifier: Apache-2.0
"""What a codec for a Go network refuses, so that no Go node meets it."""

import pytest

from l8srlz import Int32, Int64, ObjectCodec, UInt8
from l8types.enums import Kind
from l8types.errors import EncodeError

from . import vectors
from .fakes import Author, Book, Color, Item, SubItem, registry

CODEC = ObjectCodec(registry(), go_compatible=True)
NATIVE = ObjectCodec(registry())


@pytest.mark.parametrize(("value", "data"), vectors.SCALARS + vectors.CONTAINERS + vectors.MESSAGES)
def test_what_go_writes_is_accepted(value: object, data: str) -> None:
    """Everything that a Go node can write can be sent to it."""
    assert CODEC.encode(value) == bytes.fromhex(data)


@pytest.mark.parametrize(
    "value",
    [
        ["a", None, "b"],
        [[1], [], None],
        {"a": None, "b": 1},
        {"a": [1], "b": []},
        [{"a": [Int32(1)]}, {"b": [Int32(2)]}],
        list(range(1000)),
        [Color.RED, Int32(2)],
        [1.5, 2.5],
        [True, False],
    ],
)
def test_single_types_are_accepted(value: object) -> None:
    """Absent items behind the first become zero values at a Go node, which is no harm."""
    assert CODEC.encode(value) == NATIVE.encode(value)


@pytest.mark.feature("SRZ-19")
@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([None, 1], r"value\[0\]: is nothing or empty"),
        ([[], [1]], r"value\[0\]: is nothing or empty"),
        ([b"", b"x"], r"value\[0\]: is nothing or empty"),
        ([1, "a"], r"value\[1\]: is of another type"),
        ([1, True], r"value\[1\]: is of another type"),
        ([1, 1.0], r"value\[1\]: is of another type"),
        ([1, 2**63], r"value\[1\]: is of another type"),
        ([Int32(1), Int64(1)], r"value\[1\]: is of another type"),
        ([Item(), SubItem()], r"value\[1\]: is of another type"),
        ([[1], ["a"]], r"value\[1\]: is of another type"),
        ({"a": [1, "b"]}, r"value\['a'\]\[1\]"),
        ([[1, "b"]], r"value\[0\]\[1\]"),
        ([UInt8(1)], "write it as a byte string"),
        ({"a": None}, "no value is there to give the map its type"),
        ({"a": {}, "b": []}, "no value is there"),
        ({"a": 1, "b": "c"}, r"value\['b'\]: is of another type than the entries before"),
        ({"a": 1, 2: 1}, r"value\[2\]: is of another type"),
        ({"a": 1, None: 1}, r"value\[None\]: is no key"),
    ],
)
def test_what_would_end_a_go_node_is_refused(value: object, words: str) -> None:
    """Lists and maps without a single type; a codec for our own network writes and reads them."""
    assert NATIVE.decode(NATIVE.encode(value))
    with pytest.raises(EncodeError, match=words):
        CODEC.encode(value)


@pytest.mark.parametrize("value", [Book("1"), [Author("x")], {"a": Book("1")}])
def test_native_models_are_refused(value: object) -> None:
    """A dataclass has no form that a Go node knows."""
    with pytest.raises(EncodeError, match=r"is no protobuf message.*\.proto file"):
        CODEC.encode(value)


def test_declared_kinds_make_numbers_alike() -> None:
    """With a declared kind the items are of one type on the wire, whatever they are in Python."""
    assert CODEC.encode([1, 2.5, None], kind=Kind.FLOAT64)
    assert CODEC.encode({"a": 1, "b": 2**63}, kind=Kind.UINT64)
    assert CODEC.encode(1, kind=Kind.INT32)
    with pytest.raises(EncodeError, match="write it as a byte string"):
        CODEC.encode([1, 2], kind=Kind.UINT8)
    with pytest.raises(EncodeError, match="is nothing or empty"):
        CODEC.encode([None, 2], kind=Kind.INT32)
