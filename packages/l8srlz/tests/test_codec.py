# SPDX-License-Identifier: Apache-2.0
"""The codec against the bytes of the Go codec, and what it promises beyond them."""

import math
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l8srlz import Float32, Int32, Int64, Limits, ObjectCodec, UInt8, UInt32, UInt64
from l8types.enums import Kind
from l8types.errors import DecodeError, EncodeError

from . import vectors
from .all_kinds import Old
from .fakes import Color, FakeRegistry, Item, SubItem, registry, same


class NoModel:
    """A class that is neither message nor dataclass nor struct."""


CODEC = ObjectCodec(registry())
EXACT = ObjectCodec(registry(), keep_kinds=True)


def hexed(text: str) -> bytes:
    """Bytes of a vector."""
    return bytes.fromhex(text)


class TestVectors:
    """Every vector, both ways."""

    @pytest.mark.feature(
        "SRZ-01", "SRZ-02", "SRZ-03", "SRZ-04", "SRZ-05", "SRZ-06", "SRZ-07", "SRZ-09", "SRZ-17",
        "l8types:TYP-06",
    )  # fmt: skip
    @pytest.mark.parametrize(("value", "data"), vectors.SCALARS)
    def test_scalars(self, value: object, data: str) -> None:
        """Scalars have the bytes of the Go codec and come back with their width."""
        assert EXACT.encode(value) == hexed(data)
        assert same(EXACT.decode(hexed(data)), value)

    @pytest.mark.feature("SRZ-10", "SRZ-11", "SRZ-13", "SRZ-18")
    @pytest.mark.parametrize(("value", "data"), vectors.CONTAINERS)
    def test_containers(self, value: object, data: str) -> None:
        """Lists, maps, byte strings and what is nested in them."""
        assert EXACT.encode(value) == hexed(data)
        assert same(EXACT.decode(hexed(data)), value)

    @pytest.mark.feature("SRZ-15", "SRZ-16", "SRZ-17")
    @pytest.mark.parametrize(("value", "data"), vectors.MESSAGES)
    def test_messages(self, value: object, data: str) -> None:
        """Messages carry their short name; empty ones and absent ones have forms of their own."""
        assert CODEC.encode(value) == hexed(data)
        assert CODEC.decode(hexed(data)) == value

    @pytest.mark.feature("SRZ-12", "SRZ-14")
    @pytest.mark.parametrize(("value", "data"), vectors.EMPTY)
    def test_empty_containers(self, value: object, data: str) -> None:
        """Empty containers are written like nothing, and nothing is what comes back."""
        assert CODEC.encode(value) == hexed(data)
        assert CODEC.decode(hexed(data)) is None

    @pytest.mark.parametrize(("value", "kind", "data"), vectors.DECLARED)
    def test_declared_kinds(self, value: object, kind: Kind, data: str) -> None:
        """A declared kind decides over the type, for each item of a list or map."""
        assert CODEC.encode(value, kind=kind) == hexed(data)

    @pytest.mark.parametrize(
        ("value", "kind"),
        [
            (True, Kind.BOOL),
            ("a", Kind.STRING),
            (["a", None], Kind.STRING),
            ([b"a", b"b"], Kind.LIST),
            (b"a", Kind.LIST),
            ([{"a": 1}], Kind.MAP),
            ({"a": Item(myInt32=1)}, Kind.MESSAGE),
            (None, Kind.MESSAGE),
        ],
    )
    def test_declared_kinds_without_a_width(self, value: object, kind: Kind) -> None:
        """Where there is but one form, declaring the kind changes nothing."""
        assert CODEC.encode(value, kind=kind) == CODEC.encode(value)

    def test_declared_kind_of_an_empty_list(self) -> None:
        """An empty list has no items to have a kind."""
        assert CODEC.encode([], kind=Kind.INT32) == CODEC.encode([])
        assert CODEC.encode({}, kind=Kind.INT32) == CODEC.encode({})

    def test_declared_kind_of_keys(self) -> None:
        """The keys of a map have a declared kind of their own."""
        encoded = CODEC.encode({7: "x"}, kind=Kind.STRING, key_kind=Kind.INT32)
        assert same(EXACT.decode(encoded), {Int32(7): "x"})

    @pytest.mark.feature("SRZ-06")
    def test_not_a_number(self) -> None:
        """The NaN of Go is read as NaN; its bits are its own."""
        value = CODEC.decode(hexed("0000000e 7ff8000000000001"))
        assert isinstance(value, float)
        assert math.isnan(value)

    @pytest.mark.feature("SRZ-02")
    def test_only_one_is_true(self) -> None:
        """Any other byte than 1 is false."""
        assert CODEC.decode(hexed("00000001 02")) is False

    @pytest.mark.feature("SRZ-08")
    def test_enumerations(self) -> None:
        """An enumeration is a 32-bit integer, in a list too; its type is lost."""
        assert CODEC.encode(Color.BLUE) == hexed("00000005 00000002")
        encoded = CODEC.encode([Color.RED, Color.BLUE])
        assert same(EXACT.decode(encoded), [Int32(1), Int32(2)])

    def test_kind_zero_reads_as_nothing(self) -> None:
        """Go nodes read the kind 0 as a pointer, and so does this codec."""
        assert CODEC.decode(hexed("00000000 ffffffff")) is None

    @pytest.mark.parametrize(
        "data", ["00000017 00000000", "00000015 00000000", "00000016 00000000"]
    )
    def test_count_zero_is_nothing(self, data: str) -> None:
        """A count of zero, which is never written, is read as -1 is."""
        assert CODEC.decode(hexed(data)) is None


