# SPDX-License-Identifier: Apache-2.0
"""The order of texts as a column, for declared attributes.

Queries put texts in order whatever their case, and those that look like addresses first and by
number. No database knows that order, so a text that is declared as a key has a second column: a
text whose order by code points is the order of the first. An index on it gives sorted pages.

Whoever writes without that column (a release that does not know it, a process in which the
attribute is not declared) leaves the column's default behind. Then the order is found in memory,
and the next node that prepares the model fills the column again.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from alembic.operations import Operations, ops

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ORDER_TAG", "STALE", "FillOrderOp", "is_stale", "order_column", "order_text", "stale"]

STALE: Final = "?"
"""What is in the column of a row that was written without it; no order begins like this."""

ORDER_TAG: Final = f"order {unicodedata.unidata_version}"
"""Type of the column: another version of Unicode may know more pairs of small and large letters."""

_ADDRESS: Final = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})", re.ASCII)
_ROWS: Final = 1_000
"""Rows that are filled at once."""


def order_text(text: str) -> str:
    """The text that stands for the place of another one."""
    folded = text.lower()
    if folded[:1].isdigit():
        found = _ADDRESS.fullmatch(folded)
        if found is not None:
            parts = [int(part) for part in found.groups()]
            if max(parts) <= 255:
                return "0" + bytes(parts).hex()
    return "1" + folded


def order_column(name: str) -> str:
    """Name of the column with the order of another one."""
    return f"_order_{name}"


def stale(orders: Sequence[sa.Column[Any]]) -> sa.Select[tuple[bool]]:
    """Asks whether some row was written without one of its orders; an index answers."""
    found = (
        sa.exists().select_from(order.table).where(order == sa.literal_column(f"'{STALE}'"))
        for order in orders
    )
    return sa.select(sa.or_(*found))


def is_stale(connection: sa.Connection, order: sa.Column[Any]) -> bool:
    """Whether some row was written without its order."""
    return bool(connection.execute(stale([order])).scalar_one())


class FillOrderOp(ops.MigrateOperation):
    """Fill the orders of a column, where they are not what they should be.

    Args:
        table: The table.
        key: Its column with the keys.
        column: The column with the texts.
        order: The column with their orders.
    """

    def __init__(self, table: sa.Table, key: str, column: str, order: str) -> None:
        self.table = table
        self.key, self.column, self.order = table.c[key], table.c[column], table.c[order]


@Operations.implementation_for(FillOrderOp)
def _fill(operations: Operations, step: FillOrderOp) -> None:
    context = operations.migration_context
    if context.as_sql:
        text = f"-- {step.table.name}.{step.order.name} is computed row by row\n\n"
        context.impl.static_output(text.rstrip("\n"))
        return
    connection = context.connection
    assert connection is not None  # noqa: S101 - it is not only written down
    wanted = sa.select(step.key, step.column, step.order).order_by(step.key).limit(_ROWS)
    last: str | None = None
    while rows := connection.execute(
        wanted if last is None else wanted.where(step.key > last)
    ).all():
        last = rows[-1][0]
        changed = [
            {"at": key, "now": now}
            for key, text, before in rows
            if (now := None if text is None else order_text(text)) != before
        ]
        if changed:
            update = sa.update(step.table).where(step.key == sa.bindparam("at"))
            connection.execute(update.values({step.order: sa.bindparam("now")}), changed)
