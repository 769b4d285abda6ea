# SPDX-License-Identifier: Apache-2.0
"""Members of enumerations, of which a database keeps the number or the text."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, Flag
from functools import cache
from typing import Any

__all__ = ["Member", "member_of"]

Member = Callable[[Any, Any], Any]
"""The member with a value; the second argument when the class has none, which is kept as it is."""


@cache
def member_of(kind: type[Enum]) -> Member:
    """How values of a class become members: ``find(value, value)``."""
    if issubclass(kind, Flag):
        return _flags(kind)
    found: Member = {member.value: member for member in kind}.get
    return found


def _flags(kind: type[Flag]) -> Member:
    """Flags are combined, so not every member has a name."""

    def find(value: Any, otherwise: Any) -> Any:  # noqa: ANN401 - a member or any value
        try:
            return kind(value)
        except ValueError:
            return otherwise

    return find