class TestTypes:
    """What Python types become."""

    def test_plain_numbers_by_default(self) -> None:
        """Without ``keep_kinds`` numbers come back plain, so that any model can hold them."""
        value = [Int32(1), Int64(2), UInt8(3), UInt32(4), UInt64(5), Float32(0.5)]
        assert same(CODEC.decode(CODEC.encode(value)), [1, 2, 3, 4, 5, 0.5])
        assert same(CODEC.decode(CODEC.encode([Int32(1), Int32(2)])), [1, 2])

    def test_go_compatible_keeps_kinds(self) -> None:
        """In a Go network numbers keep their width, so that they can be passed on unchanged."""
        codec = ObjectCodec(registry(), go_compatible=True)
        data = codec.encode({"a": Int32(1)})
        assert codec.encode(codec.decode(data)) == data

    def test_large_integers(self) -> None:
        """Above the signed range an integer is written unsigned, in a list too."""
        value = [2**63 - 1, 2**63, 2**64 - 1]
        assert CODEC.decode(CODEC.encode(value)) == value

    def test_sequences_and_mappings(self) -> None:
        """Tuples and protobuf's own containers are lists and maps."""
        item = Item(
            myInt32Slice=[1, 2],
            MyString2StringMap={"a": "b"},
            myModelSlice=[SubItem(myString="s")],
            MyString2ModelMap={"k": SubItem(myInt64=1)},
        )
        value = (
            item.myInt32Slice,
            item.MyString2StringMap,
            item.myModelSlice,
            item.MyString2ModelMap,
        )
        assert CODEC.decode(CODEC.encode(value)) == [
            [1, 2],
            {"a": "b"},
            [SubItem(myString="s")],
            {"k": SubItem(myInt64=1)},
        ]

    @pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
    def test_bytes_like(self, make: type) -> None:
        """All bytes-like objects are byte strings, also as input of the decoder."""
        data = CODEC.encode(make(b"ABC"))
        assert CODEC.decode(data) == b"ABC"
        assert CODEC.decode(memoryview(data)) == b"ABC"

    def test_text_that_is_no_utf8_survives(self) -> None:
        """Bytes of a Go text that are no UTF-8 go back as they came."""
        data = hexed("00000018 00000003 61ff62")
        assert CODEC.encode(CODEC.decode(data)) == data

    def test_registered_name_wins(self) -> None:
        """A message travels under the name it is registered with."""
        types = FakeRegistry()
        types.register(Item, name="Thing")
        codec = ObjectCodec(types)
        data = codec.encode(Item(myString="a"))
        assert b"Thing" in data
        assert codec.decode(data) == Item(myString="a")

    @pytest.mark.feature("SRZ-20")
    def test_unknown_type(self) -> None:
        """An unknown type is an error that names it and says what to do."""
        data = CODEC.encode(Item(myString="a"))
        with pytest.raises(DecodeError, match=r"'TestProto' is not registered; register") as caught:
            ObjectCodec(FakeRegistry()).decode(data)
        assert caught.value.offset == 8


