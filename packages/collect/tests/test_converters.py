# SPDX-License-Identifier: Apache-2.0
"""Small steps from the values of devices to those of models."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect._rules._converters import CONVERTERS, clean_text, convert, format_mac, is_blank
from l8types.errors import InvalidInputError


@pytest.mark.parametrize(
    "value",
    [
        b"\x00\x1b\x2c\xfd\x4e\x5f",
        b"\x00\x1b\x2c\xfd\x4e\x5f".decode(errors="surrogateescape"),
        "00:1b:2c:fd:4e:5f",
        "00-1B-2C-FD-4E-5F",
        "001b.2cfd.4e5f",
        "001B2CFD4E5F",
    ],
)
def test_an_address_has_one_form(value: object) -> None:
    """From octets, also as text that carries them, and from all usual texts."""
    assert format_mac(value) == "00:1b:2c:fd:4e:5f"


@pytest.mark.parametrize("value", [b"", b"\x01", "hello", "00:1b:2c:fd:4e:5f:60", 7])
def test_what_is_no_address_is_refused(value: object) -> None:
    """It is not filled up or cut."""
    with pytest.raises(InvalidInputError, match="not an address"):
        format_mac(value)


@given(st.binary(min_size=6, max_size=6))
def test_six_octets_are_always_an_address(octets: bytes) -> None:
    """Even if they look like text; the text form gives the same address again."""
    address = format_mac(octets)
    assert bytes.fromhex(address.replace(":", "")) == octets
    assert format_mac(address) == address


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ticks", 0, "0d 00:00:00"),
        ("ticks", 3_444_780_908, "398d 16:50:09"),
        ("ticks", "8640000", "1d 00:00:00"),
        ("mbit", 10_000, 10_000_000_000),
        ("number", " 42 ", 42),
        ("number", b"-1", -1),
        ("text", b" lab\x00 ", "lab"),
        ("text", 5, "5"),
        ("", 5, 5),
        ("", b"\xff1", "\N{REPLACEMENT CHARACTER}1"),
    ],
)
def test_values_are_converted(name: str, value: object, expected: object) -> None:
    """Each converter by an example or two."""
    assert convert(value, name) == expected


def test_unknown_converters_and_texts_that_are_no_numbers_are_refused() -> None:
    """With the reason."""
    with pytest.raises(InvalidInputError, match="no converter is called 'km'; there are mac, mbit"):
        convert(1, "km")
    with pytest.raises(InvalidInputError, match="'fast' is not a whole number"):
        convert("fast", "mbit")


@given(st.binary() | st.text() | st.integers(), st.sampled_from(["", *CONVERTERS]))
def test_any_value_is_converted_or_refused(value: object, name: str) -> None:
    """Nothing that a device says makes a converter fail otherwise, and texts can be stored."""
    try:
        converted = convert(value, name)
    except InvalidInputError:
        return
    if isinstance(converted, str):
        converted.encode()


@pytest.mark.parametrize(
    ("value", "blank"),
    [(None, True), ("", True), (b" ", True), ("\n", True), (0, False), ("0", False)],
)
def test_blank_is_what_says_nothing(value: object, blank: bool) -> None:
    """Zero says something."""
    assert is_blank(value) is blank


@given(st.binary())
def test_text_can_always_be_stored(octets: bytes) -> None:
    """Whatever octets a device gives for a text."""
    text = clean_text(octets)
    assert text.encode().decode() == text
    assert "\x00" not in text
