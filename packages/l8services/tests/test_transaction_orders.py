# SPDX-License-Identifier: Apache-2.0
"""Who was sent which order, and time limits that are set only for work that waits."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, cast

import pytest

from l8services._transactions.asked import Asked
from l8services._transactions.effects import Send, Tell
from l8services._transactions.messages import Order, Outcome
from l8services._transactions.orders import Orders
from l8services._transactions.places import Places
from l8services._transactions.prompt import within
from l8services._transactions.timing import Timing
from l8services._transactions.views import View

from .virtual import run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def order(serial: int) -> Order:
    """An order with a number."""
    return Order((1, "a"), 1, Outcome(), serial=serial)


class TestAsked:
    """What a leader remembers of its orders."""

    def test_late_ones_are_named_once(self) -> None:
        """Who was told with others and does not answer in time is named, once."""
        asked, sent = Asked(1.0), order(1)
        for member in ("a", "b"):
            asked.note(member, sent, 10.0, told=True)
        asked.note("c", sent, 10.0, told=False)
        asked.answered("a", sent)
        assert asked.late_at == 11.0
        assert asked.late(10.9) == []
        assert asked.late(11.0) == [("b", sent)]
        assert asked.late(12.0) == []
        assert asked.late_at == math.inf

    def test_only_the_last_order_counts(self) -> None:
        """Answers to, and the loss of, an order that was followed by another one mean nothing."""
        asked, first, second = Asked(1.0), order(1), order(2)
        asked.note("a", first, 1.0, told=True)
        asked.note("a", second, 2.0, told=True)
        assert asked.answered("a", first) is None
        assert not asked.failed("a", first)
        assert asked.order("a", 1) is None
        assert asked.order("a", 2) is second
        assert asked.failed("a", second)
        assert asked.answered("a", second) == 2.0
        assert not asked.failed("a", second)

    def test_asked_alone_is_not_late(self) -> None:
        """An order that was sent to one member alone ends by itself, so it is not asked again."""
        asked = Asked(1.0)
        asked.note("a", order(1), 1.0, told=True)
        asked.note("a", order(2), 1.5, told=False)
        assert asked.late(9.0) == []

    def test_forgotten(self) -> None:
        """A new office begins with nobody asked."""
        asked = Asked(1.0)
        asked.note("a", order(1), 1.0, told=True)
        asked.forget()
        assert asked.late(9.0) == []
        assert asked.order("a", 1) is None
        assert not asked.failed("a", order(1))


class TestWithin:
    """Limits of time."""

    def test_work_that_does_not_wait(self) -> None:
        """Its result, or its error, is there at once."""

        async def work() -> int:
            return 7

        async def fails() -> int:
            raise ValueError("no")

        async def scenario() -> None:
            assert await within(0.0, work()) == 7
            with pytest.raises(ValueError, match="no"):
                await within(0.0, fails())

        run(scenario())

    def test_work_that_waits(self) -> None:
        """It is waited for, as often as it waits, and gets the errors of what it waits for."""
        loop_of = asyncio.get_running_loop

        async def work(wait: Callable[[], Awaitable[None]]) -> str:
            await wait()
            broken = loop_of().create_future()
            loop_of().call_soon(broken.set_exception, ValueError("broken"))
            try:
                await broken
            except ValueError as error:
                await wait()
                return str(error)
            return "whole"

        async def scenario() -> None:
            assert await within(5.0, work(lambda: asyncio.sleep(1.0))) == "broken"
            assert await within(5.0, work(lambda: asyncio.sleep(0))) == "broken"

        run(scenario())

    def test_time_is_over(self) -> None:
        """Work that waits for too long is cancelled and may clean up."""
        ended = []

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(True)

        async def scenario() -> None:
            with pytest.raises(TimeoutError):
                await within(2.0, work())
            assert ended

        run(scenario())

    def test_cancelled(self) -> None:
        """Who cancels the waiting task cancels the work; the reason is kept."""

        async def scenario() -> None:
            async with asyncio.TaskGroup() as group:
                task = group.create_task(within(9.0, asyncio.Event().wait()))
                await asyncio.sleep(0.1)
                task.cancel()
            assert task.cancelled()

        run(scenario())


class TestOrders:
    """How orders reach members."""

    def made(self, *aware: str) -> Orders:
        """Orders of the leader ``a``, whose view some know."""
        orders = Orders("a", Places(), Timing())
        for member in aware:
            orders.aware(member)
        return orders

    def test_who_knows_the_view_is_told_together(self) -> None:
        """The others and the leader itself are asked alone; only those who lack the view get it."""
        orders, view = self.made("a", "b", "c"), View("1:a", 3, ("a", "b", "c", "d"))
        order = orders.order((1, "a"), view, Outcome())
        told, *alone = orders.send(order, view.members, 5.0)
        assert isinstance(told, Tell)
        assert told.order.view is None
        sent = [effect for effect in alone if isinstance(effect, Send)]
        assert [effect.address for effect in sent] == ["a", "d"]
        assert [cast("Order", effect.message).view for effect in sent] == [None, view]
        assert {told.order.serial, *(cast("Order", e.message).serial for e in sent)} == {1}
        assert orders.heard("b", 1) is told.order
        assert orders.followed("b", told.order) == 5.0
        (late,) = orders.late(orders.late_at)
        assert late == Send("c", told.order, Timing().member_timeout)

    def test_one_alone_is_asked(self) -> None:
        """A single member is asked, since that finds out sooner that it is gone."""
        orders, view = self.made("a", "b"), View("1:a", 3, ("a", "b"))
        effects = orders.send(orders.order((1, "a"), view, Outcome()), view.members, 5.0)
        assert all(isinstance(effect, Send) for effect in effects)
        assert orders.late_at == math.inf

    def test_a_new_view_is_told(self) -> None:
        """With a new view, or in a new office, nobody is taken to know it."""
        view = View("1:a", 4, ("a", "b", "c"))
        for end in ("unaware", "forget"):
            orders = self.made("a", "b", "c")
            getattr(orders, end)()
            order = orders.order((1, "a"), view, Outcome())
            effects = orders.send(order, view.members, 5.0)
            assert [cast("Send", effect).message for effect in effects] == [order] * 3

    def test_what_was_never_sent_counts_for_nothing(self) -> None:
        """An answer to something else confirms nothing and is no failure."""
        orders = self.made()
        assert orders.followed("b", order(1)) == -math.inf
        assert not orders.failed("b", order(1))


def test_places() -> None:
    """A member is on the node where it began until it is known to be elsewhere."""
    places, view = Places(), View("1:a", 1, ("a#1", "b#1"))
    assert places.of("a#1") == "a"
    assert places.member(view, "b") == "b#1"
    places.learn({"b#1": "c"})
    assert places.member(view, "c") == "b#1"
    assert places.member(view, "b") == ""
