# SPDX-License-Identifier: Apache-2.0
"""The text form of property ids."""

from contextlib import suppress

import pytest
from hypothesis import given

from l8types.enums import Kind
from l8types.errors import PropertyError
from reflect._paths import Part, composite_key, root_text, split_id, split_root_key

from .strategies import TEXTS


@pytest.mark.feature("REF-24")
@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("testproto", [("testproto", None)]),
        ("testproto.myint32", [("testproto", None), ("myint32", None)]),
        (
            "t<{24}{24}1.2.3.4>.m<{24}5.6>.s",
            [("t", "{24}{24}1.2.3.4"), ("m", "{24}5.6"), ("s", None)],
        ),
        ("t.m<>", [("t", None), ("m", "")]),
        ("t.m<a>b<c>.x", [("t", None), ("m", "a>b<c"), ("x", None)]),
    ],
)
def test_split(text: str, parts: list[tuple[str, str | None]]) -> None:
    """Dots and brackets inside keys do not split the path."""
    assert split_id(text) == [Part(*part) for part in parts]


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a..b", "a<b", "a>", "<k>", "a<b>c", "a.<b>"]
)
def test_malformed(text: str) -> None:
    """What is no property id is refused."""
    with pytest.raises(PropertyError, match="property id"):
        split_id(text)


def test_too_deep() -> None:
    """A path of absurd depth is refused before it costs anything."""
    with pytest.raises(PropertyError, match="more than 128 parts"):
        split_id(".".join("a" * 200))


@given(TEXTS)
def test_any_text_splits_or_is_refused(text: str) -> None:
    """No text makes the reader fail in another way."""
    with suppress(PropertyError):
        assert split_id(text)


@pytest.mark.feature("REF-20")
def test_composite_key() -> None:
    """The values of a key carry their kinds and are joined by two colons."""
    assert composite_key(("Test2", 3), (Kind.STRING, Kind.INT32)) == "{24}Test2::{5}3"
    assert composite_key(("a::{5}1", 3), (Kind.STRING, Kind.INT32)) == "{24%}a%3A%3A{5}1::{5}3"
    assert root_text("testproto", ("Hello",), (Kind.STRING,)) == "testproto<{24}{24}Hello>"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("{24}{24}Test2::{5}3", ["{24}Test2", "{5}3"]),
        ("{24}Test2::{5}3", ["{24}Test2", "{5}3"]),
        ("Test2::3", ["Test2", "3"]),
        ("{24}{24}a:::{5}3", ["{24}a:", "{5}3"]),
    ],
)
def test_split_root_key(text: str, tokens: list[str]) -> None:
    """A root key is read with and without the outer kind, and without kinds at all."""
    assert split_root_key(text, 2) == tokens


def test_root_key_with_another_number_of_values() -> None:
    """A root key must have a value for each key attribute."""
    with pytest.raises(PropertyError, match="has 1 values, the model has 2"):
        split_root_key("{24}{24}a", 2)
