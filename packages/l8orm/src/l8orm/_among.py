# SPDX-License-Identifier: Apache-2.0
"""Whether a column holds one of many values, with one parameter however many they are.

A parameter for each would meet a limit (32766 in SQLite, 32767 in PostgreSQL) and make every length
of the list a statement of its own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["among"]


def among(
    column: sa.ColumnElement[Any], values: Sequence[int] | Sequence[str], *, sqlite: bool
) -> sa.ColumnElement[bool]:
    """The condition for whole numbers, or for texts without a NUL character."""
    if not sqlite:
        array = sa.bindparam(None, list(values), type_=postgresql.ARRAY(column.type))
        return column == sa.any_(array)
    # Numbers and texts come out of JSON as they went in.
    found = sa.func.json_each(json.dumps(values, ensure_ascii=False)).table_valued("value")
    return column.in_(sa.select(found.c.value))
