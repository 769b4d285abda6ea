# SPDX-License-Identifier: Apache-2.0
"""How an interface behaves in trouble; most nodes are served well by the defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from l8types.errors import ConfigurationError
from layer8_net._core.breaker import BreakerOptions

__all__ = ["OutagePolicy", "VNicOptions"]


class OutagePolicy(Enum):
    """What happens to a message while there is no connection to the switch."""

    FAIL = "fail"
    """The call raises ``UnavailableError`` at once."""
    HOLD = "hold"
    """The message is kept, within the limit, until the connection is back. A request waits no
    longer than its time-out; a message without an answer that is still kept when the interface
    is left comes back to the services of the node as a failed one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VNicOptions:
    """Options of one interface."""

    outage: OutagePolicy = OutagePolicy.FAIL
    """Messages while there is no connection. Failing tells the caller at once, who may know better
    what to do; holding hides short outages and costs memory."""
    held_bytes: int = 16_777_216
    """Bytes that may be held during an outage; more is refused with ``OverloadedError``."""
    max_pending: int = 65_536
    """Requests and streams that may wait for answers at a time; each costs about a kilobyte. More
    are refused with ``OverloadedError``."""
    max_streams: int = 1024
    """Streams that this node answers at a time; more are refused with ``OverloadedError``."""
    breaker: BreakerOptions = field(default_factory=BreakerOptions)
    """When calls to a node that fails are no longer tried."""

    def __post_init__(self) -> None:
        for name in ("held_bytes", "max_pending", "max_streams"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} {getattr(self, name)} must be above zero")
