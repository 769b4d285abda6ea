# SPDX-License-Identifier: Apache-2.0
"""When to fetch what."""

from __future__ import annotations

from l8services._resync import MAX_KEYS, Job, ResyncPlanner


def planner() -> ResyncPlanner:
    """A planner with round figures."""
    return ResyncPlanner(delay=1.0, interval=10.0, retry_max=8.0)


def test_fetch_waits_for_further_causes_but_not_for_ever() -> None:
    """The first cause decides when; later ones neither prolong nor repeat it."""
    plan = planner()
    plan.request("a", 0.0)
    plan.request("a", 0.9)
    plan.refresh("a", "1", 0.95)
    assert (plan.wake_at(), plan.due(0.99)) == (1.0, None)
    job = plan.due(1.0)
    assert job == Job("a", forced=True)
    assert plan.due(1.0) is None
    assert plan.wake_at() is None
    plan.done(job, 2.0)
    assert len(plan) == 0


def test_complete_fetches_keep_their_distance() -> None:
    """A source that is asked for everything is left alone for a while."""
    plan = planner()
    plan.request("a", 0.0)
    job = plan.due(1.0)
    assert job is not None
    plan.request("a", 1.5)
    assert plan.pending("a")
    plan.done(job, 2.0)
    assert plan.wake_at() == 12.0
    assert plan.due(12.0) == Job("a")
    plan.done(Job("a"), 12.0)
    plan.request("a", 12.5)
    assert plan.wake_at() == 22.0
    plan.forget("a")
    plan.request("a", 12.5)
    assert plan.wake_at() == 13.5


def test_failed_fetch_is_repeated_more_and_more_slowly() -> None:
    """The pause doubles up to its limit and what was wanted is kept."""
    plan = planner()
    plan.refresh("a", "1", 0.0)
    now, pauses = 1.0, []
    for _ in range(5):
        job = plan.due(now)
        assert job == Job("a", frozenset("1"))
        plan.failed(job, now)
        wake = plan.wake_at()
        assert wake is not None
        pauses.append(wake - now)
        now = wake
    assert pauses == [2.0, 4.0, 8.0, 8.0, 8.0]


def test_many_single_items_become_one_complete_fetch() -> None:
    """Above a limit it is cheaper to fetch all."""
    plan = planner()
    for number in range(MAX_KEYS + 1):
        plan.refresh("a", str(number), 0.0)
    assert plan.due(1.0) == Job("a", forced=True)
