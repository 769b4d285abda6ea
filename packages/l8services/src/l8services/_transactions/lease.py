# SPDX-License-Identifier: Apache-2.0
"""Reads at the leader, and the lease that lets them go without a round of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8services._transactions.effects import Grant
from l8services._transactions.office import SAFE
from l8services._transactions.views import has_quorum

if TYPE_CHECKING:
    from l8services._transactions.views import View
    from l8types.enums import Quorum

__all__ = ["Lease"]


class Lease:
    """When members last gave their word, and the reads that wait for it.

    Args:
        rule: How many of a view it takes.
        seconds: How long members keep their word.
    """

    def __init__(self, rule: Quorum, seconds: float) -> None:
        self._rule = rule
        self._seconds = seconds
        self._confirmed: dict[str, float] = {}
        self._waiting: list[int] = []
        self.round_at = 0.0
        """When members may be asked again for those who wait."""

    @property
    def waiting(self) -> bool:
        """Whether there are reads that wait."""
        return bool(self._waiting)

    def forget(self) -> None:
        """Nobody has given his word; who waits goes on waiting."""
        self._confirmed.clear()
        self.round_at = 0.0

    def confirm(self, member: str, sent: float) -> None:
        """A member answered an order that was sent at a time."""
        self._confirmed[member] = max(sent, self._confirmed.get(member, sent))

    def keep(self, view: View) -> None:
        """The word of others than these members is worth nothing any more."""
        self._confirmed = {m: sent for m, sent in self._confirmed.items() if m in view.members}

    def holds(self, view: View, now: float) -> bool:
        """Whether a quorum has given its word, so that nobody else can have led since."""
        limit = now - SAFE * self._seconds
        fresh = {member for member, sent in self._confirmed.items() if sent > limit}
        return has_quorum(view, fresh, self._rule)

    def wait(self, token: int) -> None:
        """A read waits."""
        self._waiting.append(token)

    def end(self, error: str = "") -> list[Grant]:
        """Those who wait may read, or learn why not."""
        ended, self._waiting = self._waiting, []
        return [Grant(token, error) for token in ended]
