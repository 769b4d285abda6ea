# SPDX-License-Identifier: Apache-2.0
"""Which member was sent which order, when, and who has yet to answer; a synchronous core."""

from __future__ import annotations

import math

import msgspec

from l8services._transactions.messages import Order

__all__ = ["Asked"]


class _Asked(msgspec.Struct):
    """The last order that a member was sent."""

    order: Order
    sent: float
    open: bool = True
    """Whether there is no answer yet."""


class Asked:
    """The last order of each member. An older one counts no more.

    An order that is told to all at once may be lost without a word; those that do not answer it for
    a while are asked one by one, which ends with an answer or an error.

    Args:
        patience: Seconds until then.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._asked: dict[str, _Asked] = {}
        self._told: dict[str, None] = {}
        """Members in the order in which they were told."""
        self.late_at = math.inf
        """When :meth:`late` may have something to say."""

    def forget(self) -> None:
        """Nobody was asked anything."""
        self._asked.clear()
        self._told.clear()
        self.late_at = math.inf

    def note(self, member: str, order: Order, now: float, *, told: bool) -> None:
        """A member was sent an order, alone or ``told`` together with others."""
        self._asked[member] = _Asked(order, now)
        if told:
            self._told[member] = None
            self.late_at = now + self._patience
        else:
            self._told.pop(member, None)

    def order(self, member: str, serial: int) -> Order | None:
        """The order with this number, if it is the last one of the member."""
        asked = self._asked.get(member)
        return asked.order if asked is not None and asked.order.serial == serial else None

    def answered(self, member: str, order: Order) -> float | None:
        """A member followed an order; when that was sent, ``None`` if another one was since."""
        asked = self._asked.get(member)
        if asked is None or asked.order is not order:
            return None
        asked.open = False
        return asked.sent

    def failed(self, member: str, order: Order) -> bool:
        """An order was refused or lost; whether that counts: it is the last one, not followed."""
        asked = self._asked.get(member)
        return asked is not None and asked.order is order and asked.open

    def late(self, now: float) -> list[tuple[str, Order]]:
        """Those who were told together and did not answer for too long, each of them once."""
        if self.late_at > now:
            return []
        self.late_at = math.inf
        told, self._told = self._told, {}
        return [(member, self._asked[member].order) for member in told if self._asked[member].open]
