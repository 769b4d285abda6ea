# SPDX-License-Identifier: Apache-2.0
"""Conformance of metrics sinks, by what they render."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from l8types.protocols.runtime import MetricsSink

__all__ = ["MetricsConformance"]

_SAMPLE: Final = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+).*")
_LABEL: Final = re.compile(r'(?P<name>\w+)="(?P<value>(?:[^"\\]|\\.)*)"')
_ESCAPED: Final = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Values of a text in the Prometheus format, by the name and the sorted labels."""
    found = {}
    for line in text.split("\n"):
        if not line or line.startswith("#"):
            continue
        match = _SAMPLE.fullmatch(line)
        assert match is not None, f"no sample: {line!r}"
        labels = tuple(
            sorted(
                (one["name"], re.sub(r"\\.", lambda part: _ESCAPED[part[0]], one["value"]))
                for one in _LABEL.finditer(match["labels"] or "")
            )
        )
        found[match["name"], labels] = float(match["value"])
    return found


class MetricsConformance:
    """What every ``MetricsSink`` promises.

    Fixture:
        metrics: A ``MetricsSink`` that nobody wrote to.
    """

    def test_nothing(self, metrics: MetricsSink) -> None:
        """A sink that nobody wrote to renders none of what it was not told."""
        assert not [name for name, _ in samples(metrics.render()) if name.startswith("suite_")]

    def test_count(self, metrics: MetricsSink) -> None:
        """A counter adds up, by one when not told otherwise."""
        metrics.count("suite_calls_total")
        metrics.count("suite_calls_total", 2.5)
        assert samples(metrics.render())["suite_calls_total", ()] == 3.5

    def test_gauge(self, metrics: MetricsSink) -> None:
        """The last value of a gauge counts, also a smaller one."""
        metrics.gauge("suite_waiting", 7)
        metrics.gauge("suite_waiting", -2.5)
        assert samples(metrics.render())["suite_waiting", ()] == -2.5

    def test_observe(self, metrics: MetricsSink) -> None:
        """A histogram tells number and sum of its samples."""
        for value in (0.25, 0.5, 4.0):
            metrics.observe("suite_seconds", value)
        found = samples(metrics.render())
        assert found["suite_seconds_count", ()] == 3
        assert found["suite_seconds_sum", ()] == 4.75

    def test_observer(self, metrics: MetricsSink) -> None:
        """What adds to one series adds to the same one as single samples do, in any label order."""
        add = metrics.observer("suite_seconds", b="y", a="x")
        add(0.25)
        metrics.observe("suite_seconds", 0.5, a="x", b="y")
        add(1.0)
        found = samples(metrics.render())
        assert found["suite_seconds_count", (("a", "x"), ("b", "y"))] == 3
        assert found["suite_seconds_sum", (("a", "x"), ("b", "y"))] == 1.75

    def test_buckets(self, metrics: MetricsSink) -> None:
        """The buckets of a histogram are cumulative, and the last one holds every sample."""
        for value in (0.0, 0.25, 1e9):
            metrics.observe("suite_seconds", value)
        buckets = {
            float(dict(labels)["le"]): value
            for (name, labels), value in samples(metrics.render()).items()
            if name == "suite_seconds_bucket"
        }
        counts = [buckets[bound] for bound in sorted(buckets)]
        assert counts == sorted(counts)
        assert buckets[float("inf")] == 3
        for bound, count in buckets.items():
            assert count == sum(value <= bound for value in (0.0, 0.25, 1e9)), bound

    def test_labels(self, metrics: MetricsSink) -> None:
        """Each combination of labels is a series of its own, in whatever order they are given."""
        metrics.count("suite_calls_total", service="a", action="GET")
        metrics.count("suite_calls_total", service="b", action="GET")
        metrics.count("suite_calls_total", action="GET", service="a")
        found = samples(metrics.render())
        assert found["suite_calls_total", (("action", "GET"), ("service", "a"))] == 2
        assert found["suite_calls_total", (("action", "GET"), ("service", "b"))] == 1

    def test_any_text_as_label(self, metrics: MetricsSink) -> None:
        """No value of a label breaks the format."""
        value = 'quoted "x"\nback\\slash} 7'
        metrics.gauge("suite_waiting", 1, peer=value)
        assert samples(metrics.render())["suite_waiting", (("peer", value),)] == 1

    def test_kinds_are_told(self, metrics: MetricsSink) -> None:
        """The format names the kind of each metric."""
        metrics.count("suite_calls_total")
        metrics.gauge("suite_waiting", 1)
        metrics.observe("suite_seconds", 1)
        kinds = re.findall(r"^# TYPE (suite_\w+) (\w+)$", metrics.render(), re.MULTILINE)
        assert {("suite_calls_total", "counter"), ("suite_waiting", "gauge")} < set(kinds)
        assert ("suite_seconds", "histogram") in kinds
