# SPDX-License-Identifier: Apache-2.0
"""Values from outside to what attributes hold."""

import math

import pytest

from l8types.errors import PropertyError
from reflect._adapters import shape_of
from reflect._convert import convert, convert_element

from .models import Device, DeviceMessage, Side


@pytest.mark.feature("REF-35")
@pytest.mark.parametrize(
    ("attribute", "value", "expected"),
    [
        ("load", 42, 42.0),
        ("count", 3.14, 3),
        ("count", -3.9, -3),
        ("note", 42, "42"),
        ("note", 1.5, "1.5"),
        ("note", 1e21, "1000000000000000000000"),
        ("note", True, "true"),
        ("note", b"xy", "xy"),
        ("note", Side.LEFT, "left"),
        ("note", 2**70, str(2**70)),
        ("count", "17", 17),
        ("count", True, 1),
        ("count", 2**53 + 1, 2**53 + 1),
        ("load", "0.5", 0.5),
        ("load", True, 1.0),
        ("up", 2, True),
        ("up", 0.0, False),
        ("up", "TRUE", True),
        ("up", "1", True),
        ("up", "f", False),
        ("raw", "é", b"\xc3\xa9"),
        ("raw", bytearray(b"a"), b"a"),
        ("raw", None, b""),
        ("ratio", 0.1, 0.10000000149011612),
        ("side", "right", Side.RIGHT),
        ("side", "RIGHT", Side.RIGHT),
    ],
)
def test_conversion(attribute: str, value: object, expected: object) -> None:
    """Scalars become what the attribute holds."""
    converted = convert(value, shape_of(Device).by_path[attribute])
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.feature("REF-35")
@pytest.mark.parametrize(
    ("attribute", "value", "complaint"),
    [
        ("count", "many", r"'many' \(str\) is no int64"),
        ("count", 2**63, "is not in"),
        ("count", math.inf, "is no int64"),
        ("count", None, "is no int64"),
        ("small", -1, "is not in 0..4294967295 of uint32"),
        ("ratio", 1e300, "is no float32"),
        ("load", "x", "is no float64"),
        ("load", [1], "is no float64"),
        ("up", "perhaps", "is no bool"),
        ("raw", 5, "is no bytes"),
        ("note", b"\xff", "is no string"),
        ("note", "\ud800", "is no text that UTF-8 can carry"),
        ("note", object(), "is no string"),
        ("side", "up", "'up' is no value of Side"),
        ("color", 9, "9 is no value of Color"),
        ("main", "x" * 100, "…"),
        ("names", 5, "is no list of string"),
        ("names", {"a": 1}, "is no list of string"),
        ("labels", "ab", "is no map of string to string"),
        ("totals", {"x": 1.0}, "is no int64"),
    ],
)
def test_what_does_not_fit(attribute: str, value: object, complaint: str) -> None:
    """What does not fit is refused; the message shows the value and what was expected."""
    with pytest.raises(PropertyError, match=complaint):
        convert(value, shape_of(Device).by_path[attribute])


@pytest.mark.feature("REF-36")
@pytest.mark.parametrize(("value", "number"), [("GLAD", 1), ("mad", 2), ("7", 7), (-3, -3)])
def test_enums_of_messages(value: object, number: int) -> None:
    """Enums of messages take names in any case, and numbers that have no name."""
    mood = shape_of(DeviceMessage).by_path["mood"].element
    assert convert_element(value, mood) == number


def test_unknown_enum_name() -> None:
    """A name that the enum does not have is refused."""
    mood = shape_of(DeviceMessage).by_path["mood"].element
    with pytest.raises(PropertyError, match="'SAD' is no value of Mood; use CALM, GLAD, MAD"):
        convert_element("SAD", mood)
