# SPDX-License-Identifier: Apache-2.0
"""Counters to the metrics sink, as differences since the last time.

Counting in plain integers and reporting now and then keeps the sink out of the path of every
message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Mapping

    from l8types.protocols.runtime import MetricsSink

__all__ = ["Meter"]


class Meter:
    """Reports ever-growing totals to a sink that wants increments.

    Args:
        sink: Where they go.
        node: Alias of the node, the label of all figures.
        uuid: Id of the node, the label of latencies.
    """

    def __init__(self, sink: MetricsSink, node: str, uuid: str = "") -> None:
        self._sink = sink
        self._node = node
        self._uuid = uuid
        self._reported: dict[tuple[str, ...], int] = {}

    def count(self, totals: Mapping[str, int]) -> None:
        """Report totals by metric name."""
        for name, total in totals.items():
            self.count_one(name, total)

    def count_one(self, name: str, total: int, **labels: str) -> None:
        """Report one total; its series is the name with the labels, in whatever order."""
        series = (name, *(part for item in sorted(labels.items()) for part in item))
        increment = total - self._reported.get(series, 0)
        # Also the first zero: who computes rates has to see where a counter began.
        if increment or series not in self._reported:
            self._reported[series] = total
            self._sink.count(name, increment, **self._with_node(labels))

    def gauge(self, values: Mapping[str, float]) -> None:
        """Report momentary values by metric name."""
        for name, value in values.items():
            self._sink.gauge(name, value, node=self._node)

    def gauge_one(self, name: str, value: float, **labels: str) -> None:
        """Report one momentary value."""
        self._sink.gauge(name, value, **self._with_node(labels))

    def latencies(self, seconds: deque[float]) -> None:
        """Report times and forget them."""
        while seconds:
            self._sink.observe(
                "layer8_message_latency_ms", seconds.popleft() * 1000, vnic_id=self._uuid
            )

    def _with_node(self, labels: Mapping[str, str]) -> dict[str, str]:
        return dict(sorted({**labels, "node": self._node}.items()))
