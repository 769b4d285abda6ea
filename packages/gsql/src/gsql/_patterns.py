# SPDX-License-Identifier: Apache-2.0
"""Texts with escapes and wildcards.

Bound criteria know one pattern language, that of SQL: ``%`` any run, ``_`` one character, a
backslash takes the meaning from what follows. A query may also say ``= eth*``; that becomes a
pattern here. A pattern matches the whole text.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "like_pattern",
    "loose_patterns",
    "pattern_pieces",
    "pattern_regex",
    "quoted",
    "star_pattern",
    "star_text",
    "unescaped",
]

_PART: Final = re.compile(r"\\[\"'\\*]|.", re.DOTALL)
_LIKE_PART: Final = re.compile(r"\\[\"'\\*%_]|.", re.DOTALL)
_SPECIAL: Final = re.compile(r"[%_\\]")
_QUOTED: Final = re.compile(r"[\\\"*]")
_LIKE_QUOTED: Final = re.compile(r"\"")


def unescaped(text: str) -> str:
    """A literal as meant: a backslash before a quote, a star or a backslash goes."""
    if "\\" not in text:
        return text
    return "".join(part[-1] for part in _PART.findall(text))


def star_pattern(text: str) -> str | None:
    """The pattern of a literal with unescaped stars, ``None`` when it has none."""
    if "*" not in text:
        return None
    if "\\" not in text:
        return _SPECIAL.sub(r"\\\g<0>", text).replace("*", "%")
    parts = _PART.findall(text)
    if "*" not in parts:
        return None
    return "".join("%" if part == "*" else _SPECIAL.sub(r"\\\g<0>", part[-1]) for part in parts)


def loose_patterns(text: str) -> tuple[str, ...]:
    """The patterns of which one must fit a literal with stars, as nodes of the first make see it.

    They look for any of the pieces between the stars, anywhere; a star alone fits everything, and
    stars without a piece fit nothing.
    """
    if text == "*":
        return ("%",)
    pieces = [""]
    for piece in pattern_pieces(star_pattern(text) or ""):
        if piece == "%":
            pieces.append("")
        else:
            pieces[-1] += _SPECIAL.sub(r"\\\g<0>", piece[1:])
    return tuple(dict.fromkeys(f"%{piece}%" for piece in pieces if piece))


def like_pattern(text: str) -> str:
    """The pattern written after ``like``, in normal form."""
    out: list[str] = []
    for part in _LIKE_PART.findall(text):
        if part in {"%", "_"}:
            out.append(part)
        else:
            out.append(_SPECIAL.sub(r"\\\g<0>", part[-1]))
    return "".join(out)


def pattern_pieces(pattern: str) -> list[str]:
    """Tokens of a pattern: ``%`` and ``_`` stand for wildcards, ``=x`` for the character x."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    return [part if part in {"%", "_"} else "=" + part[-1] for part in parts]


def star_text(pattern: str) -> str | None:
    """The literal with stars that means the pattern; ``None`` when only ``like`` can say it."""
    pieces = pattern_pieces(pattern)
    if "_" in pieces or "%" not in pieces:
        return None
    return "".join("*" if piece == "%" else _escape_star(piece[1:]) for piece in pieces)


def _escape_star(char: str) -> str:
    return "\\" + char if char in {"*", "\\"} else char


def pattern_regex(pattern: str) -> re.Pattern[str]:
    """Regular expression that matches what the pattern does, in time linear in the text."""
    head, *rest = _segments(pattern_pieces(pattern))
    if not rest:
        return re.compile(head, re.DOTALL)
    *middle, tail = rest
    # The first place where a piece in the middle fits is never a wrong one, so there is no need
    # to come back to it: atomic groups keep hostile patterns from taking for ever.
    source = head + "".join(f"(?>.*?{piece})" for piece in middle if piece) + ".*" + tail
    return re.compile(source, re.DOTALL)


def _segments(pieces: list[str]) -> list[str]:
    """Regular expressions of what stands between the ``%``."""
    segments = [""]
    for piece in pieces:
        if piece == "%":
            segments.append("")
        else:
            segments[-1] += "." if piece == "_" else re.escape(piece[1:])
    return segments


def quoted(text: str, *, pattern: bool = False) -> str:
    """A text in quotes, so that parsing gives it back; a pattern keeps its escapes."""
    marks = _LIKE_QUOTED if pattern else _QUOTED
    return '"' + marks.sub(r"\\\g<0>", text) + '"'
