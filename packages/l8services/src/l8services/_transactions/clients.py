# SPDX-License-Identifier: Apache-2.0
"""Clients of a transaction group: of this node, and those whose writes and reads come here."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import msgspec

from l8services._transactions.courier import Courier
from l8services._transactions.initiator import Initiator
from l8services._transactions.messages import (
    Answered,
    Command,
    Ended,
    Message,
    Refused,
    Result,
    Submit,
    Submits,
    Track,
    Tracked,
)
from l8services._transactions.office import Phase, certainly
from l8services._transactions.progress import Progress
from l8services._transactions.told import Outbox, Submissions, may_be_told
from l8types.enums import Action
from l8types.errors import InvalidInputError, L8Error, UnavailableError
from l8types.pb import L8Transaction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from l8services._transactions.desk import MemberDesk
    from l8services._transactions.effects import (
        Effect,
        Resolve,
    )
    from l8services._transactions.leader import Leader
    from l8services._transactions.timing import Timing
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call, Leadership
    from l8types.values import ServiceKey

__all__ = ["ClientSide"]

_log = logging.getLogger(__name__)


def _as_certain(answer: Message, *, certain: bool) -> Message:
    """A refusal says nothing about what may have happened before, unless that is ``certain``."""
    if certain or not isinstance(answer, Refused):
        return answer
    return msgspec.structs.replace(answer, reason=certainly(answer.reason, certain))


class ClientSide(ABC):
    """The part of a group that takes commands, has them carried out and answers them.

    Args:
        key: The service.
        vnic: The way to the other nodes.
        leadership: Who takes part and whom the election names.
        timing: Times and limits.
    """

    desk: MemberDesk
    leader: Leader

    def __init__(self, key: ServiceKey, vnic: VNic, leadership: Leadership, timing: Timing) -> None:
        self._key = key
        self._vnic = vnic
        self._clock = vnic.resources.clock
        self._leadership = leadership
        self._timing = timing
        self._courier = Courier(key, vnic)
        self._initiator = Initiator(vnic.resources, self._elected, self._deliver, timing)
        self._submissions = Submissions(
            lambda to, told: self._spawn("submit", self._post, to, told)
        )
        self._endings: Outbox[tuple[str, Answered | Refused]] = Outbox(
            lambda to, ends: self._spawn("answer", self._courier.post, to, Ended(tuple(ends))),
            lambda end: len(end[1].result.answer) if isinstance(end[1], Answered) else 0,
        )
        self._progress = Progress(self._clock)
        self._told: dict[str, str] = {}
        """Commands in hand that were told, and the nodes that wait for what becomes of them."""
        self._waiting: dict[str, asyncio.Future[Message]] = {}
        self._reads: dict[int, asyncio.Future[str]] = {}
        self._tokens = 0

    @property
    @abstractmethod
    def leading(self) -> bool:
        """Whether this node orders the writes."""

    @abstractmethod
    async def _ask(self, address: str, message: Message, timeout: float) -> Message:
        """Ask a node, this one included."""

    @abstractmethod
    def _run(self, effects: Iterable[Effect]) -> None:
        """Do what the leader of this node wants."""

    @abstractmethod
    def _spawn(
        self, purpose: str, work: Callable[..., Awaitable[None]], *arguments: object
    ) -> None:
        """Do something in a task of the group."""

    def _elected(self) -> str:
        return self._leadership.leader(self._key)

    # Clients of this node

    async def submit(self, elements: Elements, call: Call) -> Elements:
        """Run a call as a transaction; see ``TransactionEngine.submit``.

        A read by ``L8Transaction`` is one of transactions, not of items.
        """
        if call.action is Action.GET and isinstance(elements.first, L8Transaction):
            return await self._track(elements)
        return await self._initiator.submit(elements, call)

    async def _track(self, elements: Elements) -> Elements:
        """Where transactions stand, by their ids; an example without one asks for all."""
        values = [value for value in elements.values if isinstance(value, L8Transaction)]
        ids = tuple(value.id for value in values if value.id)
        if len(values) < len(elements) or (ids and len(ids) < len(values)):
            raise InvalidInputError("transactions are asked for by their ids, or all of them")
        target = self._elected()
        for _ in range(2):
            if not target:
                break
            reply = await self._ask(target, Track(ids), self._timing.round_timeout)
            if isinstance(reply, Tracked):
                found = map(L8Transaction.FromString, reply.transactions)
                return self._vnic.resources.elements.of(*found)
            target = reply.leader if isinstance(reply, Refused) else ""
        raise UnavailableError(f"service {self._key} has no leader that knows its transactions")

    async def _deliver(self, address: str, command: Command, timeout: float) -> Message:
        """Have a node carry out a command, this one included."""
        if address == self._vnic.uuid or not may_be_told(command):
            return await self._ask(address, Submit(command), timeout)
        patience = min(self._timing.answer_patience, timeout / 2)
        reply = await self._submissions.submit(address, command, timeout, patience)
        if reply is not None:
            return reply
        return await self._ask(address, Submit(command, told=True), timeout - patience)

    async def _post(self, address: str, message: Submits) -> None:
        try:
            await self._courier.post(address, message)
        except L8Error as error:
            self._submissions.failed(message, error)

    # Clients at the leader

    def _take(self, source: str, message: Submits) -> None:
        """Take commands that were told; who told them is told what becomes of them."""
        now = self._clock.monotonic()
        taken = []
        for command, limit in zip(message.commands, message.limits, strict=False):
            ready = self._ready(command)
            if ready is not None:
                self._endings.add(source, (command.id, ready))
            else:
                self._told[command.id] = source
                self._progress.begun(command.id)
                taken.append((command, now + limit))
        self._run(self.leader.submit(taken, now))

    def _ready(self, command: Command) -> Answered | Refused | None:
        """What can be said at once: what became of a command long ago, or who may know better."""
        known = self.desk.member.results.get(command.id)
        if known is not None and self.leading:
            return Answered(known)
        if self.leader.phase is not Phase.FOLLOWING:
            return None
        promised = self.desk.member.promised
        others = set(self._leadership.participants(self._key)) - {self._vnic.uuid}
        acting = promised[1] if promised[1] in others else ""
        reason = self.leader.obstacle or f"node {self._vnic.alias!r} does not lead {self._key}"
        return Refused(promised, f"unavailable: {reason}", leader=acting)

    def _tracked(self, message: Track) -> Message:
        if not self.leading:
            promised = self.desk.member.promised
            return Refused(promised, "unavailable: not led here", leader=promised[1])
        found = self._progress.of(message.ids, *self.leader.running())
        return Tracked(tuple(one.SerializeToString() for one in found))

    async def _answered(self, message: Submit | Track, limit: float) -> Message:
        """What a client's node asked for."""
        if isinstance(message, Track):
            return self._tracked(message)
        return await self._submitted(message, limit)

    async def _submitted(self, message: Submit, limit: float) -> Message:
        command = message.command
        # What was told and is not in hand now was lost, or belonged to an office that is over.
        certain = not message.told or command.id in self._told
        ready = self._ready(command)
        if ready is not None:
            return _as_certain(ready, certain=certain)
        if command.action == Action.GET:
            return await self._read(message, limit)
        future = self._waiting.get(command.id)
        if future is None:
            future = self._waiting[command.id] = asyncio.get_running_loop().create_future()
            now = self._clock.monotonic()
            self._progress.begun(command.id)
            self._run(self.leader.submit([(command, now + limit)], now))
        return _as_certain(await self._outcome(command.id, future, limit), certain=certain)

    async def _outcome(self, name: str, future: asyncio.Future[Message], limit: float) -> Message:
        """Wait for the end of a command, which others may wait for as well."""
        await asyncio.wait([future], timeout=limit)
        if future.done() and not future.cancelled():
            return future.result()
        return Refused(self.desk.member.promised, f"outcome-unknown: no outcome of {name} in time")

    async def _read(self, message: Submit, limit: float) -> Message:
        self._tokens += 1
        token = self._tokens
        future = self._reads[token] = asyncio.get_running_loop().create_future()
        try:
            self._run(self.leader.read(token, self._clock.monotonic()))
            async with asyncio.timeout(limit):
                error = await future
        except TimeoutError:
            error = "unavailable: no quorum of the members answered"
        finally:
            self._reads.pop(token, None)
        if error:
            return Refused(self.desk.member.promised, error)
        return await self._answer(message.command, limit)

    async def _answer(self, command: Command, limit: float) -> Message:
        """Answer a read that may be answered here."""
        del limit
        return Answered(await self.desk.items.read(command))

    def _resolve(self, effect: Resolve) -> None:
        known = self.desk.member.results.get(effect.id)
        if effect.error:
            known = Result(effect.id, error=effect.error)
            _log.info("%s: %s refused a write: %s", self._key, effect.member, effect.error)
        self._finish(effect.id, Answered(known or Result(effect.id)))

    def _finish(self, name: str, message: Answered | Refused) -> None:
        self._progress.ended(name, message)
        source = self._told.pop(name, None)
        if source is not None:
            self._endings.add(source, (name, message))
        future = self._waiting.pop(name, None)
        if future is not None and not future.done():
            future.set_result(message)
