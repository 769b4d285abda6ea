# SPDX-License-Identifier: Apache-2.0
"""What was sent, what arrived and what came back, seen from outside; and what must not be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

SLACK = 1.0
"""Seconds by which a time-out may be late: a paused caller is late by its own fault."""


@dataclass(slots=True)
class Sent:
    """One message on its way."""

    number: int
    sender: str
    """Name and life of the host."""
    at: float
    request: bool = False
    deadline: float = 0.0
    outcome: str = ""
    """How a request ended: "reply" or the class of an error; "" while it is open."""
    quiet: bool = False
    """Whether it was sent when nothing had been wrong for a while."""
    expected: frozenset[str] = frozenset()
    """Ids of the nodes that have to receive it, of a multicast in quiet times."""


class Observer:
    """Keeps the books of one network."""

    def __init__(self) -> None:
        self.sent: dict[int, Sent] = {}
        self.handled: Counter[tuple[int, str]] = Counter()
        self.problems: list[str] = []
        self._last: dict[tuple[str, str], int] = {}

    def open(self, sender: str, at: float, *, request: float = 0.0) -> Sent:
        """A node is about to send; ``request`` is the time-out of a request."""
        number = len(self.sent) + 1
        entry = Sent(number, sender, at, bool(request), at + request)
        self.sent[number] = entry
        return entry

    def handle(self, number: int, node: str) -> None:
        """A node handles a message."""
        self.handled[number, node] += 1
        if self.handled[number, node] > 1:
            self.problems.append(f"message {number} was handled twice by {node}")
        elif self.sent[number].request and self.handlers(number) > 1:
            self.problems.append(f"request {number} was handled by two nodes")

    def handlers(self, number: int) -> int:
        """How many nodes handled a message."""
        return sum(1 for other, _ in self.handled if other == number)

    def in_order(self, number: int, node: str) -> None:
        """Messages of one sender to one receiver come in the order in which they were sent."""
        pair = (self.sent[number].sender, node)
        if self._last.get(pair, 0) > number:
            self.problems.append(f"message {number} of {pair[0]} arrived late at {node}")
        self._last[pair] = number

    def reply(self, entry: Sent, echoed: object) -> None:
        """A reply came."""
        if echoed != entry.number:
            self.problems.append(f"request {entry.number} got the reply {echoed!r}")
        self.end(entry, "reply")

    def end(self, entry: Sent, outcome: str) -> None:
        """A request ended."""
        if entry.outcome:
            self.problems.append(f"request {entry.number} ended twice: {entry.outcome}, {outcome}")
        entry.outcome = outcome

    def overdue(self, now: float, living: frozenset[str]) -> list[str]:
        """Requests of living, running nodes whose time is over without an end."""
        return [
            f"request {entry.number} of {entry.sender}, due at {entry.deadline:.3f} s, has no end"
            for entry in self.sent.values()
            if entry.request
            and not entry.outcome
            and entry.sender in living
            and now > entry.deadline + SLACK
        ]

    def quiet_failures(self, now: float) -> list[str]:
        """What did not reach everybody although nothing was wrong."""
        problems = []
        for entry in self.sent.values():
            if not entry.quiet or now < max(entry.deadline, entry.at) + SLACK:
                continue
            if entry.request and entry.outcome != "reply":
                problems.append(f"request {entry.number} ended with {entry.outcome or 'nothing'}")
            reached = {node for number, node in self.handled if number == entry.number}
            if missing := entry.expected - reached:
                problems.append(f"multicast {entry.number} did not reach {len(missing)} nodes")
        return problems
