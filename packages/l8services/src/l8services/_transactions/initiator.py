# SPDX-License-Identifier: Apache-2.0
"""The node that a client asked: it finds the leader and asks until the outcome is known."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Final

from l8services._transactions.messages import Answered, Command, Refused
from l8types.enums import Action
from l8types.errors import (
    L8Error,
    OutcomeUnknownError,
    OverloadedError,
    RequestTimeoutError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from l8services._transactions.messages import Message
    from l8services._transactions.timing import Timing
    from l8types.protocols.data import Elements
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import Call

    Deliver = Callable[[str, Command, float], Awaitable[Message]]

__all__ = ["Initiator"]

PAUSE: Final = 0.05
"""Seconds before the first repetition; doubles up to ten times as much."""
MARGIN: Final = 0.9
"""Share of the caller's time that is used, so that he hears the outcome rather than nothing."""


class _Attempt:
    """What is known of a command so far."""

    def __init__(self) -> None:
        self.reason = "there is no leader"
        self.hint = ""
        self.sent = False
        """Whether it may have happened: it was sent and there was no answer to it."""
        self.pause = PAUSE


class Initiator:
    """Submits commands, each under one id however often it is sent.

    Args:
        resources: The parts of the node.
        leader: Id of the elected leader, "" for none.
        deliver: Has a node carry out a command, this one included, and returns its answer.
        timing: Times and limits.
    """

    def __init__(
        self, resources: Resources, leader: Callable[[], str], deliver: Deliver, timing: Timing
    ) -> None:
        self._resources = resources
        self._leader = leader
        self._deliver = deliver
        self._timing = timing
        self._id = uuid.uuid4().hex[:20]
        self._count = 0

    def _new_id(self) -> str:
        """Of nobody else: that of this initiator, and a number."""
        self._count += 1
        return f"{self._id}{self._count:012x}"

    async def submit(self, elements: Elements, call: Call) -> Elements:
        """Run a call at the leader; see ``TransactionEngine.submit``."""
        command = Command(self._new_id(), call.action, call.identity, elements.encode())
        clock = self._resources.clock
        begin = clock.monotonic()
        allowed = self._resources.settings.request_timeout
        if call.deadline is not None:
            allowed = call.deadline - begin
        deadline = begin + allowed * MARGIN
        patience = min(deadline, begin + self._timing.patience)
        attempt = _Attempt()
        while True:
            now = clock.monotonic()
            if now >= deadline or (now >= patience and not attempt.sent):
                raise self._given_up(command, attempt, late=now >= deadline)
            answer = await self._attempt(command, attempt, deadline - now)
            if answer is not None:
                return answer
            if attempt.hint == "":
                await asyncio.sleep(min(attempt.pause, max(0.0, deadline - clock.monotonic())))
                attempt.pause = min(attempt.pause * 2, 10 * PAUSE)

    async def _attempt(self, command: Command, attempt: _Attempt, left: float) -> Elements | None:
        """Ask the leader once; ``None`` when it is to be tried again."""
        target, attempt.hint = attempt.hint or self._leader(), ""
        if not target:
            return None
        try:
            # A leader that is gone without a trace must not take all the time there is.
            limit = min(left, self._timing.patience)
            reply = await self._deliver(target, command, limit)
        except L8Error as error:
            attempt.sent = attempt.sent or command.action != Action.GET
            attempt.reason = error.message
            return None
        if isinstance(reply, Answered):
            return self._result(reply)
        if isinstance(reply, Refused):
            self._refused(reply, attempt, target)
        return None

    def _refused(self, reply: Refused, attempt: _Attempt, target: str) -> None:
        code, _, reason = reply.reason.partition(": ")
        if code == OverloadedError.code and not attempt.sent:
            raise OverloadedError(reason)
        if code == OutcomeUnknownError.code:
            attempt.sent = True
        attempt.reason = reason
        if reply.leader != target:
            attempt.hint = reply.leader

    def _result(self, reply: Answered) -> Elements:
        elements = self._resources.elements
        if reply.result.error:
            elements.error(reply.result.error).raise_for_error()
        return elements.decode(reply.result.answer)

    @staticmethod
    def _given_up(command: Command, attempt: _Attempt, *, late: bool) -> L8Error:
        if attempt.sent:
            return OutcomeUnknownError(
                f"write {command.id} may or may not have happened: {attempt.reason}"
            )
        if late and command.action == Action.GET:
            return RequestTimeoutError(f"no answer in time: {attempt.reason}")
        return UnavailableError(f"nothing was done: {attempt.reason}")
