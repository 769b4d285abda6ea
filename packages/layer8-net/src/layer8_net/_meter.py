# SPDX-License-Identifier: Apache-2.0
"""Counters to the metrics sink, as differences since the last time.

Counting in plain integers and reporting now and then keeps the sink out of the path of every
message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from l8types.protocols.runtime import MetricsSink

__all__ = ["Meter"]


class Meter:
    """Reports ever-growing totals to a sink that wants increments.

    Args:
        sink: Where they go.
        node: Alias of the node, the label of all figures.
    """

    def __init__(self, sink: MetricsSink, node: str) -> None:
        self._sink = sink
        self._node = node
        self._reported: dict[str, int] = {}

    def count(self, totals: Mapping[str, int]) -> None:
        """Report totals by metric name."""
        for name, total in totals.items():
            increment = total - self._reported.get(name, 0)
            if increment:
                self._reported[name] = total
                self._sink.count(name, increment, node=self._node)

    def gauge(self, values: Mapping[str, float]) -> None:
        """Report momentary values by metric name."""
        for name, value in values.items():
            self._sink.gauge(name, value, node=self._node)
