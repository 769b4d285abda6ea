# SPDX-License-Identifier: Apache-2.0
"""Texts built of values."""

from __future__ import annotations

import doctest

import pytest

from l8types.enums import Kind
from l8types.errors import EncodeError
from l8utils import TextBuilder, TypedTextCodec, _shared, _text_builder


@pytest.mark.feature("STR-03")
def test_values_stand_side_by_side() -> None:
    """Each as its plain text; absent is nothing; a kind decides how a number is written."""
    built = TextBuilder("a", 1, None, 2.5, True).add(0.1, Kind.FLOAT32)
    assert str(built) == "a12.5true0.1"
    assert len(built) == len("a12.5true0.1")


@pytest.mark.feature("STR-03")
def test_values_may_carry_their_kinds() -> None:
    """As typed text, lists included."""
    built = TextBuilder("a", codec=TypedTextCodec()).add(["b", "c"]).add(7, Kind.INT32)
    assert str(built) == "{24}a{23,24}[b,c]{5}7"


@pytest.mark.feature("STR-03")
def test_a_separator_stands_between_but_not_around() -> None:
    """Joining another builder counts as one addition, joining an empty one as none."""
    built = TextBuilder("a", separator=" ").add("b").join(TextBuilder("c", "d")).join(TextBuilder())
    assert str(built) == "a b cd"
    assert len(built) == 6
    assert not TextBuilder(separator=" ")


def test_what_has_no_text_is_refused() -> None:
    """And nothing is added."""
    built = TextBuilder("a")
    with pytest.raises(EncodeError):
        built.add(object())
    assert str(built) == "a"


def test_examples_in_docstrings_run() -> None:
    """They are documentation that must not rot."""
    for module in (_shared, _text_builder):
        result = doctest.testmod(module)
        assert result.attempted
        assert not result.failed
