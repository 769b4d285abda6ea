# SPDX-License-Identifier: Apache-2.0
"""Circuit breakers: calls to what keeps failing are not tried for a while.

A breaker belongs to one service on one node. It is made by the first failure and dropped when
the failures are out of sight, so that a healthy network pays a look into an empty table.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from l8types.errors import ConfigurationError

__all__ = ["Breaker", "BreakerKey", "BreakerOptions", "BreakerState", "Breakers", "Outcome"]

BreakerKey = tuple[str, str, int]
"""Node id (empty when the network picks), service, area."""

_REMEMBERED: Final = 100
"""Outcomes that a breaker looks at; more would let an old good time hide a bad present."""


class BreakerState(IntEnum):
    """Life of a breaker."""

    CLOSED = 0
    """Calls are made."""
    OPEN = 1
    """Calls are refused."""
    HALF_OPEN = 2
    """Single calls are made, to see whether the target works again."""

    @property
    def label(self) -> str:
        """Name in metrics."""
        return self.name.lower().replace("_", "-")


class Outcome(IntEnum):
    """How a call went."""

    GOOD = 0
    """Answered, be it with an error of the application."""
    BAD = 1
    """No answer in time, or the target says that it cannot."""
    NEUTRAL = 2
    """Tells nothing about the target: cancelled, moved, our own connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOptions:
    """When a breaker opens and closes."""

    enabled: bool = True
    """Whether there are breakers at all."""
    max_failures: int = 5
    """Failures within the window that open it, if they are also ``failure_ratio`` of the calls."""
    failure_ratio: float = 0.5
    """Share of failures, 0 to 1, below which it stays closed however many there are."""
    window: float = 30.0
    """Seconds that an outcome counts."""
    reset_after: float = 5.0
    """Seconds after the last failure until a probe is let through. Shorter than the time in which
    the network promises to converge, so that a breaker does not outlast the trouble by much."""
    success_threshold: int = 3
    """Probes in a row that must succeed to close it."""
    max_concurrent: int = 0
    """Calls to one target at a time; more count as failures. 0 for no limit: the receiver bounds
    its own work."""

    def __post_init__(self) -> None:
        if self.max_failures < 1 or self.success_threshold < 1 or self.max_concurrent < 0:
            raise ConfigurationError(
                f"a breaker needs max_failures {self.max_failures} and success_threshold "
                f"{self.success_threshold} above zero, max_concurrent {self.max_concurrent} from 0"
            )
        if not self.window > 0 or not self.reset_after > 0 or not 0 <= self.failure_ratio <= 1:
            raise ConfigurationError(
                f"a breaker needs window {self.window} and reset_after {self.reset_after} above "
                f"zero seconds, failure_ratio {self.failure_ratio} from 0 to 1"
            )


class Breaker:
    """The breaker of one target.

    Args:
        options: When it opens and closes.
    """

    __slots__ = ("_last_failure", "_options", "_outcomes", "active", "failures", "state", "streak")

    def __init__(self, options: BreakerOptions) -> None:
        self._options = options
        self._outcomes: deque[tuple[float, bool]] = deque()
        self._last_failure = 0.0
        self.state = BreakerState.CLOSED
        self.failures = 0
        """Failures in the window."""
        self.streak = 0
        """Probes that succeeded since it was half open."""
        self.active = 0
        """Calls that were let through and have not ended."""

    @property
    def last_failure(self) -> float:
        """Monotonic seconds of the last failure."""
        return self._last_failure

    def allows(self, now: float) -> bool:
        """Whether a call would be let through."""
        if self.state is BreakerState.CLOSED:
            limit = self._options.max_concurrent
            return not limit or self.active < limit
        if self.state is BreakerState.HALF_OPEN:
            # One probe at a time: a target that comes back is not to be flooded.
            return self.active == 0
        return now - self._last_failure >= self._options.reset_after

    def begin(self, now: float) -> bool:
        """Let a call through, if it is allowed; then :meth:`end` must follow."""
        if not self.allows(now):
            if self.state is BreakerState.CLOSED:
                # More than may run at a time: that it piles up is a failure too.
                self._failed(now)
            return False
        if self.state is BreakerState.OPEN:
            # Whoever was on the way when it opened tells nothing about the present.
            self.state, self.streak, self.active = BreakerState.HALF_OPEN, 0, 0
        self.active += 1
        return True

    def end(self, outcome: Outcome, now: float) -> None:
        """A call that was let through ended."""
        self.active = max(0, self.active - 1)
        if outcome is Outcome.BAD:
            self._failed(now)
        elif outcome is Outcome.GOOD:
            self._succeeded(now)

    def idle(self, now: float) -> bool:
        """Whether it remembers nothing that matters."""
        self._slide(now)
        return self.state is BreakerState.CLOSED and not self.failures and not self.active

    def _failed(self, now: float) -> None:
        self._last_failure = now
        if self.state is not BreakerState.CLOSED:
            self.state = BreakerState.OPEN
            return
        self._remember(now, good=False)
        enough = self.failures >= self._options.max_failures
        if enough and self.failures >= self._options.failure_ratio * len(self._outcomes):
            self.state = BreakerState.OPEN

    def _succeeded(self, now: float) -> None:
        if self.state is BreakerState.CLOSED:
            self._remember(now, good=True)
        elif self.state is BreakerState.HALF_OPEN:
            self.streak += 1
            if self.streak >= self._options.success_threshold:
                self.state = BreakerState.CLOSED
                self._outcomes.clear()
                self.failures = 0

    def _remember(self, now: float, *, good: bool) -> None:
        self._outcomes.append((now, good))
        self.failures += not good
        self._slide(now)

    def _slide(self, now: float) -> None:
        oldest = now - self._options.window
        outcomes = self._outcomes
        while outcomes and (outcomes[0][0] < oldest or len(outcomes) > _REMEMBERED):
            _, good = outcomes.popleft()
            self.failures -= not good


