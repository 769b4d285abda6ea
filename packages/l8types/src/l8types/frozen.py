# SPDX-License-Identifier: Apache-2.0
"""Copies of frozen values with some attributes changed.

Values that are made for every message are ``msgspec.Struct`` classes, whose instances are made
three to five times as fast as those of a frozen dataclass; all others are dataclasses. Who wants a
changed copy need not know which: this is what ``copy.replace`` is from Python 3.13 on.
"""

from __future__ import annotations

import dataclasses
from typing import TypeVar

import msgspec

__all__ = ["replace"]

T = TypeVar("T")


def replace(value: T, /, **changes: object) -> T:
    """A copy of a struct or dataclass instance with some attributes changed.

    Args:
        value: Where the other attributes come from.
        changes: The new ones by name.

    Raises:
        TypeError: It is neither, or has no attribute of such a name.
    """
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.replace(value, **changes)
    return dataclasses.replace(value, **changes)  # type: ignore[type-var] # TypeError if it is none
