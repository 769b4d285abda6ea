# SPDX-License-Identifier: Apache-2.0
"""What the calls of services cost and how they end, for the metrics sink of the node."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from l8types.enums import Action
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import Call

__all__ = ["measure"]

SECONDS: Final = "layer8_service_request_seconds"
"""Histogram of all calls: from the moment that a call is dispatched until its answer is there."""
ERRORS: Final = "layer8_service_errors_total"
"""Calls that ended with an error, by its code."""


def measure(call: Call, begun: float, resources: Resources, error_code: str = "") -> None:
    """Report one call that has ended.

    Args:
        call: The call.
        begun: Monotonic seconds at which it was dispatched.
        resources: The parts of the node.
        error_code: How it failed, "" when it did not.
    """
    metrics = resources.metrics
    key = call.key
    labels = _labels(key.name, key.area, call.action)
    metrics.observe(SECONDS, resources.clock.monotonic() - begun, **labels)
    if error_code:
        metrics.count(ERRORS, 1.0, **labels, code=error_code)


@lru_cache(maxsize=1024)
def _labels(service: str, area: int, action: Action) -> dict[str, str]:
    """Labels as texts; made once, as calls come by thousands."""
    return {"service": service, "area": str(area), "action": action.name}
