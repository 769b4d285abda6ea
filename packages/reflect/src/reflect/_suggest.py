# SPDX-License-Identifier: Apache-2.0
"""Nearest names for error messages."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["hint"]


def hint(name: str, candidates: Iterable[str]) -> str:
    """End of a message about an unknown name: the nearest candidate, or some of all."""
    names = list(dict.fromkeys(candidates))
    by_lower = {candidate.lower(): candidate for candidate in names}
    near = get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.6)
    if near:
        return f"did you mean {by_lower[near[0]]!r}?"
    if not names:
        return "there is none"
    shown = ", ".join(names[:8])
    return f"known: {shown}, …" if len(names) > 8 else f"known: {shown}"
