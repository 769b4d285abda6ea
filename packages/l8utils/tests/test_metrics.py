# SPDX-License-Identifier: Apache-2.0
"""Counters, gauges and histograms."""

from __future__ import annotations

import pytest

from l8types.errors import ConflictError, InvalidInputError
from l8utils import PrometheusMetrics


def lines(metrics: PrometheusMetrics) -> set[str]:
    """The rendered samples."""
    return {line for line in metrics.render().splitlines() if not line.startswith("#")}


def test_samples_are_rendered_in_the_text_format() -> None:
    """With and without labels, whatever the order in which the labels are given."""
    metrics = PrometheusMetrics()
    metrics.count("frames_total")
    metrics.count("frames_total", 2)
    metrics.gauge("queue_items", 7, priority="1", node="a")
    metrics.gauge("queue_items", 8, node="a", priority="1")
    metrics.observe("request_seconds", 0.2)
    rendered = lines(metrics)
    assert "frames_total 3.0" in rendered
    assert 'queue_items{node="a",priority="1"} 8.0' in rendered
    assert 'request_seconds_bucket{le="0.25"} 1.0' in rendered
    assert "request_seconds_count 1.0" in rendered


def test_two_sinks_know_nothing_of_each_other() -> None:
    """Several nodes fit in one process."""
    one, two = PrometheusMetrics(), PrometheusMetrics()
    one.count("frames_total")
    assert not lines(two)


def test_misuse_is_told() -> None:
    """Kind, labels, direction and name."""
    metrics = PrometheusMetrics()
    metrics.count("a_total", node="x")
    with pytest.raises(ConflictError, match="'a_total' is no gauge"):
        metrics.gauge("a_total", 1)
    with pytest.raises(InvalidInputError, match="has the labels"):
        metrics.count("a_total", peer="x")
    with pytest.raises(InvalidInputError, match="cannot go down"):
        metrics.count("a_total", -1, node="x")
    with pytest.raises(InvalidInputError, match="'a b' is not of letters"):
        metrics.gauge("a b", 1)
    for misuse in (metrics.count, metrics.observe):
        with pytest.raises(InvalidInputError, match="'a' cannot be made: Duplicated"):
            misuse("a", 1)
    with pytest.raises(ConflictError, match="'a_total' is no histogram"):
        metrics.observe("a_total", 1, node="x")


def test_series_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    """Values beyond the bound are dropped, counted, and told once; known ones go on."""
    metrics = PrometheusMetrics(max_series=2)
    for number in range(5):
        metrics.count("a_total", node=str(number))
    metrics.count("a_total", node="1")
    metrics.gauge("b", 1, node="1")
    rendered = lines(metrics)
    assert 'a_total{node="1"} 2.0' in rendered
    assert 'a_total{node="2"} 1.0' not in rendered
    assert "layer8_metrics_dropped_total 3.0" in rendered
    assert len(caplog.records) == 1


def test_many_samples_of_one_series() -> None:
    """A series is looked up once for all of its samples; one too many takes none."""
    metrics = PrometheusMetrics(max_series=1)
    add, drop = metrics.observer("a_seconds", node="1"), metrics.observer("a_seconds", node="2")
    for value in (1.0, 2.0):
        add(value)
        drop(value)
    rendered = lines(metrics)
    assert 'a_seconds_sum{node="1"} 3.0' in rendered
    assert "layer8_metrics_dropped_total 1.0" in rendered
    assert not any('node="2"' in line for line in rendered)


def test_buckets_fit_the_unit() -> None:
    """Milliseconds and bytes would all be in the last bucket of a histogram for seconds."""
    metrics = PrometheusMetrics()
    metrics.observe("latency_ms", 20)
    metrics.observe("size_bytes", 5000)
    metrics.observe("call_seconds", 0.0002)
    rendered = lines(metrics)
    assert 'latency_ms_bucket{le="10.0"} 0.0' in rendered
    assert 'latency_ms_bucket{le="25.0"} 1.0' in rendered
    assert 'size_bytes_bucket{le="4096.0"} 0.0' in rendered
    assert 'size_bytes_bucket{le="16384.0"} 1.0' in rendered
    assert 'call_seconds_bucket{le="0.0001"} 0.0' in rendered
    assert 'call_seconds_bucket{le="0.00025"} 1.0' in rendered
