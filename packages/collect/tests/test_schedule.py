# SPDX-License-Identifier: Apache-2.0
"""When polls run: never too early, none left out, the same every time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from collect import Cadence, Schedule
from l8types.errors import InvalidInputError


def test_the_poll_due_for_longest_runs_first() -> None:
    """Polls due at once run in the order in which they were added."""
    schedule = Schedule[str]()
    for name in ("a", "b", "c"):
        schedule.add(name, Cadence(10.0), now=0.0)
    assert [schedule.take(0.0) for _ in range(4)] == ["a", "b", "c", None]


@pytest.mark.feature("COL-06")
def test_a_poll_waits_for_its_interval() -> None:
    """The interval counts from start to start, however long the run took."""
    schedule = Schedule[str]()
    schedule.add("a", Cadence(10.0), now=5.0)
    assert schedule.take(5.0) == "a"
    assert schedule.next_due() is None
    schedule.finish("a", now=9.0)
    assert schedule.next_due() == 15.0
    assert schedule.take(14.9) is None
    assert schedule.take(15.0) == "a"


def test_a_poll_that_overran_runs_once() -> None:
    """Runs that were missed are not made up for."""
    schedule = Schedule[str]()
    schedule.add("a", Cadence(10.0), now=0.0)
    schedule.take(0.0)
    schedule.finish("a", now=35.0)
    assert schedule.take(35.0) == "a"
    schedule.finish("a", now=36.0)
    assert schedule.next_due() == 45.0


def test_a_failed_poll_is_repeated_soon_and_then_less_and_less_often() -> None:
    """Pauses double up to the interval, and a success starts anew."""
    schedule = Schedule[str]()
    schedule.add("a", Cadence(30.0, retry=5.0), now=0.0)
    pauses = []
    now = 0.0
    for _ in range(5):
        assert schedule.take(now) == "a"
        schedule.finish("a", now=now, ok=False)
        due = schedule.next_due()
        assert due is not None
        pauses.append(due - now)
        now = due
    assert pauses == [5.0, 10.0, 20.0, 30.0, 30.0]
    assert schedule.failures("a") == 5
    schedule.take(now)
    schedule.finish("a", now=now)
    assert schedule.failures("a") == 0


def test_a_removed_poll_does_not_run() -> None:
    """Neither when it waits, nor when it is removed while it runs."""
    schedule = Schedule[str]()
    schedule.add("a", Cadence(1.0), now=0.0)
    schedule.add("b", Cadence(1.0), now=0.0)
    schedule.remove("a")
    assert schedule.take(0.0) == "b"
    schedule.remove("b")
    schedule.finish("b", now=0.5)
    assert (schedule.next_due(), len(schedule)) == (None, 0)


def test_a_poll_added_again_gets_its_new_cadence() -> None:
    """The new interval counts from the next run."""
    schedule = Schedule[str]()
    schedule.add("a", Cadence(10.0), now=0.0)
    schedule.add("a", Cadence(2.0), now=0.0)
    assert schedule.take(0.0) == "a"
    schedule.finish("a", now=0.0)
    assert schedule.next_due() == 2.0


@pytest.mark.parametrize(("interval", "retry"), [(0.0, 1.0), (-1.0, 1.0), (1.0, 0.0)])
def test_a_cadence_without_time_is_refused(interval: float, retry: float) -> None:
    """It would poll without pause."""
    with pytest.raises(InvalidInputError, match="above zero"):
        Cadence(interval, retry)


@given(
    intervals=st.lists(st.integers(1, 50), min_size=1, max_size=8),
    steps=st.lists(st.integers(0, 30), min_size=1, max_size=80),
)
def test_the_same_input_gives_the_same_order(intervals: list[int], steps: list[int]) -> None:
    """Two schedules that see the same take the same polls."""

    def play() -> list[int | None]:
        schedule = Schedule[int]()
        for key, interval in enumerate(intervals):
            schedule.add(key, Cadence(float(interval)), now=0.0)
        now, taken = 0.0, list[int | None]()
        for step in steps:
            now += step
            one = schedule.take(now)
            taken.append(one)
            if one is not None:
                schedule.finish(one, now=now)
        return taken

    assert play() == play()


class ScheduleMachine(RuleBasedStateMachine):
    """A schedule against the plainest model: a table of times that is searched each time."""

    def __init__(self) -> None:
        super().__init__()
        self.schedule = Schedule[int]()
        self.now = 0.0
        self.due: dict[int, float] = {}
        self.intervals: dict[int, float] = {}
        self.order: dict[int, int] = {}
        self.running: set[int] = set()
        self.started: dict[int, float] = {}

    @rule(key=st.integers(0, 5), interval=st.integers(1, 20))
    def add(self, key: int, interval: int) -> None:
        """Add a poll, or change its interval."""
        self.schedule.add(key, Cadence(float(interval), retry=100.0), now=self.now)
        if key not in self.intervals:
            self.due[key] = self.now
            self.order[key] = max(self.order.values(), default=0) + 1
            self.started.pop(key, None)
        self.intervals[key] = float(interval)

    @rule(key=st.integers(0, 5))
    def remove(self, key: int) -> None:
        """Forget a poll."""
        self.schedule.remove(key)
        self.intervals.pop(key, None)
        self.due.pop(key, None)
        self.running.discard(key)

    @rule(step=st.integers(0, 25))
    def wait(self, step: int) -> None:
        """Let time pass."""
        self.now += step

    @rule()
    def take(self) -> None:
        """Take what is due: it has been due for longest, and its interval is over."""
        waiting = {key: due for key, due in self.due.items() if key not in self.running}
        ready = [key for key, due in waiting.items() if due <= self.now]
        expected = min(ready, key=lambda key: (waiting[key], self.order[key]), default=None)
        key = self.schedule.take(self.now)
        assert key == expected
        if key is None:
            return
        if key in self.started:
            assert self.now - self.started[key] >= 1
        self.started[key] = self.now
        self.due[key] = self.now + self.intervals[key]
        self.running.add(key)

    @precondition(lambda self: bool(self.running))
    @rule(data=st.data(), ok=st.booleans())
    def finish(self, data: st.DataObject, ok: bool) -> None:
        """End a run, well or not."""
        key = data.draw(st.sampled_from(sorted(self.running)))
        self.schedule.finish(key, now=self.now, ok=ok)
        self.running.discard(key)
        if not ok:
            self.due[key] = self.now + self.intervals[key]

    @invariant()
    def the_next_time_is_known(self) -> None:
        """The shell never sleeps too long."""
        waiting = [due for key, due in self.due.items() if key not in self.running]
        assert self.schedule.next_due() == min(waiting, default=None)
        assert len(self.schedule) == len(self.intervals)


TestSchedule = ScheduleMachine.TestCase
TestSchedule.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(st.lists(st.integers(1, 40), min_size=2, max_size=6))
def test_no_poll_starves(intervals: list[int]) -> None:
    """On a host that is always busy, each poll still runs: others cannot overtake for ever."""
    schedule = Schedule[int]()
    for key, interval in enumerate(intervals):
        schedule.add(key, Cadence(float(interval)), now=0.0)
    runs = dict.fromkeys(range(len(intervals)), 0)
    now = 0.0
    for _ in range(len(intervals) * 50):
        taken = schedule.take(now)
        now += 1.0 if taken is None else 60.0
        if taken is not None:
            runs[taken] += 1
            schedule.finish(taken, now=now)
    assert max(runs.values()) - min(runs.values()) <= 1
