# SPDX-License-Identifier: Apache-2.0
"""The transaction group of one service on this node: the shell around its cores."""

from __future__ import annotations

import asyncio
import logging
import math
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from l8services._tasks import TaskScope, forever
from l8services._transactions.clients import ClientSide
from l8services._transactions.desk import MemberDesk
from l8services._transactions.effects import (
    Admit,
    Copy,
    Decide,
    Effect,
    Grant,
    Lead,
    Reject,
    Resolve,
    Send,
    Tell,
)
from l8services._transactions.items import GroupItems
from l8services._transactions.joining import Joiner
from l8services._transactions.leader import Leader
from l8services._transactions.member import Member
from l8services._transactions.messages import (
    Accept,
    Ended,
    Fetch,
    Heard,
    Message,
    Order,
    Ordered,
    Promise,
    Ready,
    Refused,
    Submit,
    Submits,
    Track,
)
from l8services._transactions.office import Phase
from l8services._transactions.timing import Timing
from l8services._transactions.views import address_of
from l8types.errors import InvalidInputError, L8Error, PermissionDeniedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from l8services._transactions.journal import Journal
    from l8services._transactions.views import Ballot, View
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call, Leadership, TransactionalService
    from l8types.sla import ServiceLevelAgreement
    from l8types.values import Message as Envelope

__all__ = ["TransactionGroup"]

_log = logging.getLogger(__name__)

Run = Callable[["Elements", "Call"], "Awaitable[Elements]"]
"""Calls the handler directly."""

_ROUTINE: Final = (Send, Tell, Decide, Resolve, Grant)
"""What a write consists of; after anything else there may be more to do than the leader knows."""


def _no_step(_: str) -> None:
    """Nobody is interested."""


