# SPDX-License-Identifier: Apache-2.0
"""How often the items of a model were written: one number per model, kept in the database.

It is raised in every transaction that writes and read in the one that answers, so what is kept in
memory on any node, by any process, is known to be up to date or not. It begins at random: a
database that is made anew under the same name is not taken for the old one.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from l8orm import _sqlite

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["GENERATIONS", "begin", "generation", "is_begun", "raise_generations"]

GENERATIONS: Final = sa.Table(
    "l8orm_generation",
    sa.MetaData(),
    sa.Column("model", sa.Text(), primary_key=True),
    sa.Column("number", sa.BigInteger(), nullable=False),
)

_RAISE: Final = sa.text(
    "UPDATE l8orm_generation SET number = number + 1 WHERE model = :model RETURNING number"
)
_READ_SQLITE: Final = "SELECT number FROM l8orm_generation WHERE model = ?"
_READ: Final = sa.text("SELECT number FROM l8orm_generation WHERE model = :model")


def begin(connection: sa.Connection, model: str) -> None:
    """Start to count for a model, if that was not done."""
    GENERATIONS.create(connection, checkfirst=True)
    if not is_begun(connection, model):
        first = secrets.randbits(48)
        connection.execute(sa.insert(GENERATIONS).values(model=model, number=first))


def is_begun(connection: sa.Connection, model: str) -> bool:
    """Whether writes of a model are counted already."""
    known = sa.select(GENERATIONS.c.number).where(GENERATIONS.c.model == model)
    return connection.execute(known).one_or_none() is not None


async def generation(connection: AsyncConnection, model: str) -> int:
    """The present number, as the transaction sees it."""
    if connection.dialect.name == "sqlite":
        rows = await _sqlite.fetched(connection, _READ_SQLITE, (model,))
        return int(rows[0][0])
    found: int = (await connection.execute(_READ, {"model": model})).scalar_one()
    return found


async def raise_generations(connection: AsyncConnection, models: Iterable[str]) -> dict[str, int]:
    """Count a write, the last thing that a transaction does since others wait for it.

    Returns:
        The new numbers.
    """
    numbers: dict[str, int] = {}
    # In one order everywhere, so that no two wait for each other.
    for model in sorted(models):
        result = await connection.execute(_RAISE, {"model": model})
        numbers[model] = result.scalar_one()
    return numbers
