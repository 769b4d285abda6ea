# SPDX-License-Identifier: Apache-2.0
"""Circuit breakers: when they open, what they let through, and when they close."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from l8types.errors import ConfigurationError
from layer8_net._core.breaker import Breaker, BreakerOptions, Breakers, BreakerState, Outcome

pytestmark = pytest.mark.feature("CB-01")

OPTIONS = BreakerOptions()
KEY = ("node", "Books", 3)


def _call(breaker: Breaker, outcome: Outcome, now: float) -> None:
    assert breaker.begin(now)
    breaker.end(outcome, now)


def _opened(options: BreakerOptions = OPTIONS) -> Breaker:
    breaker = Breaker(options)
    for _ in range(options.max_failures):
        _call(breaker, Outcome.BAD, 100.0)
    return breaker


def test_opens_after_failures() -> None:
    """Five failures open it; then nothing is let through until the time for a probe has come."""
    breaker = Breaker(OPTIONS)
    for _ in range(4):
        _call(breaker, Outcome.BAD, 100.0)
    states = [breaker.state]
    _call(breaker, Outcome.BAD, 100.0)
    states.append(breaker.state)
    assert not breaker.begin(104.9)
    assert breaker.begin(105.0)
    states.append(breaker.state)
    assert states == [BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN]


def test_failures_among_many_successes() -> None:
    """A target that mostly works stays in use, however many single calls fail."""
    breaker = Breaker(OPTIONS)
    for _ in range(50):
        _call(breaker, Outcome.BAD, 100.0)
        _call(breaker, Outcome.GOOD, 100.0)
        _call(breaker, Outcome.GOOD, 100.0)
    assert breaker.state is BreakerState.CLOSED


def test_window_slides() -> None:
    """Old failures do not count: four, a long time, and four more leave it closed."""
    breaker = Breaker(OPTIONS)
    for now in (100.0, 131.0):
        for _ in range(4):
            _call(breaker, Outcome.BAD, now)
    assert breaker.state is BreakerState.CLOSED
    assert breaker.failures == 4
    assert breaker.idle(200.0)


def test_one_probe_at_a_time() -> None:
    """Half open, a second call waits for the outcome of the first."""
    breaker = _opened()
    assert breaker.begin(106.0)
    assert not breaker.begin(106.0)
    breaker.end(Outcome.GOOD, 106.1)
    assert breaker.begin(106.1)


def test_probes_close_it() -> None:
    """Three good probes close it, and the past is forgotten."""
    breaker = _opened()
    for _ in range(3):
        assert breaker.state is not BreakerState.CLOSED
        _call(breaker, Outcome.GOOD, 106.0)
    assert breaker.state is BreakerState.CLOSED
    assert (breaker.failures, breaker.last_failure) == (0, 100.0)
    _call(breaker, Outcome.BAD, 106.0)
    assert breaker.state is BreakerState.CLOSED


def test_bad_probe_opens_it_again() -> None:
    """A bad probe starts the wait anew."""
    breaker = _opened()
    _call(breaker, Outcome.BAD, 106.0)
    assert breaker.state is BreakerState.OPEN
    assert not breaker.begin(110.9)
    assert breaker.begin(111.0)


def test_probe_without_an_outcome() -> None:
    """A cancelled probe tells nothing; the next one is let through."""
    breaker = _opened()
    _call(breaker, Outcome.NEUTRAL, 106.0)
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.begin(106.0)


def test_too_many_at_a_time() -> None:
    """Above the limit calls are refused, and that counts as failures."""
    breaker = Breaker(BreakerOptions(max_concurrent=2, max_failures=2))
    assert breaker.begin(1.0)
    assert breaker.begin(1.0)
    assert not breaker.begin(1.0)
    assert (breaker.state, breaker.failures) == (BreakerState.CLOSED, 1)
    assert not breaker.begin(1.0)
    assert breaker.state is BreakerState.OPEN


class TestBreakers:
    """The table of all targets."""

    def test_healthy_targets_have_none(self) -> None:
        """Only a failure makes a breaker, and who is well again loses it."""
        breakers = Breakers(OPTIONS)
        assert breakers.begin(KEY, 1.0)
        breakers.end(KEY, Outcome.GOOD, 1.0)
        assert len(breakers) == 0
        breakers.end(KEY, Outcome.BAD, 1.0)
        assert len(breakers) == 1
        breakers.prune(20.0)
        assert len(breakers) == 1
        breakers.prune(40.0)
        assert len(breakers) == 0

    def test_targets_are_independent(self) -> None:
        """A node that fails with one service is not avoided with another."""
        breakers = Breakers(OPTIONS)
        for _ in range(5):
            breakers.end(KEY, Outcome.BAD, 1.0)
        assert breakers.state(KEY) is BreakerState.OPEN
        assert breakers.blocked("Books", 3, 2.0) == {"node"}
        assert breakers.blocked("Books", 4, 2.0) == set()
        assert breakers.blocked("Books", 3, 7.0) == set()
        assert breakers.begin(("node", "Other", 3), 2.0)
        assert not breakers.begin(KEY, 2.0)
        assert breakers.state(("other", "Books", 3)) is BreakerState.CLOSED

    def test_node_that_left(self) -> None:
        """A node that left and comes back starts anew."""
        breakers = Breakers(OPTIONS)
        for _ in range(5):
            breakers.end(KEY, Outcome.BAD, 1.0)
        breakers.forget("other")
        assert not breakers.begin(KEY, 2.0)
        breakers.forget("node")
        assert breakers.begin(KEY, 2.0)

    def test_figures(self) -> None:
        """Calls are counted by what state they met."""
        breakers = Breakers(OPTIONS)
        for _ in range(5):
            breakers.begin(KEY, 1.0)
            breakers.end(KEY, Outcome.BAD, 1.0)
        breakers.begin(KEY, 2.0)
        breakers.begin(KEY, 7.0)
        assert breakers.requests == {
            ("Books--3@node", "closed"): 4,
            ("Books--3@node", "open"): 1,
            ("Books--3@node", "half-open"): 1,
        }
        [figures] = breakers.figures()
        assert (figures.state, figures.failures, figures.last_failure) == (2, 5, 1.0)

    def test_disabled(self) -> None:
        """Without breakers nothing is ever refused."""
        breakers = Breakers(BreakerOptions(enabled=False))
        for _ in range(50):
            assert breakers.begin(KEY, 1.0)
            breakers.end(KEY, Outcome.BAD, 1.0)

    def test_concurrency(self) -> None:
        """A limit at a time needs no failure first."""
        breakers = Breakers(BreakerOptions(max_concurrent=1))
        assert breakers.begin(KEY, 1.0)
        assert not breakers.begin(KEY, 1.0)
        breakers.end(KEY, Outcome.GOOD, 1.0)
        assert breakers.begin(KEY, 1.0)


@pytest.mark.parametrize(
    "options",
    [
        {"max_failures": 0},
        {"success_threshold": 0},
        {"max_concurrent": -1},
        {"window": 0.0},
        {"reset_after": -1.0},
        {"failure_ratio": 1.1},
    ],
)
def test_bad_options(options: dict[str, float]) -> None:
    """Options that cannot work are refused with their values."""
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        BreakerOptions(**options)  # type: ignore[arg-type]


class BreakerMachine(RuleBasedStateMachine):
    """Any order of calls, outcomes and time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.breaker = Breaker(OPTIONS)
        self.calls = 0

    @rule(seconds=st.floats(0.0, 40.0))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    @rule()
    def begin(self) -> None:
        """A call is tried."""
        expected = self.breaker.allows(self.now)
        assert self.breaker.begin(self.now) == expected
        self.calls += expected

    @precondition(lambda self: self.calls)
    @rule(outcome=st.sampled_from(Outcome))
    def end(self, outcome: Outcome) -> None:
        """A call ends."""
        self.calls -= 1
        self.breaker.end(outcome, self.now)

    @invariant()
    def refuses_only_for_a_reason(self) -> None:
        """It refuses while it is open and the wait is not over, or while a probe is on its way."""
        breaker = self.breaker
        assert breaker.active >= 0
        assert 0 <= breaker.failures <= 100
        if not breaker.allows(self.now):
            waiting = self.now - breaker.last_failure < OPTIONS.reset_after
            assert breaker.state is BreakerState.HALF_OPEN or waiting

    @invariant()
    def always_recovers(self) -> None:
        """After the wait a call is let through, or one is on its way whose end will tell."""
        later = self.now + OPTIONS.reset_after + OPTIONS.window
        assert self.breaker.allows(later) or self.breaker.active == 1


TestBreakerMachine = BreakerMachine.TestCase


@given(st.lists(st.sampled_from(Outcome), max_size=300))
def test_memory_is_bounded(outcomes: list[Outcome]) -> None:
    """A breaker remembers no more than it looks at."""
    breaker = Breaker(OPTIONS)
    for outcome in outcomes:
        breaker.begin(100.0)
        breaker.end(outcome, 100.0)
    assert len(breaker._outcomes) <= 100