class TransactionGroup(ClientSide):
    """Orders the writes of one service together with the other nodes that offer it.

    Args:
        sla: The agreement of the service.
        handler: Keeps the items.
        vnic: The way to the other nodes.
        leadership: Who takes part and whom the election names; it may be wrong for a while.
        journal: Where the member keeps what it must not forget.
        timing: Times and limits.
        step: Told where the code is, for tests that let it crash there.
    """

    def __init__(
        self,
        sla: ServiceLevelAgreement,
        handler: TransactionalService,
        vnic: VNic,
        leadership: Leadership,
        journal: Journal,
        *,
        timing: Timing | None = None,
        step: Callable[[str], None] = _no_step,
    ) -> None:
        timing = timing or Timing()
        super().__init__(sla.key, vnic, leadership, timing)
        self._journal = journal
        self._step = step
        member = Member(f"{vnic.uuid}#{uuid.uuid4().hex[:8]}", timing)
        items = self._items(handler, member)
        self.desk = MemberDesk(
            member, items, journal, self._clock, timing, met=self._met, step=step
        )
        self._sla = sla
        self.leader = self._leader()
        self._joiner = Joiner(self.desk, self._ask, timing)
        self._admissions: dict[str, asyncio.Future[Message | None]] = {}
        self._peers: tuple[View | None, frozenset[str]] = None, frozenset()
        """The view that was in force last, and the nodes of its members."""
        self._wake = asyncio.Event()
        self._asleep_until = math.inf
        """Time of the leader for which the watch is set."""
        self._campaign_at = 0.0
        self._nominated_at: float | None = None
        self._group: asyncio.TaskGroup | None = None
        self._tasks = TaskScope(f"{sla.key}: transactions")

    async def start(self) -> None:
        """Take up the state of an earlier life and take part from now on.

        Raises:
            L8Error: The journal cannot be read.
        """
        await self.desk.load()
        self.leader = self._leader()
        self._tasks.start(supervise=self._supervise)

    def _items(self, handler: TransactionalService, member: Member) -> GroupItems:
        del member
        return GroupItems(self._key, handler, self._vnic, self._timing.member_timeout / 2)

    def _leader(self) -> Leader:
        sla, desk = self._sla, self.desk
        return Leader(
            desk.member.id,
            self._vnic.uuid,
            sla.quorum,
            self._timing,
            expected=sla.expected,
            happened=lambda command: desk.member.results.get(command) is not None,
            covers=desk.items.covers,
        )

    async def aclose(self) -> None:
        """Take part no longer; idempotent."""
        await self._tasks.aclose()
        self._group = None
        self._run(self.leader.resign("", self._clock.monotonic()))
        futures: list[asyncio.Future[Any]] = [*self._waiting.values(), *self._reads.values()]
        for future in (*futures, *self._admissions.values()):
            future.cancel()
        self._journal.close()

    @property
    def leading(self) -> bool:
        """Whether this node orders the writes."""
        return self.leader.phase is Phase.LEADING

    @property
    def current(self) -> bool:
        """Whether this node is a member and has all that was written."""
        return self.desk.member.in_view

    # Clients

    async def handle(self, elements: Elements, message: Envelope) -> Elements:
        """Process a message of a peer; see ``TransactionEngine.handle``."""
        if not self._is_peer(message.source):
            raise PermissionDeniedError(
                f"node {message.source!r} takes no part in service {self._key}"
            )
        request = self._courier.read(elements)
        if not message.request:
            await self._overheard(message.source, request)
            return self._courier.nothing
        limit = message.timeout or self._timing.member_timeout
        return self._courier.pack(await self._serve(message.source, request, limit))

    def _is_peer(self, source: str) -> bool:
        view = self.leader.view or self.desk.member.view
        if view is not self._peers[0]:
            self._peers = view, frozenset(map(address_of, view.members if view else ()))
        return source in self._peers[1] or source in self._leadership.participants(self._key)

    async def _ask(self, address: str, message: Message, timeout: float) -> Message:
        """Ask a node, this one included."""
        if address == self._vnic.uuid:
            return await self._serve(address, message, timeout)
        return await self._courier.ask(address, message, timeout)

    async def _serve(self, source: str, message: Message, limit: float) -> Message:
        desk, now = self.desk, self._clock.monotonic()
        match message:
            case Promise():
                return await desk.promise(message)
            case Accept():
                return await desk.accept(message)
            case Order():
                return await self._follow(message)
            case Fetch():
                return desk.copies.page(message.member, start=message.start, now=now)
            case Ready():
                return await self._admit(source, message, limit)
            case Submit() | Track():
                return await self._answered(message, limit)
            case _:
                raise InvalidInputError(f"a {type(message).__name__} is no question")

    async def _overheard(self, source: str, message: Message) -> None:
        """Take a message that waits for no answer."""
        match message:
            case Heard():
                effects = self.leader.heard(source, message, self._clock.monotonic())
                if effects:
                    self._run(effects)
            case Order() if source != self._vnic.uuid and self.desk.member.in_view:
                reply = await self._follow(message)
                await self._courier.post(source, Heard(message.ballot, message.serial, reply))
            case Submits():
                self._take(source, message)
            case Ended():
                for identifier, answer in message.answers:
                    self._submissions.ended(identifier, answer)
            case Order():
                # Told to all nodes: those that are no members are invited by themselves.
                pass
            case _:
                raise InvalidInputError(f"a {type(message).__name__} is not told")

    async def _follow(self, order: Order) -> Ordered | Refused:
        """Do what a leader orders; a member that has missed something joins anew."""
        reply = await self.desk.order(order)
        if isinstance(reply, Refused) and reply.behind:
            self._spawn("join", self._join, order.ballot[1])
        return reply

    async def _admit(self, source: str, message: Ready, limit: float) -> Message:
        now = self._clock.monotonic()
        future: asyncio.Future[Message | None] = asyncio.get_running_loop().create_future()
        self._admissions[message.member] = future
        effects = self.leader.ready(message.member, source, message.lineage, message.number, now)
        self._run(effects)
        try:
            async with asyncio.timeout(min(limit, self._timing.member_timeout)):
                reply = await future
        except TimeoutError:
            return Refused(self.desk.member.promised, "unavailable: no quorum for a new member")
        finally:
            if self._admissions.get(message.member) is future:
                del self._admissions[message.member]
        if reply is None:
            return self.desk.copies.tail(message.member, message.number, now)
        self.desk.copies.end(message.member)
        return reply

    # The leader of this node

    def _met(self, ballot: Ballot) -> None:
        effects = self.leader.meet(ballot, self._clock.monotonic())
        if effects:
            self._run(effects)

    def _run(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            self._perform(effect)
            if not isinstance(effect, _ROUTINE):
                self._wake.set()
        if self.leader.wake_at() < self._asleep_until:
            self._wake.set()

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Send():
                self._spawn("send", self._send, effect)
            case Tell():
                self._spawn("tell", self._tell_all, effect.order)
            case Decide():
                self.desk.decide(effect.outcome)
            case Resolve():
                self._resolve(effect)
            case Reject():
                refused = Refused(self.leader.ballot, effect.error, leader=effect.leader)
                self._finish(effect.id, refused)
            case Grant() | Admit():
                self._tell(effect)
            case Copy():
                self._spawn("copy", self._copy, effect.source)
            case Lead():
                self._lead(effect)

    def _tell(self, effect: Grant | Admit) -> None:
        if isinstance(effect, Grant):
            read = self._reads.get(effect.token)
            if read is not None and not read.done():
                read.set_result(effect.error)
            return
        admission = self._admissions.get(effect.member)
        if admission is not None and not admission.done():
            admission.set_result(effect.message)

    def _lead(self, effect: Lead) -> None:
        view = effect.view
        _log.info("%s: view %d with %d members", self._key, view.number, len(view.members))
        if effect.founded:
            # Before the first order, which waits for the lock that this task takes first.
            self._spawn("found", self.desk.found, view)
        else:
            self.desk.learn(view)
        if effect.began:
            self.desk.items.leading()

    async def _send(self, effect: Send) -> None:
        self._step(f"send.{type(effect.message).__name__.lower()}")
        try:
            async with asyncio.timeout(effect.timeout):
                reply = await self._ask(effect.address, effect.message, effect.timeout)
        except (L8Error, TimeoutError) as error:
            _log.debug("%s: nothing from %s: %s", self._key, effect.address, error)
            reply = None
        now = self._clock.monotonic()
        self._run(self.leader.received(effect.address, effect.message, reply, now))

    async def _tell_all(self, order: Order) -> None:
        self._step("send.order")
        await self._courier.tell(order)

    async def _copy(self, source: str) -> None:
        good = await self._joiner.copy(source)
        outcome = self.desk.member.outcome
        self._run(self.leader.copied(good=good, outcome=outcome, now=self._clock.monotonic()))

    async def _join(self, leader: str) -> None:
        if leader != self._vnic.uuid:
            await self._joiner.join(leader)

    # Tasks

    def _spawn(
        self, purpose: str, work: Callable[..., Awaitable[None]], *arguments: object
    ) -> None:
        if self._group is not None:
            # Called in the task: one that is cancelled before it began leaves nothing unawaited.
            guarded = self._guarded(purpose, work, *arguments)
            self._group.create_task(guarded, name=f"{self._key}: {purpose}")

    async def _guarded(
        self, purpose: str, work: Callable[..., Awaitable[None]], *arguments: object
    ) -> None:
        try:
            await work(*arguments)
        except L8Error as error:
            _log.warning("%s: %s failed: %s", self._key, purpose, error)
        except Exception:  # noqa: BLE001 - the boundary of a task; what failed is tried again
            _log.exception("%s: %s failed", self._key, purpose)

    async def _supervise(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                await forever(self._watch, what=f"{self._key}: transactions")
            finally:
                # What is asked of a group that ends begins nothing any more.
                self._group = None

    async def _watch(self) -> None:
        """Do what time asks for, then wait until it does again."""
        now = self._clock.monotonic()
        self.desk.copies.expire(now)
        self._run(self._due(now))
        self._wake.clear()
        self._asleep_until = self.leader.wake_at()
        pause = min(self._timing.retry, max(0.0, self._asleep_until - now))
        try:
            async with asyncio.timeout(pause):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _due(self, now: float) -> list[Effect]:
        effects = self.leader.tick(now)
        nodes = self._leadership.participants(self._key)
        self._submissions.lost(nodes)
        if self.leading:
            return effects + self.leader.participants(nodes, now)
        if self._elected() != self._vnic.uuid:
            self._nominated_at = None
            return effects
        if self.leader.phase is Phase.CAMPAIGNING or now < self._campaign_at:
            return effects
        if self._nominated_at is None:
            self._nominated_at = now
        if self._should_wait(nodes, now - self._nominated_at):
            return effects
        self._campaign_at = now + self._timing.retry
        self._step("campaign")
        return effects + self.leader.campaign(self._leadership.epoch(self._key), nodes, now)

    def _should_wait(self, nodes: Iterable[str], nominated: float) -> bool:
        """Whether another node leads, which takes this one in as a member before it leads."""
        others = [node for node in nodes if node != self._vnic.uuid]
        member = self.desk.member
        if member.in_view or not others:
            return False
        if member.view is None:
            return nominated < self._timing.hold
        return member.promised[1] in others and nominated < self._timing.patience
