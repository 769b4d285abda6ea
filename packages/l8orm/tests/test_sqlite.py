# SPDX-License-Identifier: Apache-2.0
"""Patterns in SQLite."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8orm._sqlite import _fold, _like, pattern_pieces

from .queries import like

ALPHABET = "ab%_\\.*\n"


@pytest.mark.feature("ORM-17")
@given(st.text(alphabet=ALPHABET, max_size=8), st.text(alphabet=ALPHABET, max_size=8))
def test_a_pattern_matches_the_whole_text(pattern: str, text: str) -> None:
    """As the plainest translation to a regular expression does."""
    assert _like(pattern, text) == like(pattern, text)


def test_a_hostile_pattern_takes_no_time() -> None:
    """Many wildcards and a text that nearly fits."""
    assert _like("%a" * 200 + "b", "a" * 20_000) == 0


def test_nothing_matches_nothing() -> None:
    """NULL stays NULL."""
    assert _like(None, "a") is None
    assert _like("a", None) is None
    assert _fold(None) is None
    assert _fold("ÄK") == "äk"


def test_an_escape_takes_the_meaning_away() -> None:
    """The last backslash stands for itself."""
    assert pattern_pieces("a%\\%_\\") == ["=a", "%", "=%", "_", "=\\"]