class BreakerFigures(NamedTuple):
    """One breaker at one moment."""

    name: str
    state: BreakerState
    failures: int
    active: int
    last_failure: float


class Breakers:
    """The breakers of all targets of a node.

    Args:
        options: When they open and close.
    """

    def __init__(self, options: BreakerOptions) -> None:
        self._options = options
        self._breakers: dict[BreakerKey, Breaker] = {}
        self._limited = options.enabled and options.max_concurrent > 0
        self.requests: Counter[tuple[str, str]] = Counter()
        """Calls by name of the target and label of the state that they met; those to targets
        without a breaker are not counted."""

    def __len__(self) -> int:
        return len(self._breakers)

    def begin(self, key: BreakerKey, now: float) -> bool:
        """Whether a call may be made; if so, :meth:`end` must follow."""
        breaker = self._breakers.get(key)
        if breaker is None:
            if not self._limited:
                return True
            breaker = self._make(key)
        allowed = breaker.begin(now)
        self.requests[name_of(key), breaker.state.label] += 1
        return allowed

    def end(self, key: BreakerKey, outcome: Outcome, now: float) -> None:
        """A call ended."""
        breaker = self._breakers.get(key)
        if breaker is None:
            if outcome is not Outcome.BAD or not self._options.enabled:
                return
            breaker = self._make(key)
        breaker.end(outcome, now)

    def blocked(self, service: str, area: int, now: float) -> set[str]:
        """Nodes whose breaker for a service would refuse a call now."""
        return {
            node
            for (node, *which), breaker in self._breakers.items()
            if which == [service, area] and not breaker.allows(now)
        }

    def state(self, key: BreakerKey) -> BreakerState:
        """State of a target."""
        breaker = self._breakers.get(key)
        return BreakerState.CLOSED if breaker is None else breaker.state

    def forget(self, node: str) -> None:
        """Drop the breakers of a node that left: who comes back starts anew."""
        for key in [key for key in self._breakers if key[0] == node]:
            self._drop(key)

    def prune(self, now: float) -> None:
        """Drop breakers that remember nothing any more."""
        for key in [key for key, one in self._breakers.items() if one.idle(now)]:
            self._drop(key)

    def figures(self) -> list[BreakerFigures]:
        """All breakers, by name."""
        return sorted(
            BreakerFigures(name_of(key), one.state, one.failures, one.active, one.last_failure)
            for key, one in self._breakers.items()
        )

    def _make(self, key: BreakerKey) -> Breaker:
        breaker = self._breakers[key] = Breaker(self._options)
        return breaker

    def _drop(self, key: BreakerKey) -> None:
        del self._breakers[key]


def name_of(key: BreakerKey) -> str:
    """Name of a target in metrics and messages."""
    node, service, area = key
    return f"{service}--{area}@{node or 'any'}"