class TestRefusals:
    """What cannot be written, and how that is told."""

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (object(), "value: a object has no kind"),
            ([1, {"a": {1, 2}}], r"value\[1\]\['a'\]: a set has no kind"),
            (1j, "complex"),
            (datetime(2026, 1, 2, tzinfo=UTC), "a datetime has no kind on the wire; convert it"),
            (Decimal("1.5"), "a Decimal has no kind on the wire; convert it"),
            (UUID(int=5), "a UUID has no kind on the wire; convert it"),
            (NoModel(), "a NoModel has no kind on the wire; convert it"),
            (len, "a builtin_function_or_method has no kind"),
            (2**64, "value: 18446744073709551616 does not fit 64 bits"),
            ([0, -(2**63) - 1], r"value\[1\]: -9223372036854775809 does not fit 64 bits"),
            (Int32(2**31), "2147483648 does not fit int32"),
            ([UInt8(1), UInt8(256)], r"value\[1\]: 256 does not fit uint8"),
            (Float32(1e39), "does not fit float32"),
            ("\ud800\udc00", "half of a surrogate pair"),
            ({"k": ["ok", "\ud800"]}, r"value\['k'\]\[1\]"),
            (Old(), "value: not a complete Old"),
        ],
    )
    def test_unsupported(self, value: object, words: str) -> None:
        """The error names the place in the value and the reason."""
        with pytest.raises(EncodeError, match=words):
            CODEC.encode(value)

    @pytest.mark.parametrize(
        ("value", "kind", "words"),
        [
            ("x", Kind.INT32, "value: 'x' is no int32"),
            (True, Kind.INT, "True is no int"),
            (1.5, Kind.INT64, "1.5 is no int64"),
            (2**31, Kind.INT32, "does not fit int32"),
            (2**2000, Kind.FLOAT64, "does not fit float64"),
            (1, Kind.BOOL, "1 is no bool"),
            (1, Kind.STRING, "1 is no string"),
            ("x", Kind.LIST, "'x' is no list"),
            (1, Kind.MAP, "1 is no map"),
            ("x", Kind.MESSAGE, "'x' is no message"),
            ([1, "x"], Kind.INT32, r"value\[1\]: 'x' is no int32"),
            ([1.5], Kind.INT32, r"value\[0\]: 1.5 is no int32"),
            ({"a": "x"}, Kind.INT32, r"value\['a'\]: 'x' is no int32"),
        ],
    )
    def test_declared_kind_does_not_fit(self, value: object, kind: Kind, words: str) -> None:
        """A value of another kind than declared is refused."""
        with pytest.raises(EncodeError, match=words):
            CODEC.encode(value, kind=kind)

    def test_depth(self) -> None:
        """Nesting is limited, and so a cycle is an error rather than a crash."""
        cycle: list[object] = []
        cycle.append({"again": cycle})
        with pytest.raises(EncodeError, match="nested deeper than 64 levels"):
            CODEC.encode(cycle)
        maps: dict[str, object] = {}
        maps["again"] = maps
        with pytest.raises(EncodeError, match="nested deeper than 64 levels"):
            CODEC.encode(maps)

    def test_size(self) -> None:
        """What the decoder would refuse for its size is not written."""
        codec = ObjectCodec(registry(), limits=Limits(max_bytes=16))
        assert codec.encode("x" * 8)
        with pytest.raises(EncodeError, match="17 bytes, the limit is 16"):
            codec.encode("x" * 9)

    def test_failed_encoding_leaves_nothing_behind(self) -> None:
        """After a failure the next value is encoded as if nothing had happened."""
        with pytest.raises(EncodeError):
            CODEC.encode([1, object()])
        assert CODEC.encode(True) == hexed("00000001 01")


@pytest.mark.feature("SRZ-20")
def test_registrations_may_change() -> None:
    """A codec follows its registry: types that come, go, or change their names."""
    types = FakeRegistry(Item)
    codec = ObjectCodec(types)
    data = codec.encode(Item(myString="a"))
    assert codec.decode(data) == Item(myString="a")
    types.unregister("TestProto")
    with pytest.raises(DecodeError, match="'TestProto' is not registered"):
        codec.decode(data)
    types.register(Item, name="Thing")
    assert b"Thing" in codec.encode(Item(myString="a"))
    types.register(SubItem, name="TestProto")
    assert isinstance(codec.decode(data), SubItem)


