# SPDX-License-Identifier: Apache-2.0
"""Errors that show where a query goes wrong and what was probably meant."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from l8types.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["did_you_mean", "problem", "shown"]

_WINDOW: Final = 72
"""Characters of a long line that are shown around the place."""
_SHOWN: Final = 60


def shown(text: str) -> str:
    """A value from outside, quoted and cut for a message."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """``; did you mean 'x'?`` when one of the candidates is close, "" otherwise."""
    by_lower: dict[str, str] = {}
    for candidate in candidates:
        by_lower.setdefault(candidate.lower(), candidate)
    near = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean {by_lower[near[0]]!r}?" if near else ""


def problem(message: str, text: str = "", offset: int = -1, length: int = 1) -> QueryError:
    """Make the error of a query.

    The first line of its message stands alone; below it the line of the query with a caret.

    Args:
        message: What is wrong, in lower case, without the place.
        text: The query.
        offset: Where in the text, -1 when the query did not come as text.
        length: How many characters are at fault.
    """
    if offset < 0:
        return QueryError(message)
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    row = text[start:] if end < 0 else text[start:end]
    line, column = text.count("\n", 0, offset) + 1, offset - start + 1
    cut = max(0, min(column - _WINDOW // 2, len(row) - _WINDOW))
    excerpt = row[cut : cut + _WINDOW].replace("\t", " ")
    caret = " " * (column - 1 - cut) + "^" * max(1, min(length, len(excerpt) - column + 1 + cut))
    place = f"(line {line}, column {column})"
    return QueryError(f"{message} {place}\n  {excerpt}\n  {caret}", line=line, column=column)
