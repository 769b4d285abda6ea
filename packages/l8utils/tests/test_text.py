# SPDX-License-Identifier: Apache-2.0
"""Typed text."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from l8types.enums import Kind
from l8types.errors import DecodeError, EncodeError
from l8types.pb import L8Health
from l8utils import TypedTextCodec, TypeRegistry, plain_text
from l8utils._text import escape, split, unescape
from l8utils._text_scalars import INTEGER_RANGES, scalar_text, scalar_value

from .fakes import Book

if TYPE_CHECKING:
    from l8types.protocols.models import Registry

CODEC = TypedTextCodec(cast("Registry", TypeRegistry()))
NINE_DIGITS = struct.unpack("<f", struct.pack("<f", 1023.99976))[0]
FLOATS = st.floats(allow_nan=False)
SCALARS = st.one_of(st.text(), st.booleans(), st.integers(-(1 << 63), (1 << 63) - 1), FLOATS)
HOMOGENEOUS = (st.text(), st.booleans(), st.integers(-(1 << 63), (1 << 63) - 1), FLOATS)

KNOWN = [
    ("abc", None, "{24}abc"),
    (-70000, Kind.INT32, "{5}-70000"),
    (5, None, "{2}5"),
    ((1 << 64) - 1, Kind.UINT64, "{11}-1"),
    (0.1, Kind.FLOAT32, "{13}0.1"),
    (16777216.0, Kind.FLOAT32, "{13}16777216"),
    (1e21, None, "{14}1000000000000000000000"),
    (1e-7, None, "{14}0.0000001"),
    (10.0, None, "{14}10"),
    (float("inf"), None, "{14}+Inf"),
    (float("-inf"), Kind.FLOAT32, "{13}-Inf"),
    (7, Kind.FLOAT64, "{14}7"),
    (True, None, "{1}true"),
    (None, None, "{0}"),
    (b"ABC", None, "{23,8}ABC"),
    ([1, 2, 3], Kind.INT32, "{23,5}[1,2,3]"),
    ([1.5, 2.0], None, "{23,14}[1.5,2]"),
    ([], Kind.STRING, "{23,24}[]"),
    (["a", "b,c", "d=e", "f\\g", "", " x "], None, r"{23,24}[a,b\,c,d=e,f\\g,, x ]"),
    ({"a,b": "c=d\\"}, None, r"{21,24,24}[a\,b=c\=d\\]"),
    ({}, Kind.INT32, None),
    (L8Health(), None, "{22,25}L8Health"),
]


@pytest.mark.feature("STR-02")
@pytest.mark.parametrize(("value", "kind", "text"), [row for row in KNOWN if row[2]])
def test_known_texts_are_written_and_read(value: object, kind: Kind | None, text: str) -> None:
    """The texts that peers write for the same values."""
    assert CODEC.to_text(value, kind) == text
    assert CODEC.from_text(text) == value


@pytest.mark.feature("STR-02")
@given(SCALARS | st.none() | st.binary())
def test_every_single_value_survives(value: object) -> None:
    """Type included; bytes need not be UTF-8."""
    back = CODEC.from_text(CODEC.to_text(value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.feature("STR-02")
@given(st.data(), st.sampled_from(sorted(INTEGER_RANGES)))
def test_every_integer_kind_survives(data: st.DataObject, kind: int) -> None:
    """Over its whole range; its text is a signed 64-bit number."""
    low, high = INTEGER_RANGES[kind]
    value = data.draw(st.integers(low, high))
    text = scalar_text(value, kind)
    assert -(1 << 63) <= int(text) < 1 << 63
    assert scalar_value(text, kind) == value


@pytest.mark.feature("STR-01")
@given(st.floats(width=32, allow_nan=False))
@example(NINE_DIGITS)
def test_a_32_bit_float_survives_in_32_bits(value: float) -> None:
    """Without an exponent, in no more digits than needed."""
    text = scalar_text(value, Kind.FLOAT32)
    assert "e" not in text
    back = cast("float", scalar_value(text, Kind.FLOAT32))
    assert struct.pack("<f", back) == struct.pack("<f", value)


@pytest.mark.feature("STR-02")
def test_not_a_number_stays_none() -> None:
    """It is not equal to itself, so it is tested apart."""
    assert CODEC.to_text(math.nan) == "{14}NaN"
    assert math.isnan(cast("float", CODEC.from_text("{14}NaN")))


@pytest.mark.feature("STR-04")
@given(st.one_of(*(st.lists(each) for each in HOMOGENEOUS)))
def test_every_list_survives(values: list[object]) -> None:
    """Delimiters and any Unicode in the entries; but one empty text, which cannot be told."""
    kind = None if values else Kind.STRING
    if values == [""]:
        with pytest.raises(EncodeError, match="one empty text"):
            CODEC.to_text(values, kind)
    else:
        assert CODEC.from_text(CODEC.to_text(values, kind)) == values


@pytest.mark.feature("STR-04")
@given(st.dictionaries(st.text(), st.text(), min_size=1))
def test_every_map_survives(values: dict[str, str]) -> None:
    """Delimiters and any Unicode in keys and values."""
    assert CODEC.from_text(CODEC.to_text(values)) == values


def test_maps_have_one_text_whatever_their_order() -> None:
    """Kinds of keys and values can be named, which an empty map needs."""
    text = CODEC.to_text({"b": 2, "a": 1}, Kind.INT32)
    assert text == CODEC.to_text({"a": 1, "b": 2}, Kind.INT32) == "{21,24,5}[a=1,b=2]"
    empty = CODEC.to_text({}, Kind.INT32, key_kind=Kind.STRING)
    assert CODEC.from_text(empty) == {}


@pytest.mark.feature("STR-04")
@given(st.lists(st.text(min_size=1), min_size=1))
def test_escaped_parts_are_found_again(parts: list[str]) -> None:
    """Splitting at unescaped separators gives what was joined."""
    joined = ",".join(escape(part, ",") for part in parts)
    assert [unescape(part) for part in split(joined, ",")] == parts


def test_an_escape_without_its_character_is_refused() -> None:
    """An escaped one is not such an escape."""
    assert unescape("a\\\\") == "a\\"
    with pytest.raises(DecodeError, match="ends within an escape"):
        unescape("a\\")


@pytest.mark.feature("STR-02")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{5}", 0),
        ("{14}", 0.0),
        ("{14}1e3", 1000.0),
        ("{13}inf", math.inf),
        ("{1}T", True),
        ("{1}0", False),
        ("{3}-128", -128),
        ("{11}18446744073709551615", (1 << 64) - 1),
        ("{23,5}1,2", [1, 2]),
        ("{21,24,24}[]", {}),
        ("{22,25}<Nil>", None),
    ],
)
def test_other_texts_of_peers_are_read(text: str, value: object) -> None:
    """Empty numbers, exponents, short truth values, missing brackets."""
    assert CODEC.from_text(text) == value


@pytest.mark.feature("STR-02")
@pytest.mark.parametrize(
    "text",
    [
        "", "abc", "{", "{}", "{x}y", "{23}[a]", "{23,22}[a]", "{99}1", "{0}x", "{5}99999999999",
        "{3}300", "{5}1_0", "{5} 1", "{5}٣", "{14}infinity", "{1}yes", "{11}18446744073709551616",
        "{10}-1", "{23,24}[a\\]", "{23,24}[a,b\\]", "{21,24,24}[a]", "{21,24,24}[a=b=c]",
        "{21,24,5}[a=x]", "{22,25}Nobody", "{22,24}x", "{21,24,24}[a=\\]",
    ],
)  # fmt: skip
def test_malformed_texts_are_refused(text: str) -> None:
    """With an error, never with a guess."""
    with pytest.raises(DecodeError):
        CODEC.from_text(text)


@given(st.text(alphabet="{}[]0123458,=\\ax.-", max_size=30))
def test_any_text_gives_a_value_or_the_error(text: str) -> None:
    """No other exception; and what was read can be written, unless it is one empty text."""
    try:
        value = CODEC.from_text(text)
    except DecodeError:
        return
    if value not in ([""], [], {}):
        again = CODEC.from_text(CODEC.to_text(value))
        assert again == value or value != value  # noqa: PLR0124 - NaN


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1 << 31, Kind.INT32),
        (-1, Kind.UINT32),
        (1 << 63, None),
        (1e39, Kind.FLOAT32),
        ("1", Kind.INT32),
        (1, Kind.STRING),
        (True, Kind.INT32),
        ([], None),
        ([1, "a"], None),
        ([["a"]], None),
        ({"a": [1]}, None),
        ({1, 2}, None),
        (Book(), None),
    ],
)
def test_values_without_a_text_are_refused(value: object, kind: Kind | None) -> None:
    """Out of range, of another kind, mixed, nested or not registered."""
    with pytest.raises(EncodeError):
        CODEC.to_text(value, kind)


def test_messages_need_a_registry() -> None:
    """Without one the codec knows no names."""
    bare = TypedTextCodec()
    with pytest.raises(EncodeError, match="without a registry"):
        bare.to_text(L8Health())
    with pytest.raises(DecodeError, match="without a registry"):
        bare.from_text("{22,25}L8Health")
    assert bare.from_text(bare.to_text("a")) == "a"


@pytest.mark.feature("STR-01")
def test_plain_text_has_no_prefix() -> None:
    """As in plain keys: texts as they are, numbers in digits, nothing for nothing."""
    values = ("a,b", 5, True, 1.50, None, L8Health(alias="x"))
    assert [plain_text(value) for value in values] == ["a,b", "5", "true", "1.5", "", "L8Health"]
    assert plain_text((1 << 64) - 1, Kind.UINT64) == "-1"
