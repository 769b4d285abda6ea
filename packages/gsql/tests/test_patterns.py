# SPDX-License-Identifier: Apache-2.0
"""Escapes and wildcards."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsql._patterns import (
    like_pattern,
    pattern_regex,
    quoted,
    star_pattern,
    star_text,
    unescaped,
)

TEXTS = st.text(alphabet="ab%_*\\\"' ", max_size=8)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("eth*", "eth%"),
        ("*", "%"),
        ("100%*", "100\\%%"),
        ("a\\*b*", "a*b%"),
        ("a\\*b", None),
        ("plain", None),
    ],
)
@pytest.mark.feature("GQ-08")
def test_stars_become_patterns(text: str, pattern: str | None) -> None:
    """A star is a wildcard unless a backslash stands before it."""
    assert star_pattern(text) == pattern


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a%c", "abbc", True),
        ("a%c", "abcd", False),
        ("%b%d%", "abcde", True),
        ("%b%d%", "adcbe", False),
        ("a_c", "abc", True),
        ("a_c", "ac", False),
        ("a\\%", "a%", True),
        ("a\\%", "ab", False),
        ("%ab%ab", "ab", False),
        ("%", "line\nbreak", True),
    ],
)
def test_patterns_match_whole_texts(pattern: str, text: str, expected: bool) -> None:
    """A pattern is anchored at both ends."""
    assert bool(pattern_regex(pattern).fullmatch(text)) is expected


def test_a_hostile_pattern_takes_no_time() -> None:
    """Many wildcards do not multiply."""
    before = time.process_time()
    assert not pattern_regex("%a" * 40 + "%b").fullmatch("a" * 2_000)
    assert time.process_time() - before < 2


@given(TEXTS)
def test_quoting_is_undone_by_reading(text: str) -> None:
    """A quoted literal comes back, and holds no wildcard."""
    inner = quoted(text)[1:-1]
    assert unescaped(inner) == text
    assert star_pattern(inner) is None


@given(TEXTS)
def test_patterns_have_a_normal_form(text: str) -> None:
    """Reading a written pattern gives the pattern."""
    pattern = like_pattern(text)
    assert like_pattern(quoted(pattern, pattern=True)[1:-1]) == pattern
    star = star_text(pattern)
    if star is not None:
        assert star_pattern(star) == pattern
