# SPDX-License-Identifier: Apache-2.0
"""The suite of codecs of typed text passes one that keeps its promises, and catches each mutant."""

from __future__ import annotations

import re
from typing import Any

import pytest

from l8test.conformance import TextCodecConformance
from l8types.enums import Kind
from l8types.errors import DecodeError

from .harness import Fixtures, failures

KINDS = {str: Kind.STRING, bool: Kind.BOOL, int: Kind.INT, float: Kind.FLOAT64}
TYPES: dict[int, Any] = {Kind.STRING: str, Kind.INT: int, Kind.INT32: int, Kind.FLOAT64: float}


class FakeTextCodec:
    """Takes scalars."""

    def to_text(self, value: object, kind: Kind | None = None) -> str:
        shown = self.shown(value)
        return f"{{{(kind or KINDS[type(value)]).value}}}{shown}"

    def shown(self, value: object) -> str:
        """The text without its type."""
        return str(value).lower() if isinstance(value, bool) else str(value)

    def from_text(self, text: str) -> object:
        found = re.fullmatch(r"\{(\d+)\}(.*)", text, re.DOTALL)
        if found is None:
            raise DecodeError(f"{text!r} has no type")
        number, rest = int(found[1]), found[2]
        if number == Kind.BOOL:
            return rest == "true"
        try:
            return TYPES[number](rest)
        except (KeyError, ValueError) as error:
            raise DecodeError(f"{text!r} is no typed text") from error


def codecs(**members: Any) -> Fixtures:
    """Fixtures with a codec that differs in these members."""
    return {"text_codec": type("Mutant", (FakeTextCodec,), members)}


def rounded(self: FakeTextCodec, value: object) -> str:
    """Numbers with six digits."""
    return f"{value:.6f}" if isinstance(value, float) else SHOWN(self, value)


SHOWN = FakeTextCodec.shown


def untyped_truth(self: FakeTextCodec, value: object, kind: Kind | None = None) -> str:
    """Truth as the number that it is in Python."""
    return TO_TEXT(self, int(value) if isinstance(value, bool) else value, kind)


def suggested(self: FakeTextCodec, value: object, kind: Kind | None = None) -> str:
    """A codec that knows better than its caller what kind a value has."""
    return TO_TEXT(self, value)


TO_TEXT = FakeTextCodec.to_text


def guessing(self: FakeTextCodec, text: str) -> object:
    """A codec for which a text without a type is a text."""
    try:
        return FROM_TEXT(self, text)
    except DecodeError:
        return text


def stripped(self: FakeTextCodec, text: str) -> object:
    """A codec that takes white space at the ends for an accident."""
    found = FROM_TEXT(self, text)
    return found.strip() if isinstance(found, str) else found


FROM_TEXT = FakeTextCodec.from_text

MUTANTS: list[tuple[type, Fixtures, str]] = [
    (TextCodecConformance, codecs(shown=rounded), "test_round_trip"),
    (TextCodecConformance, codecs(from_text=stripped), "test_round_trip"),
    (TextCodecConformance, codecs(to_text=suggested), "test_known"),
    (TextCodecConformance, codecs(to_text=untyped_truth), "test_different"),
    (TextCodecConformance, codecs(from_text=guessing), "test_malformed"),
]


def test_sound() -> None:
    """A codec that keeps its promises passes."""
    assert failures(TextCodecConformance, codecs()) == set()


@pytest.mark.parametrize(("suite", "fixtures", "test"), MUTANTS)
def test_mutant(suite: type, fixtures: Fixtures, test: str) -> None:
    """One that breaks a promise is caught by the test of that promise."""
    assert test in failures(suite, fixtures, only=test)
