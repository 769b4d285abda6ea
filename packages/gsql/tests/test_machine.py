# SPDX-License-Identifier: Apache-2.0
"""The loop over the tables of a grammar, with a grammar as small as can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsql._machine import Machine, UnexpectedError

if TYPE_CHECKING:
    from collections.abc import Sequence

GRAMMAR = """
start: sum
sum: term          -> same
   | sum PLUS term -> plus
term: ONE?           -> number
    | OPEN sum CLOSE -> inner
%declare ONE PLUS OPEN CLOSE
"""


@dataclass(frozen=True)
class Word:
    """A token."""

    type: str


class Adding:
    """Adds what the grammar finds."""

    def start(self, parts: list[int]) -> int:
        return parts[0]

    def same(self, parts: list[int]) -> int:
        return parts[0]

    def plus(self, parts: list[int]) -> int:
        return parts[0] + parts[2]

    def number(self, parts: list[object]) -> int:
        return len(parts)

    def inner(self, parts: list[int]) -> int:
        return parts[1]


MACHINE = Machine(GRAMMAR, Adding())
KINDS = {"1": "ONE", "+": "PLUS", "(": "OPEN", ")": "CLOSE"}


def run(text: str) -> object:
    """What the machine makes of a text."""
    return MACHINE.run(Word(KINDS[each]) for each in text)


def valued(text: str) -> int | None:
    """The same by hand: the sum, ``None`` when it is no sentence."""
    depth, before = 0, ""
    for each in text:
        depth += {"(": 1, ")": -1}.get(each, 0)
        misplaced = before in {"1", ")"} if each in {"1", "("} else False
        if depth < 0 or misplaced:
            return None
        before = each
    return text.count("1") if depth == 0 else None


@given(st.text(alphabet="1+()", max_size=12))
def test_sentences_and_only_sentences_have_a_value(text: str) -> None:
    """Every text is what the grammar says or an error."""
    try:
        found = run(text)
    except UnexpectedError:
        found = None
    assert found == valued(text)


@pytest.mark.parametrize(
    ("text", "token", "expected"),
    [
        ("1(", "OPEN", {"PLUS", "$END"}),
        ("(1", None, {"PLUS", "CLOSE"}),
        ("1)", "CLOSE", {"PLUS", "$END"}),
        ("(1 1".replace(" ", ""), "ONE", {"PLUS", "CLOSE"}),
    ],
)
def test_what_was_expected_is_told(text: str, token: str | None, expected: Sequence[str]) -> None:
    """With the token that had no place, or none at the end."""
    with pytest.raises(UnexpectedError) as caught:
        run(text)
    assert (caught.value.token and caught.value.token.type) == token
    assert caught.value.expected == set(expected)
