# SPDX-License-Identifier: Apache-2.0
"""What the calls of services cost and how they end, for the metrics sink of the node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
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
    service, area, action = call.key.name, str(call.key.area), call.action.name
    seconds = resources.clock.monotonic() - begun
    metrics.observe(SECONDS, seconds, service=service, area=area, action=action)
    if error_code:
        metrics.count(ERRORS, service=service, area=area, action=action, code=error_code)
