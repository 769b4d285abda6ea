# SPDX-License-Identifier: Apache-2.0
"""The order of writes, and reads that see all of them; a synchronous core.

One batch is on its way at a time; what arrives meanwhile is the next one. A batch is committed when
all members of the view have prepared it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from l8services._transactions.effects import Decide, Effect, Grant, Reject, Resolve
from l8services._transactions.messages import Batch, Command, Order, Ordered, Outcome, Refused
from l8services._transactions.office import Inflight, Phase
from l8services._transactions.succession import Succession
from l8services._transactions.takeover import verdict

if TYPE_CHECKING:
    from collections.abc import Iterable


__all__ = ["Batches"]


class Batches(Succession):
    """The part of a leader that orders writes and lets reads go."""

    # Clients

    def hold(self, until: float) -> None:
        """Begin no further batch before a time; what is on its way goes on."""
        self._pause_until = max(self._pause_until, until)

    def reserve(self, until: float) -> None:
        """Take no writes of clients before a time, only what this leader orders by itself."""
        self._reserved_until = max(self._reserved_until, until)

    def release(self, now: float) -> list[Effect]:
        """Begin the next batch after all."""
        self._pause_until = self._reserved_until = 0.0
        return self._proceed(now)

    @property
    def _held_until(self) -> float:
        """Until when writes wait: for a node that is about to join, or for a read."""
        return max(self._hold_until, self._pause_until)

    def submit(self, commands: Iterable[tuple[Command, float]], now: float) -> list[Effect]:
        """Take commands, each with its deadline; what waits or is on its way is not taken twice."""
        effects: list[Effect] = []
        for command, deadline in commands:
            if command.id not in self._queue and not self._carries(command.id):
                effects += self._take(command, min(deadline, now + 1e9))
        return effects + self._proceed(now)

    def _take(self, command: Command, deadline: float) -> list[Effect]:
        if self._queue.full:
            limit = self._timing.queue_limit
            reason = f"overloaded: {limit} writes wait at the leader, the limit"
            return [Reject(command.id, reason)]
        if self._unfounded:
            return [Reject(command.id, self._unfounded)]
        self._queue.add(command, deadline)
        return []

    def _carries(self, identifier: str) -> bool:
        return self._inflight is not None and any(
            command.id == identifier for command in self._inflight.batch.commands
        )

    def running(self) -> tuple[frozenset[str], float]:
        """Ids of the commands that are on their way, and since when."""
        if self._inflight is None:
            return frozenset(), 0.0
        commands = self._inflight.batch.commands
        return frozenset(command.id for command in commands), self._inflight.since

    # Batches

    def _proceed(self, now: float) -> list[Effect]:
        """Do the next thing that can be done."""
        if self.phase is not Phase.LEADING or self._proposal is not None:
            return []
        members = self._group.members
        lost = self._lost.intersection(members)
        if lost:
            return self._propose(tuple(m for m in members if m not in lost), now)
        if self._inflight is not None or self._held_until > now:
            return []
        self._hold_until = self._pause_until = 0.0
        if self._unfounded:
            return self._reject(self._unfounded) + self._found(now)
        taken = self._queue.take(urgent=self._reserved_until > now)
        if taken:
            batch = Batch(self._outcome.number + 1, tuple(command for command, _ in taken))
            deadlines = [deadline for _, deadline in taken]
            self._inflight = Inflight(batch, deadlines, set(members), since=now)
            return self._send_all(members, batch, now)
        return self._notify(now)

    def _notify(self, now: float) -> list[Effect]:
        if self._notice_at > now:
            return []
        return self._send_all([m for m in self._group.members if m != self.me], None, now)

    def _ordered(self, member: str, order: Order, reply: object, now: float) -> list[Effect]:
        if isinstance(reply, Ordered):
            orders = self._orders
            if order.number == self._group.number:
                orders.aware(member)
            self._lease.confirm(member, orders.followed(member, order))
            effects = self._heard(member, order) if self._refusals.open else []
            if order.batch is not None:
                effects += self._prepared(member, order.batch, reply.errors, now)
            return effects + self._granted(now) if self._lease.waiting else effects
        if not self._orders.failed(member, order):
            return []
        if member == self.me:
            return self._own_failure(reply, now) if order.batch is not None else []
        # It may have missed what it was told; what it does not confirm it must learn anew.
        self._lost.add(member)
        return self._proceed(now)

    def _prepared(
        self, member: str, batch: Batch, errors: tuple[str, ...], now: float
    ) -> list[Effect]:
        inflight = self._inflight
        if inflight is None or batch.number != inflight.batch.number:
            return []
        inflight.waiting.discard(member)
        inflight.results[member] = errors
        return self._complete(now)

    def _complete(self, now: float) -> list[Effect]:
        """Decide the batch when all members of the view have prepared it."""
        inflight = self._inflight
        if inflight is None or self._proposal is not None:
            return []
        members = self._group.members
        if not inflight.waiting.isdisjoint(members):
            return []
        self._inflight = None
        judged = {m: e for m, e in inflight.results.items() if m in members}
        covered = self._covers(judged)
        good = covered and verdict([[bool(error) for error in e] for e in judged.values()])
        self._outcome = Outcome(inflight.batch.number, good)
        effects: list[Effect] = [Decide(self._outcome)]
        commands = inflight.batch.commands
        if good:
            effects += [Resolve(command.id) for command in commands]
            self._notice_at = now + self._timing.notice_delay
        elif len(commands) > 1 or not covered:
            self._queue.add_alone(zip(commands, inflight.deadlines, strict=True))
        else:
            self._refuse(commands[0], judged, now)
        return effects + self._proceed(now)

    def _refuse(self, command: Command, judged: dict[str, tuple[str, ...]], now: float) -> None:
        """Undo what some refused; the client learns of it when no member can commit it any more."""
        member, error = next((m, errors[0]) for m, errors in judged.items() if errors[0])
        self._undo([Resolve(command.id, error, self.node_of(member))], now)

    def _undo(self, refused: list[Resolve], now: float) -> None:
        others = set(self._group.members) - {self.me}
        self._refusals.add(refused, others)
        self._notice_at = now if others else math.inf

    def _heard(self, member: str, order: Order) -> list[Effect]:
        if order.outcome != self._outcome:
            return []
        self._refusals.heard(member)
        return self._release()

    def _own_failure(self, reply: object, now: float) -> list[Effect]:
        """This node cannot prepare (a full disk): nothing can be written, it stays readable."""
        inflight = self._inflight
        if inflight is None:
            return []
        self._inflight = None
        self._outcome = Outcome(inflight.batch.number, committed=False)
        reason = reply.reason if isinstance(reply, Refused) else "unavailable: no journal"
        effects: list[Effect] = [Decide(self._outcome)]
        self._undo([Resolve(c.id, reason, self.address) for c in inflight.batch.commands], now)
        return effects + self._release() + self._proceed(now)

    # Reads

    def read(self, token: int, now: float) -> list[Effect]:
        """A read wants to see all that was acknowledged; it is granted or refused later."""
        if self._unfounded:
            return [Grant(token, self._unfounded)]
        if self._leased(now):
            return [Grant(token)]
        self._lease.wait(token)
        return self._read_round(now)

    def _leased(self, now: float) -> bool:
        return self.phase is Phase.LEADING and self._lease.holds(self._group, now)

    def _read_round(self, now: float) -> list[Effect]:
        lease, office = self._lease, self.phase is Phase.LEADING
        able = office and self._inflight is None and self._proposal is None
        if able and lease.round_at > now:
            return []
        lease.round_at = now + self._timing.retry
        return self._send_all(self._group.members, None, now) if able else []

    def _granted(self, now: float) -> list[Effect]:
        if not self._lease.waiting or not self._leased(now):
            return []
        self._lease.round_at = now
        return list(self._lease.end())
