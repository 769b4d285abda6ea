# SPDX-License-Identifier: Apache-2.0
"""Metrics of one node in a registry of its own, so that several nodes fit in one process."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from l8types.errors import ConflictError, InvalidInputError
from l8utils._histogram import BucketHistogram, Samples

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8types.protocols.runtime import Resources

MAX_SERIES: Final = 1000
"""Series of one metric: each costs memory for ever, and label values may come from outside."""

_SECONDS: Final = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0, 30.0,
)  # fmt: skip
"""From what a call on one machine takes to the default time-out of a request."""
_BUCKETS: Final = {
    "_ms": tuple(round(bound * 1000, 6) for bound in _SECONDS),
    "_bytes": tuple(float(64 * 4**step) for step in range(11)),
}
"""Upper bounds of a histogram by the unit at the end of its name; by default seconds."""

_WORDS: Final[dict[type, str]] = {
    Counter: "counter",
    Gauge: "gauge",
    BucketHistogram: "histogram",
}
_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_DROPPED: Final = "layer8_metrics_dropped_total"
_Metric = Counter | Gauge | BucketHistogram
_M = TypeVar("_M", Counter, Gauge, BucketHistogram)

_logger = logging.getLogger(__name__)


class PrometheusMetrics:
    """Metrics sink on the Prometheus client library.

    A metric comes into being with its first sample, which fixes its kind and its label names.
    Samples of label values beyond ``max_series`` are dropped and counted in
    ``layer8_metrics_dropped_total``.

    Args:
        max_series: Combinations of label values that one metric may have.
    """

    def __init__(self, *, max_series: int = MAX_SERIES) -> None:
        self._registry = CollectorRegistry()
        self._max_series = max_series
        self._metrics: dict[str, tuple[_Metric, tuple[str, ...]]] = {}
        self._series: dict[str, set[tuple[str, ...]]] = {}
        self._samples: dict[tuple[object, ...], Samples] = {}

    def count(self, name: str, value: float = 1.0, **labels: str) -> None:
        """Add to a counter.

        Raises:
            InvalidInputError: A negative value, a bad name, or other label names than before.
            ConflictError: The name belongs to a metric of another kind.
        """
        if value < 0:
            raise InvalidInputError(f"counter {name!r} cannot go down by {value}, use a gauge")
        counter = self._child(Counter, name, labels)
        if counter is not None:
            counter.inc(value)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge.

        Raises:
            InvalidInputError: A bad name, or other label names than before.
            ConflictError: The name belongs to a metric of another kind.
        """
        gauge = self._child(Gauge, name, labels)
        if gauge is not None:
            gauge.set(value)

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Add a sample to a histogram.

        Its buckets suit the unit at the end of the name: ``_ms``, ``_bytes``, else seconds.

        Raises:
            InvalidInputError: A bad name, or other label names than before.
            ConflictError: The name belongs to a metric of another kind.
        """
        self.observer(name, **labels)(value)

    def observer(self, name: str, **labels: str) -> Callable[[float], None]:
        """What adds samples to one series of a histogram; see :meth:`observe`.

        Those of a series too many are dropped, which is counted once.

        Raises:
            InvalidInputError: A bad name, or other label names than before.
            ConflictError: The name belongs to a metric of another kind.
        """
        series = (name, *labels.items())
        samples = self._samples.get(series)
        if samples is None:
            histogram = self._child(BucketHistogram, name, labels)
            if histogram is None:
                return _drop
            values = tuple(labels[label] for label in sorted(labels))
            samples = self._samples[series] = histogram.labels(*values)
        return samples.observe

    def render(self) -> str:
        """All metrics in the Prometheus text format."""
        return generate_latest(self._registry).decode()

    def _child(self, kind: type[_M], name: str, labels: dict[str, str]) -> _M | None:
        names = tuple(sorted(labels))
        metric, expected = self._metrics.get(name) or self._declare(kind, name, names)
        if not isinstance(metric, kind):
            word = _WORDS[kind]
            raise ConflictError(f"metric {name!r} is no {word}, use another name")
        if names != expected:
            raise InvalidInputError(
                f"metric {name!r} has the labels {expected}, not {names}; a metric keeps its labels"
            )
        values = tuple(labels[label] for label in names)
        if names and not self._admit(name, values):
            return None
        if not names or isinstance(metric, BucketHistogram):
            return metric
        return metric.labels(*values)

    def _declare(
        self, kind: type[_M], name: str, labels: tuple[str, ...]
    ) -> tuple[_Metric, tuple[str, ...]]:
        if not _NAME.fullmatch(name):
            raise InvalidInputError(f"metric name {name!r} is not of letters, digits, '_' and ':'")
        text, registry = name.replace("_", " "), self._registry
        metric: _Metric
        try:
            if issubclass(kind, BucketHistogram):
                bounds = _buckets(name)
                metric = BucketHistogram(name, text, labels, registry=registry, bounds=bounds)
            else:
                metric = kind(name, text, labels, registry=registry)
        except ValueError as error:
            raise InvalidInputError(f"metric {name!r} cannot be made: {error}") from error
        self._metrics[name] = metric, labels
        return metric, labels

    def _admit(self, name: str, values: tuple[str, ...]) -> bool:
        series = self._series.setdefault(name, set())
        if values in series:
            return True
        if len(series) < self._max_series:
            series.add(values)
            return True
        if len(series) == self._max_series:
            # One value above the limit marks that the warning was given.
            series.add(())
            _logger.warning("metric %s has more than %d series, dropping", name, self._max_series)
        self.count(_DROPPED)
        return False


def _buckets(name: str) -> tuple[float, ...]:
    return next((one for unit, one in _BUCKETS.items() if name.endswith(unit)), _SECONDS)


def create_metrics(_resources: Resources) -> PrometheusMetrics:
    """Entry point ``layer8.metrics``."""
    return PrometheusMetrics()


def _drop(_value: float) -> None:
    """Take a sample of a series too many."""
