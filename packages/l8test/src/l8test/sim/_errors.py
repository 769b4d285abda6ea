# SPDX-License-Identifier: Apache-2.0
"""What a simulation raises."""

from __future__ import annotations

from l8types.errors import L8Error

__all__ = ["BrokenPromiseError", "HostDiedError", "SimulatedCrash", "SimulationError"]


class SimulationError(L8Error):
    """The simulation itself is used wrongly, or cannot go on."""


class HostDiedError(SimulationError):
    """The host on which something ran was killed before it was done."""


class SimulatedCrash(BaseException):
    """Ends the code of a host that was killed in the middle of it.

    Not an ``Exception``: what runs on a host must not take its own death for an error to handle.
    """


class BrokenPromiseError(AssertionError):
    """What a simulation found: a promise that does not hold.

    Attributes:
        name: The promise, one name per kind of failure.
        detail: What was seen.
        time: Virtual seconds since the start.
        host: Where, "" for the whole network.
    """

    def __init__(self, name: str, detail: str, time: float, host: str = "") -> None:
        where = f" on {host}" if host else ""
        super().__init__(f"{name}{where} at {time:.3f} s: {detail}")
        self.name = name
        self.detail = detail
        self.time = time
        self.host = host