def _filled(order: Iterable[int]) -> Item:
    item = Item()
    item.MyString2StringMap.update({str(number): "x" for number in order})
    return item


def test_equal_messages_have_equal_bytes() -> None:
    """The order in which a map was filled does not show, at any depth of the value."""
    one, other = _filled(range(50)), _filled(reversed(range(50)))
    assert CODEC.encode(one) == CODEC.encode(other)
    assert CODEC.encode([{"a": one}]) == CODEC.encode([{"a": other}])


def test_order_of_maps_can_be_spared() -> None:
    """Without the order the bytes are those that protobuf writes by itself, and read the same."""
    item = _filled(range(50))
    data = ObjectCodec(registry(), deterministic=False).encode(item)
    assert data.endswith(item.SerializeToString())
    assert CODEC.decode(data) == item


class TestOneCall:
    """Values to bytes and back in one call."""

    @pytest.mark.feature("SRZ-23")
    @pytest.mark.parametrize("value", [12345, "a", None, [1, 2], Item(myString="a")])
    def test_there_and_back(self, value: object) -> None:
        """Whatever is encoded comes back, nothing too."""
        assert CODEC.decode(CODEC.encode(value)) == value

    @pytest.mark.feature("SRZ-23")
    def test_no_bytes_are_no_value(self) -> None:
        """Nothing has bytes of its own; no bytes at all are an error."""
        with pytest.raises(DecodeError, match="the data end"):
            CODEC.decode(b"")

    @pytest.mark.feature("SRZ-24")
    @pytest.mark.parametrize(
        ("value", "text"), [("A", "AAAAGAAAAAFB"), (True, "AAAAAQE="), (None, "AAAAFv////8=")]
    )
    def test_base64(self, value: object, text: str) -> None:
        """A value can be had as padded Base64, and read from it."""
        assert CODEC.to_base64(value) == text
        assert CODEC.from_base64(text) == value

    @pytest.mark.feature("SRZ-24")
    def test_base64_of_a_declared_kind(self) -> None:
        """A declared kind decides here as well."""
        text = CODEC.to_base64({1: 2}, kind=Kind.INT32, key_kind=Kind.INT64)
        assert same(EXACT.from_base64(text), {Int64(1): Int32(2)})

    @pytest.mark.feature("SRZ-24")
    @pytest.mark.parametrize(
        "text", ["AAAAGAAAAAF", "AAAA GAAAAAFB", "AAAAGAAAAAFB====", "!", "é", "", "AAAA"]
    )
    def test_text_that_is_no_base64(self, text: str) -> None:
        """Malformed text, and Base64 of bytes that are no value, are decoding errors."""
        with pytest.raises(DecodeError):
            CODEC.from_base64(text)

    @pytest.mark.feature("SRZ-24")
    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """No text raises anything else."""
        with suppress(DecodeError):
            CODEC.from_base64(text)


SCALAR = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(),
    st.binary(min_size=1),
    st.integers(-(2**31), 2**31 - 1).map(Int32),
    st.integers(-(2**63), 2**63 - 1).map(Int64),
    st.integers(0, 255).map(UInt8),
    st.integers(0, 2**32 - 1).map(UInt32),
    st.integers(0, 2**64 - 1).map(UInt64),
    st.floats(width=32).map(Float32),
    st.builds(Item, myString=st.text(), myInt32=st.integers(-(2**31), 2**31 - 1)),
)
KEY = st.one_of(st.text(), st.integers(-(2**63), 2**63 - 1), st.booleans())
VALUE = st.recursive(
    SCALAR,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=6)
        | st.dictionaries(KEY, inner, min_size=1, max_size=6)
    ),
    max_leaves=30,
)


@pytest.mark.feature("SRZ-01", "SRZ-18")
@settings(deadline=None)
@given(VALUE)
def test_round_trip(value: object) -> None:
    """Any value comes back with its kinds, also from lists and maps of mixed types."""
    assert same(EXACT.decode(EXACT.encode(value)), value)


@pytest.mark.feature("SRZ-11")
@pytest.mark.parametrize("kind", [Kind.INT, Kind.INT32, Kind.UINT64, Kind.FLOAT64, Kind.FLOAT32])
def test_long_lists(kind: Kind) -> None:
    """A hundred thousand numbers keep their order and values."""
    value = list(range(100_000))
    assert CODEC.decode(CODEC.encode(value, kind=kind)) == value
