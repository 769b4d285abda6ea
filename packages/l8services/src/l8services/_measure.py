# SPDX-License-Identifier: Apache-2.0
"""What the calls of a service cost and how they end, for the metrics sink of the node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8types.enums import Action
    from l8types.protocols.runtime import MetricsSink
    from l8types.values import ServiceKey

__all__ = ["Meter"]

SECONDS: Final = "layer8_service_request_seconds"
"""Histogram of all calls: from the moment that a call is dispatched until its answer is there."""
ERRORS: Final = "layer8_service_errors_total"
"""Calls that ended with an error, by its code."""


class Meter:
    """Reports the calls of one service.

    Args:
        key: The service.
        metrics: Where to.
    """

    __slots__ = ("_key", "_metrics", "_observers")

    def __init__(self, key: ServiceKey, metrics: MetricsSink) -> None:
        self._key = key
        self._metrics = metrics
        self._observers: dict[Action, Callable[[float], None]] = {}

    def ended(self, action: Action, seconds: float, error_code: str = "") -> None:
        """Report one call that has ended.

        Args:
            action: What was asked.
            seconds: How long it took.
            error_code: How it failed, "" when it did not.
        """
        observe = self._observers.get(action)
        if observe is None:
            # Kept, as calls come by thousands.
            observe = self._metrics.observer(SECONDS, **self._labels(action))
            self._observers[action] = observe
        observe(seconds)
        if error_code:
            self._metrics.count(ERRORS, 1.0, **self._labels(action), code=error_code)

    def _labels(self, action: Action) -> dict[str, str]:
        return {"service": self._key.name, "area": str(self._key.area), "action": action.name}
