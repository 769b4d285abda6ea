# SPDX-License-Identifier: Apache-2.0
"""Takes the samples out of changes that arrive: they go to a time-series service, not to items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.frozen import replace
from l8types.pb import L8TimeSeriesPoint
from l8types.values import TimeSeriesPoint

if TYPE_CHECKING:
    from l8types.pb import L8NotificationSet
    from l8types.protocols.data import NotificationCodec
    from l8types.values import Change, ItemChange

__all__ = ["PointsApart"]


class PointsApart:
    """A notification codec whose decoded changes have no samples.

    Args:
        codec: Does the work.
    """

    def __init__(self, codec: NotificationCodec) -> None:
        self._codec = codec
        self._points: dict[str, list[TimeSeriesPoint]] = {}

    def encode(self, change: ItemChange, *, service: str, area: int) -> L8NotificationSet:
        """Message of a change, samples included: the others have time-series services too."""
        return self._codec.encode(change, service=service, area=area)

    def decode(self, message: L8NotificationSet) -> ItemChange:
        """Change of a message without the samples in it; these are kept for :meth:`take`."""
        return self.apart(self._codec.decode(message))

    def apart(self, change: ItemChange) -> ItemChange:
        """A change without the samples in it; these are kept for :meth:`take`."""
        if change.changes is None:
            return change
        kept = tuple(part for part in change.changes if not self._took(part))
        if len(kept) == len(change.changes):
            return change
        return replace(change, changes=replace(change.changes, changes=kept))

    def take(self) -> dict[str, list[TimeSeriesPoint]]:
        """The samples of the changes since the last call, by property id."""
        points, self._points = self._points, {}
        return points

    def _took(self, part: Change) -> bool:
        values = part.new if isinstance(part.new, list) else [part.new]
        samples = [value for value in values if isinstance(value, L8TimeSeriesPoint)]
        if not samples or len(samples) != len(values):
            return False
        known = self._points.setdefault(part.property_id, [])
        known.extend(TimeSeriesPoint(sample.stamp, sample.value) for sample in samples)
        return True
