# SPDX-License-Identifier: Apache-2.0
"""The questions to a store of samples as SQL, the same on every database.

Every one asks for one sample more than an answer may have, which tells that there are more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from l8orm._series._samples import MAX_ANSWER, MIN_STAMP
from l8orm._series._tables import POINTS, SERIES
from l8types.enums import Downsample

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BELOW", "IN_RANGE", "LATEST", "bucket_values", "latest_of_many"]

Statement = sa.Select[Any]

_ID: Final = (
    sa.select(SERIES.c.id).where(SERIES.c.property_id == sa.bindparam("of")).scalar_subquery()
)

IN_RANGE: Final[Statement] = (
    sa.select(POINTS.c.stamp, POINTS.c.value)
    .where(
        POINTS.c.series == _ID,
        POINTS.c.stamp >= sa.bindparam("start", type_=sa.BigInteger()),
        POINTS.c.stamp <= sa.bindparam("end", type_=sa.BigInteger()),
    )
    .order_by(POINTS.c.stamp)
    .limit(MAX_ANSWER + 1)
)
"""Samples of series ``of`` from ``start`` to ``end``, ascending."""

LATEST: Final[Statement] = (
    sa.select(POINTS.c.stamp, POINTS.c.value)
    .where(POINTS.c.series == _ID)
    .order_by(POINTS.c.stamp.desc())
    .limit(sa.bindparam("count", type_=sa.Integer()))
)
"""The newest ``count`` samples of series ``of``, newest first."""

BELOW: Final = sa.or_(
    SERIES.c.property_id == sa.bindparam("of"),
    # What begins with the id and a dot; a pattern would not tell upper from lower case everywhere.
    sa.and_(
        SERIES.c.property_id >= sa.bindparam("first"), SERIES.c.property_id < sa.bindparam("behind")
    ),
)
"""Series ``of``, and those below it: from ``of.`` as ``first`` to ``of/`` as ``behind``."""


def latest_of_many(property_ids: Sequence[str], count: int) -> Statement:
    """Id, stamp and value of the newest samples of each series, ascending.

    The stamp from which on they count is looked up in the index, so what a series holds beyond
    costs nothing.
    """
    others = POINTS.alias()
    oldest = (
        sa.select(others.c.stamp)
        .where(others.c.series == SERIES.c.id)
        .order_by(others.c.stamp.desc())
        .limit(1)
        .offset(count - 1)
        .scalar_subquery()
    )
    return (
        sa.select(SERIES.c.property_id, POINTS.c.stamp, POINTS.c.value)
        .join(POINTS, POINTS.c.series == SERIES.c.id)
        .where(
            SERIES.c.property_id.in_(property_ids),
            POINTS.c.stamp >= sa.func.coalesce(oldest, MIN_STAMP),
        )
        .order_by(SERIES.c.property_id, POINTS.c.stamp)
    )


def bucket_values(function: Downsample, *, native: bool) -> Statement:
    """Begin and value of every bucket of ``width`` seconds, ascending.

    Args:
        function: What the value tells.
        native: Whether the database has ``time_bucket``.
    """
    width = sa.bindparam("width", type_=sa.BigInteger())
    stamp = POINTS.c.stamp
    if native:
        start: sa.ColumnElement[int] = sa.func.time_bucket(width, stamp)
    else:
        # The remainder of a negative stamp is negative; buckets go down to a multiple all the same.
        start = stamp - (stamp % width + width) % width
    samples = (
        sa.select(start.label("start"), stamp, POINTS.c.value)
        .where(
            POINTS.c.series == _ID,
            stamp >= sa.bindparam("start", type_=sa.BigInteger()),
            stamp <= sa.bindparam("end", type_=sa.BigInteger()),
        )
        .cte("samples")
    )
    columns = samples.c
    if function is Downsample.LAST:
        newest = sa.select(sa.func.max(columns.stamp)).group_by(columns.start)
        found = sa.select(columns.start, columns.value).where(columns.stamp.in_(newest))
    else:
        value = getattr(sa.func, function.value)(columns.value)
        found = sa.select(columns.start, sa.cast(value, sa.Double())).group_by(columns.start)
    return found.order_by(columns.start).limit(MAX_ANSWER + 1)
