# SPDX-License-Identifier: Apache-2.0
"""Typed and plain texts of scalars."""

import math
import struct
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.enums import Kind
from l8types.errors import DecodeError, EncodeError
from reflect import ScalarTextCodec
from reflect._scalars import plain_text

from .strategies import TEXTS, scalars

CODEC = ScalarTextCodec()


@pytest.mark.feature("REF-20", "REF-56")
@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("a", None, "{24}a"),
        ("", None, "{24}"),
        (1, None, "{2}1"),
        (-1, Kind.INT32, "{5}-1"),
        (5, Kind.INT64, "{6}5"),
        (7, Kind.UINT32, "{10}7"),
        (2**64 - 1, Kind.UINT64, "{11}-1"),
        (1.5, None, "{14}1.5"),
        (1e21, None, "{14}1000000000000000000000"),
        (3.0, None, "{14}3"),
        (struct.unpack("f", struct.pack("f", 0.1))[0], Kind.FLOAT32, "{13}0.1"),
        (float("inf"), None, "{14}+Inf"),
        (True, None, "{1}true"),
        ("a<b>%c", None, "{24%}a%3Cb%3E%25c"),
    ],
)
def test_typed_text(value: object, kind: Kind | None, text: str) -> None:
    """A scalar has the text that every node of the ecosystem gives it, and is read back."""
    assert CODEC.to_text(value, kind) == text
    assert CODEC.from_text(text) == pytest.approx(value)


@pytest.mark.feature("REF-56")
@given(st.data(), st.sampled_from([kind for kind in Kind if kind < Kind.MAP]))
def test_round_trip(data: st.DataObject, kind: Kind) -> None:
    """Every value of every scalar kind survives its typed text."""
    if kind in {Kind.UINT8, Kind.INT}:
        kind = Kind.INT64
    value: Any = data.draw(scalars(kind))
    back = CODEC.from_text(CODEC.to_text(value, kind))
    assert back == value or (math.isnan(value) and isinstance(back, float) and math.isnan(back))


@given(TEXTS)
def test_any_text_is_a_value_or_a_decode_error(text: str) -> None:
    """Whatever arrives from outside, reading it ends in a scalar or in a decode error."""
    with suppress(DecodeError):
        assert isinstance(CODEC.from_text(text), bool | int | float | str | None)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("abc", "does not start with a kind"),
        ("{2}5a", "not a whole number"),
        ("{5}99999999999", "is not in"),
        ("{8}300", "is not in"),
        ("{14}x", "not a number"),
        ("{1}perhaps", "not the typed text of a scalar"),
        ("{23,24}[a]", "does not start with a kind"),
        ("{99}a", "not the typed text of a scalar"),
    ],
)
def test_bad_text(text: str, complaint: str) -> None:
    """What is no typed text is refused, and the message says why."""
    with pytest.raises(DecodeError, match=complaint):
        CODEC.from_text(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("{2}", 0), ("{14}", 0.0), ("{0}", None), ("{1}T", True), ("{9}7", 7), ("{11}-1", 2**64 - 1)],
)
def test_texts_of_peers(text: str, value: object) -> None:
    """Forms that only peers write are read as well."""
    assert CODEC.from_text(text) == value


@pytest.mark.parametrize(
    ("value", "kind"),
    [([1], None), (2**31, Kind.INT32), ("a", Kind.INT32), (1e300, Kind.FLOAT32), (-1, Kind.UINT32)],
)
def test_value_that_has_no_text(value: object, kind: Kind | None) -> None:
    """A container, or a value outside its kind, is refused."""
    with pytest.raises(EncodeError):
        CODEC.to_text(value, kind)


@pytest.mark.feature("REF-21")
def test_plain_text_has_no_kind() -> None:
    """Plain texts are the values alone, and nothing for an absent value."""
    assert [plain_text(value) for value in ("a", 3, True, 0.5, None)] == [
        "a",
        "3",
        "true",
        "0.5",
        "",
    ]
