# SPDX-License-Identifier: Apache-2.0
"""The orders of a leader: to whom they go together, to whom alone; a synchronous core."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec

from l8services._transactions.asked import Asked
from l8services._transactions.effects import Effect, Send, Tell
from l8services._transactions.messages import Batch, Order, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection

    from l8services._transactions.places import Places
    from l8services._transactions.timing import Timing
    from l8services._transactions.views import Ballot, View

__all__ = ["Orders"]

FEW: Final = 2
"""Fewer members than these are asked one by one, which finds out sooner that one is lost."""


class Orders:
    """Sends orders and knows what has become of them.

    Args:
        me: Id of the member on this node, which is always asked alone.
        places: Where the members are.
        timing: Times.
    """

    def __init__(self, me: str, places: Places, timing: Timing) -> None:
        self._me = me
        self._places = places
        self._timing = timing
        self._asked = Asked(timing.told_patience)
        self._aware: set[str] = set()
        self._serial = 0

    def forget(self) -> None:
        """Another office begins, in which nobody was sent anything."""
        self._asked.forget()
        self._aware.clear()

    def unaware(self) -> None:
        """There is a new view; orders tell it until their receivers have followed one."""
        self._aware.clear()

    def aware(self, member: str) -> None:
        """A member knows the view that is in force."""
        self._aware.add(member)

    def order(
        self, ballot: Ballot, view: View, outcome: Outcome, batch: Batch | None = None
    ) -> Order:
        """A new order, which tells the view."""
        self._serial += 1
        return Order(ballot, view.number, outcome, batch, view, self._serial)

    def send(self, order: Order, members: Collection[str], now: float) -> list[Effect]:
        """Have an order reach members: those who know the view are told it together."""
        short = msgspec.structs.replace(order, view=None)
        told = self._aware.intersection(members) - {self._me}
        if len(told) < FEW:
            told = set()
        effects: list[Effect] = [Tell(short)] if told else []
        for member in members:
            sent = short if member in self._aware else order
            self._asked.note(member, sent, now, told=member in told)
            if member not in told:
                effects.append(self._alone(member, sent))
        return effects

    def _alone(self, member: str, order: Order) -> Send:
        return Send(self._places.of(member), order, self._timing.member_timeout)

    def late(self, now: float) -> list[Effect]:
        """Ask those alone who were told together and did not answer."""
        return [self._alone(member, order) for member, order in self._asked.late(now)]

    @property
    def late_at(self) -> float:
        """When :meth:`late` may have something to do."""
        return self._asked.late_at

    def heard(self, member: str, serial: int) -> Order | None:
        """The order that a member answers, ``None`` when it was sent another one since."""
        return self._asked.order(member, serial)

    def followed(self, member: str, order: Order) -> float:
        """A member followed an order; when that was sent, if it is its last one, else never."""
        sent = self._asked.answered(member, order)
        return -math.inf if sent is None else sent

    def failed(self, member: str, order: Order) -> bool:
        """A member did not follow an order; whether that counts."""
        return self._asked.failed(member, order)
