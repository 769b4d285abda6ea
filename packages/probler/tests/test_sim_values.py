# SPDX-License-Identifier: Apache-2.0
"""The typed values of the simulator."""

from __future__ import annotations

import pytest

from l8types.errors import InvalidInputError
from probler.sim import Kind, Value, format_oid, parse_oid
from probler.sim._values import as_value


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (Kind.INTEGER, 2**31),
        (Kind.INTEGER, -(2**31) - 1),
        (Kind.INTEGER, b"1"),
        (Kind.COUNTER32, -1),
        (Kind.COUNTER32, 2**32),
        (Kind.GAUGE32, 2**32),
        (Kind.TIME_TICKS, None),
        (Kind.COUNTER64, 2**64),
        (Kind.OCTET_STRING, 5),
        (Kind.IP_ADDRESS, b"\x01\x02\x03"),
        (Kind.OBJECT_IDENTIFIER, (1,)),
        (Kind.OBJECT_IDENTIFIER, (1, 40)),
        (Kind.OBJECT_IDENTIFIER, (3, 1)),
        (Kind.OBJECT_IDENTIFIER, (1, 3, 2**32)),
        (Kind.NULL, 0),
        (Kind.END_OF_MIB_VIEW, b""),
    ],
)
def test_a_content_that_does_not_fit_its_kind_is_refused(
    kind: Kind, content: int | bytes | tuple[int, ...] | None
) -> None:
    """No value exists that an agent could not send."""
    with pytest.raises(InvalidInputError, match=kind.name):
        Value(kind, content)


@pytest.mark.parametrize("text", ["1.3.6.1.2.1.1.5.0", "0.0", "2.999.1", "1.0.8802"])
def test_dotted_text_and_arcs_are_the_same_oid(text: str) -> None:
    """Parsing and formatting are inverse, with and without a leading dot."""
    assert format_oid(parse_oid(text)) == text
    assert parse_oid(f".{text}") == parse_oid(text)


@pytest.mark.parametrize("text", ["", ".", "1", "1..3", "1.3.", "1.3.x", "1.3.-1", "1.40", "1.3.²"])
def test_text_that_is_no_oid_is_refused_by_name(text: str) -> None:
    """The message shows what was written."""
    with pytest.raises(InvalidInputError, match="is no object identifier") as caught:
        parse_oid(text)
    assert repr(text) in caught.value.message


@pytest.mark.parametrize(
    ("content", "kind", "value"),
    [
        (5, None, Value(Kind.INTEGER, 5)),
        (5, Kind.GAUGE32, Value(Kind.GAUGE32, 5)),
        ("a", None, Value(Kind.OCTET_STRING, b"a")),
        (b"a", None, Value(Kind.OCTET_STRING, b"a")),
        ("1.3.6", Kind.OBJECT_IDENTIFIER, Value(Kind.OBJECT_IDENTIFIER, (1, 3, 6))),
        ("192.0.2.1", Kind.IP_ADDRESS, Value(Kind.IP_ADDRESS, bytes((192, 0, 2, 1)))),
        (Value(Kind.NULL), Kind.INTEGER, Value(Kind.NULL)),
    ],
)
def test_plain_content_takes_the_kind_that_is_there(
    content: Value | int | str | bytes, kind: Kind | None, value: Value
) -> None:
    """A plain number or text becomes a value of the wanted kind; a typed value stays."""
    assert as_value(content, kind) == value


@pytest.mark.parametrize(
    ("content", "kind"),
    [("text", Kind.COUNTER32), (5, Kind.OCTET_STRING), ("1.2.3", Kind.IP_ADDRESS)],
)
def test_plain_content_of_another_kind_is_refused(content: int | str, kind: Kind) -> None:
    """A counter cannot be set to a text."""
    with pytest.raises(InvalidInputError):
        as_value(content, kind)
