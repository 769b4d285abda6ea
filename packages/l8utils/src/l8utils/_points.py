# SPDX-License-Identifier: Apache-2.0
"""Takes samples out of a change: they go to a time-series store, not into the item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.frozen import replace
from l8types.pb import L8TimeSeriesPoint
from l8types.values import TimeSeriesPoint

if TYPE_CHECKING:
    from l8types.values import ItemChange


def split_points(change: ItemChange) -> tuple[ItemChange, dict[str, list[TimeSeriesPoint]]]:
    """The change without its samples, and the samples by property id.

    A sample is a changed value that is an ``L8TimeSeriesPoint``, or a list of them.
    """
    points: dict[str, list[TimeSeriesPoint]] = {}
    if change.changes is None:
        return change, points
    kept = []
    for one in change.changes:
        found = _points(one.new)
        if found:
            points.setdefault(one.property_id, []).extend(found)
        else:
            kept.append(one)
    if not points:
        return change, points
    return replace(change, changes=replace(change.changes, changes=tuple(kept))), points


def _points(value: object) -> list[TimeSeriesPoint]:
    values = value if isinstance(value, list) else [value]
    samples = [one for one in values if isinstance(one, L8TimeSeriesPoint)]
    if len(samples) != len(values):
        return []
    return [TimeSeriesPoint(one.stamp, one.value) for one in samples]
