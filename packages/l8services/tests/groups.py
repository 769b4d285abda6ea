# SPDX-License-Identifier: Apache-2.0
"""Transaction groups in virtual time: nodes that die and start again, a network that misbehaves.

The real groups run here; the handler, the disks and the network are fakes. Everything comes from
one seed.
"""

from __future__ import annotations

import asyncio
import pickle
import random
from contextlib import suppress
from dataclasses import dataclass, field
from types import SimpleNamespace, TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from l8services._replication.group import ReplicatedGroup
from l8services._transactions.group import TransactionGroup
from l8services._transactions.records import Record, decode_record, encode
from l8services._transactions.timing import Timing
from l8types.enums import Action, MulticastMode, Quorum
from l8types.errors import (
    InvalidInputError,
    L8Error,
    NotFoundError,
    OutcomeUnknownError,
    RequestTimeoutError,
    UnavailableError,
)
from l8types.frozen import replace
from l8types.protocols.services import Call, Staged
from l8types.sla import ServiceLevelAgreement
from l8types.values import Element, Message, Page, ServiceKey

from .data import FakeElements, FakeElementsFactory
from .virtual import LoopClock, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from l8types.pb import L8Query
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import AskAll, Leadership

KEY = ServiceKey("Values")


class PickledElements(FakeElements):
    """The container with a wire form."""

    def encode(self) -> bytes:
        return pickle.dumps((self.entries, self.query, self.metadata))


class PickledFactory(FakeElementsFactory):
    """Makes containers with a wire form."""

    def of(self, *values: object, notification: bool = False) -> PickledElements:
        return PickledElements(Element(value) for value in values)

    def entries(self, entries: Any, *, metadata: Any = None) -> PickledElements:
        return PickledElements(entries, metadata=metadata)

    def query(self, query: str | L8Query) -> PickledElements:
        return PickledElements(query=super().query(query).query)

    def page(self, page: Page) -> PickledElements:
        return self.entries([Element(item) for item in page.items], metadata=page.metadata)

    def decode(self, data: bytes) -> PickledElements:
        entries, query, metadata = pickle.loads(data)  # noqa: S301 - its own bytes
        return PickledElements(entries, query, metadata)


class PickleCodec:
    """Bytes of items."""

    def encode(self, value: object) -> bytes:
        return pickle.dumps(value)

    def decode(self, data: bytes) -> object:
        return pickle.loads(data)  # noqa: S301 - its own bytes


class Values:
    """The least of a transactional service: values by key, and values that it does not like."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.values: dict[str, object] = {}
        self.staged: dict[str, object] = {}
        self.first: list[tuple[str, object]] = []
        self.dislikes: Callable[[str, object], bool] = lambda _key, _value: False
        self.hang = False
        self.led = 0

    async def stage(self, elements: Elements, call: Call) -> Staged:
        if self.hang:
            await asyncio.Event().wait()
        before = dict(self.staged)
        changes = []
        for key, value in cast("Sequence[tuple[str, object]]", elements.values):
            if self.dislikes(key, value):
                self.staged = before
                raise InvalidInputError(f"{self.name} does not like {value!r}")
            new = None if call.action is Action.DELETE else value
            self.staged[key] = new
            changes.append((key, new))
        answer = PickledFactory().entries(Element(key=key) for key, _ in changes)
        return Staged(cast("Elements", answer), changes)

    def unstage(self) -> None:
        self.staged.clear()

    def apply(self, changes: Sequence[tuple[str, object]]) -> None:
        for key, value in changes:
            if value is None:
                self.values.pop(key, None)
            else:
                self.values[key] = value

    def content(self) -> Iterator[tuple[str, object]]:
        return iter(dict(self.values).items())

    async def initial(self) -> Sequence[tuple[str, object]]:
        return self.first

    def leading(self) -> None:
        self.led += 1

    def applied(self, keys: Sequence[str]) -> None:
        """It has no store."""

    async def get(self, elements: Elements, call: Call) -> Elements:
        return cast("Elements", PickledFactory().of(self.values.get(cast("str", elements.first))))


class SpreadValues(Values):
    """The same with each value on some of the members only; it notes as what it is asked."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.asked: list[tuple[str, int | None, int | None]] = []
        self.shares = 0

    async def stage(self, elements: Elements, call: Call) -> Staged:
        for key in self.keys_of(elements):
            self._note(key, elements, call)
        return await super().stage(elements, call)

    async def get(self, elements: Elements, call: Call) -> Elements:
        for key in self.keys_of(elements):
            self._note(key, elements, call)
        missing = Element(error="not-found: no such value")
        entries = [
            Element(self.values[key]) if key in self.values else missing
            for key in self.keys_of(elements)
        ]
        return cast("Elements", PickledFactory().entries(entries))

    def keys_of(self, elements: Elements) -> list[str]:
        return [value if isinstance(value, str) else value[0] for value in elements.values]  # type: ignore[index]

    def item(self, key: object) -> object | None:
        return self.values.get(cast("str", key))

    async def share(self, elements: Elements, call: Call, mine: Callable[[str], bool]) -> Elements:
        self.shares += 1
        found = [Element(value, key=key) for key, value in self.values.items() if mine(key)]
        return cast("Elements", PickledFactory().entries(found))

    async def whole(self, elements: Elements, call: Call, ask: AskAll) -> Elements:
        text = str(getattr(elements.query, "text", elements.query))
        shares = await ask(elements, key=text.partition("key=")[2] or None)
        return cast("Elements", PickledFactory().entries(e for share in shares for e in share))

    def _note(self, key: str, elements: Elements, call: Call) -> None:
        part = None if call.message is None else call.message.transaction
        tagged = part.replica if part is not None and part.is_replica else None
        self.asked.append((key, elements.replica, tagged))


@dataclass
class Disk:
    """What outlives a process."""

    written: list[bytes] = field(default_factory=list)
    full: bool = False


class DiskJournal:
    """A journal on such a disk, as slow as the network says."""

    lasting = True

    def __init__(self, disk: Disk, pause: Callable[[], float]) -> None:
        self._disk = disk
        self._pause = pause
        self._noted: list[bytes] = []
        self.dead = False

    @property
    def size(self) -> int:
        return sum(map(len, self._disk.written))

    async def load(self) -> list[Record]:
        return [decode_record(record) for record in self._disk.written]

    def note(self, records: Any) -> None:
        self._noted += map(encode, records)

    async def commit(self, records: Sequence[Record]) -> None:
        encoded = [encode(record) for record in records]
        noted, self._noted = self._noted, []
        await asyncio.sleep(self._pause())
        if self._disk.full:
            self._noted = noted + self._noted
            raise UnavailableError("the journal cannot be written: no space left on device")
        if not self.dead:
            self._disk.written += [*noted, *encoded]

    async def replace(self, records: Sequence[Record]) -> None:
        encoded = [encode(record) for record in records]
        if self._disk.full:
            raise UnavailableError("the journal cannot be written: no space left on device")
        if not self.dead:
            self._disk.written[:] = encoded
            self._noted = []

    def close(self) -> None:
        if not self.dead:
            self._disk.written += self._noted


class Member:
    """One node, over all its lives."""

    def __init__(self, net: GroupNet, name: str) -> None:
        self.net = net
        self.name = name
        self.uuid = name.ljust(36, "0")
        self.disk = Disk()
        self.alive = False
        self.life = 0
        self.group: TransactionGroup = cast("TransactionGroup", None)
        self.handler = self._values()
        self.epochs = 0
        self.last_leader = ""
        self.crash_at = ""
        self.death: asyncio.Future[None]
        self.figures: dict[str, float] = {}
        """Metrics by name and reason, over all lives."""

    def _count(self, name: str, value: float, *, why: str, **_: str) -> None:
        self.figures[f"{name} {why}"] = self.figures.get(f"{name} {why}", 0) + value

    def _gauge(self, name: str, value: float, **_: str) -> None:
        self.figures[name] = value

    def _values(self) -> Values:
        return SpreadValues(self.name) if self.net.count else Values(self.name)

    async def start(self) -> None:
        """Begin a life."""
        self.life += 1
        self.alive = True
        self.death = asyncio.get_running_loop().create_future()
        dislikes, first = self.handler.dislikes, self.handler.first
        self.handler = self._values()
        self.handler.dislikes, self.handler.first = dislikes, first
        self.journal = DiskJournal(self.disk, self.net.disk_pause)
        sla = ServiceLevelAgreement(
            name=KEY.name,
            handler=lambda: cast("Any", self.handler),
            transactional=True,
            quorum=self.net.quorum,
            replication_count=self.net.count,
        )
        vnic = SimpleNamespace(
            uuid=self.uuid,
            alias=self.name,
            forward=self.forward,
            send=self.send,
            resources=SimpleNamespace(
                clock=LoopClock(),
                elements=PickledFactory(),
                codec=PickleCodec(),
                settings=SimpleNamespace(request_timeout=30.0),
                metrics=SimpleNamespace(count=self._count, gauge=self._gauge),
            ),
        )
        self.group = (ReplicatedGroup if self.net.count else TransactionGroup)(
            sla,
            cast("Any", self.handler),
            cast("VNic", vnic),
            cast("Leadership", self),
            self.journal,
            timing=self.net.timing,
            step=lambda step, life=self.life: self._at(step, life),  # type: ignore[misc]
        )
        await self.group.start()

    def kill(self) -> None:
        """End this life without a word: nothing noted is written any more."""
        self.alive = False
        if not self.death.done():
            self.death.set_result(None)
        self.journal.dead = True
        owner = self.group._tasks._owner
        if owner is not None:
            owner.cancel()

    def _at(self, step: str, life: int) -> None:
        if life != self.life or not self.alive:
            raise asyncio.CancelledError
        self.net.steps.append((self.name, step))
        if self.crash_at == step:
            self.crash_at = ""
            self.kill()
            raise asyncio.CancelledError

    async def forward(
        self, message: Message, elements: Any, target: str, *, timeout: float
    ) -> Elements:
        return await self.net.carry(self, target, message, elements.encode(), timeout)

    async def send(
        self, target: str | MulticastMode, service: str, area: int, action: Action, elements: Any
    ) -> None:
        self.net.post(self, target, Message(service=service, action=action), elements.encode())

    async def write(self, *changes: tuple[str, object], action: Action = Action.PUT) -> None:
        """Write as a client of this node."""
        await self.call(action, *changes)

    async def read(self, key: str) -> object:
        """Read as a client of this node."""
        return (await self.call(Action.GET, key)).first

    async def call(self, action: Action, *values: object, limit: float = 20.0) -> Elements:
        now = asyncio.get_running_loop().time()
        call = Call(vnic=cast("Any", None), action=action, key=KEY, deadline=now + limit)
        elements = cast("Elements", PickledFactory().of(*values))
        return await self.group.submit(elements, call)

    # The election as this node sees it

    def participants(self, key: ServiceKey) -> tuple[str, ...]:
        return tuple(sorted(m.uuid for m in self.net.members if self.net.connected(self, m)))

    def leader(self, key: ServiceKey) -> str:
        leader = max(self.participants(key), default="")
        if leader != self.last_leader:
            self.last_leader = leader
            self.epochs += 1
        return leader

    def epoch(self, key: ServiceKey) -> int:
        self.leader(key)
        return self.epochs


class GroupNet:
    """Nodes and the network between them; entered for the time of a test."""

    def __init__(
        self,
        *names: str,
        seed: int = 0,
        quorum: Quorum = Quorum.MAJORITY,
        count: int | None = None,
        **timing: float,
    ) -> None:
        self.random = random.Random(seed)
        self.timing = replace(Timing(), **timing)
        self.quorum = quorum
        self.count = count
        self.members = [Member(self, name) for name in names]
        self.sides: dict[str, int] = {}
        self.loss = 0.0
        self.doubled = 0.0
        self.deaf = ""
        """Names of those who hear nothing that is told to all."""
        self.latest = 0.004
        self.steps: list[tuple[str, str]] = []
        self.group = asyncio.TaskGroup()

    def __getitem__(self, name: str) -> Member:
        return next(member for member in self.members if member.name == name)

    async def __aenter__(self) -> Self:
        await self.group.__aenter__()
        for member in self.members:
            await member.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for member in self.members:
            await member.group.aclose()
        await self.group.__aexit__(exc_type, exc, traceback)

    def disk_pause(self) -> float:
        return self.random.uniform(0.0001, 0.003)

    def connected(self, one: Member, other: Member) -> bool:
        if not one.alive or not other.alive:
            return False
        return self.sides.get(one.name, 0) == self.sides.get(other.name, 0)

    def partition(self, *groups: str) -> None:
        """Split the nodes; each group is a text of one-letter names, the rest is another side."""
        self.sides = {name: side + 1 for side, names in enumerate(groups) for name in names}

    async def carry(
        self, source: Member, target: str, message: Message, data: bytes, timeout: float
    ) -> Elements:
        """Bring a request to a node and its answer back, or not."""
        life = source.life
        member = next(m for m in self.members if m.uuid == target)
        message = replace(message, source=source.uuid, timeout=timeout)
        end = asyncio.get_running_loop().time() + timeout
        try:
            async with asyncio.timeout(timeout):
                await asyncio.sleep(self.random.uniform(0.0005, self.latest))
                if not self.connected(source, member):
                    raise UnavailableError(f"no node {target}")
                if self.random.random() < self.loss:
                    await asyncio.sleep(timeout)
                if self.random.random() < self.doubled:
                    self.group.create_task(self._again(member, member.life, message, data))
                to_life = member.life
                answer = await self._deliver(member, message, data)
                await asyncio.sleep(self.random.uniform(0.0005, self.latest))
                if self.random.random() < self.loss or member.life != to_life:
                    await asyncio.sleep(timeout)
                if source.life != life or not self.connected(source, member):
                    raise UnavailableError(f"no way to {target}")
                return cast("Elements", answer.raise_for_error())
        except TimeoutError as error:
            raise RequestTimeoutError(f"no answer from {target} until {end}") from error

    def post(
        self, source: Member, target: str | MulticastMode, message: Message, data: bytes
    ) -> None:
        """Put a message on its way to a node, or to all; whether it arrives is not told."""
        message = replace(message, source=source.uuid)
        for member in self.members:
            told = target is MulticastMode.ALL and member.name not in self.deaf
            if told or target == member.uuid:
                self.group.create_task(self._bring(source, member, message, data))

    async def _bring(self, source: Member, member: Member, message: Message, data: bytes) -> None:
        await asyncio.sleep(self.random.uniform(0.0005, self.latest))
        if not self.connected(source, member) or self.random.random() < self.loss:
            return
        if self.random.random() < self.doubled:
            self.group.create_task(self._again(member, member.life, message, data))
        with suppress(UnavailableError):
            await self._deliver(member, message, data)

    async def _again(self, member: Member, life: int, message: Message, data: bytes) -> None:
        """The same message once more, late."""
        await asyncio.sleep(self.random.expovariate(5.0))
        if member.alive and member.life == life:
            with suppress(UnavailableError):
                await self._deliver(member, message, data)

    async def _deliver(self, member: Member, message: Message, data: bytes) -> FakeElements:
        # In a task of its own: it dies with its node, and the one who asks does not.
        factory = PickledFactory()
        life = member.life
        task = self.group.create_task(self._handle(member, message, factory.decode(data)))
        ends: list[asyncio.Future[Any]] = [task, member.death]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
        if not member.alive or member.life != life:
            raise UnavailableError(f"node {member.name} died")
        result = task.result()
        return factory.decode(result.encode()) if isinstance(result, PickledElements) else result

    async def _handle(
        self, member: Member, message: Message, elements: PickledElements
    ) -> FakeElements:
        try:
            answer = await member.group.handle(cast("Elements", elements), message)
            return cast("FakeElements", answer)
        except L8Error as error:
            return PickledFactory().error(error)
        except asyncio.CancelledError:
            return PickledFactory().error(UnavailableError("died"))

    async def settle(self, limit: float = 60.0) -> None:
        """Wait until all nodes are members of one group and have applied everything."""

        def settled() -> bool:
            alive = [m for m in self.members if m.alive]
            leaders = [m for m in alive if m.group.leading]
            if len(leaders) != 1:
                return False
            view = leaders[0].group.leader.view
            if view is None or set(view.members) != {m.group.desk.member.id for m in alive}:
                return False
            outcomes = {m.group.desk.member.outcome for m in alive}
            return len(outcomes) == 1 and all(
                m.group.desk.member.pending is None and m.group.desk.member.view == view
                for m in alive
            )

        await until(settled, "one group", limit)


@dataclass
class Operation:
    """What a client did and saw."""

    key: str
    write: bool
    value: object
    begin: float
    end: float
    status: str
    """ok, failed (certainly not done) or unknown."""


class Clients:
    """Clients that write and read at random, each one operation after the other."""

    def __init__(self, net: GroupNet, keys: str = "xyz") -> None:
        self.net = net
        self.keys = keys
        self.history: list[Operation] = []
        self.running = True
        self._count = 0

    async def run(self, pace: float = 0.02, limit: float = 4.0) -> None:
        """One client, until told to stop."""
        random, loop = self.net.random, asyncio.get_running_loop()
        while self.running:
            await asyncio.sleep(random.expovariate(1 / pace))
            alive = [member for member in self.net.members if member.alive]
            if not alive:
                continue
            member, key, begin = random.choice(alive), random.choice(self.keys), loop.time()
            write = random.random() < 0.6
            self._count += 1
            value: object = self._count if write else None
            status, life = "ok", member.life
            try:
                if write:
                    await member.call(Action.PUT, (key, value), limit=limit)
                else:
                    value = _seen(await member.call(Action.GET, key, limit=limit))
                if not member.alive or member.life != life:
                    status = "unknown"
            except OutcomeUnknownError:
                status = "unknown"
            except asyncio.CancelledError:
                if member.alive and member.life == life:
                    raise
                status = "unknown"
            except L8Error:
                status = "failed"
            if write or status == "ok":
                operation = Operation(key, write, value, begin, loop.time(), status)
                self.history.append(operation)


def _seen(answer: Elements) -> object:
    """The value that was read, ``None`` when there is none."""
    if not answer.error.startswith(f"{NotFoundError.code}: "):
        answer.raise_for_error()
    return answer.first


def problems(net: GroupNet, history: list[Operation]) -> list[str]:
    """What contradicts the promises: equal copies, nothing lost, nothing done that was refused.

    Values are unique, so each write tells by its value where it went. (Whether the whole history
    could have been one after the other is checked with the checker of the test framework, in the
    suite across packages.)
    """
    found = []
    alive = [member for member in net.members if member.alive]
    # What is on some members only may not differ among those.
    first = alive[0].handler.values if not net.count else _all_values(alive)
    found += [
        f"{member.name} has {member.handler.values}, {alive[0].name} has {first}"
        for member in alive
        if (
            not member.handler.values.items() <= first.items()
            if net.count
            else member.handler.values != first
        )
    ]
    for key in {operation.key for operation in history}:
        writes = [o for o in history if o.key == key and o.write]
        found += _of_one_key(key, writes, history, first.get(key))
    return found


def _all_values(members: Iterable[Member]) -> dict[str, object]:
    return {key: value for member in members for key, value in member.handler.values.items()}


def _of_one_key(
    key: str, writes: list[Operation], history: list[Operation], final: object
) -> list[str]:
    found = []
    by_value = {o.value: o for o in writes}
    acknowledged = [o for o in writes if o.status == "ok"]
    seen = [(o.value, o) for o in history if o.key == key and not o.write]
    for value, reader in [*seen, (final, None)]:
        read_at = reader.begin if reader is not None else float("inf")
        # A write that ended before the read began hides all that ended before it began.
        newest = max((o.begin for o in acknowledged if o.end < read_at), default=-1.0)
        origin = by_value.get(value)
        if value is None and newest >= 0:
            found.append(f"{key}: nothing was read though a write was acknowledged")
        elif origin is None and value is not None:
            found.append(f"{key}: {value} was read but never written")
        elif origin is not None and origin.status == "failed":
            found.append(f"{key}: {value} was read though its write was refused")
        elif origin is not None and origin.status == "ok" and origin.end < newest:
            found.append(f"{key}: {value} was read at {read_at}, though it was overwritten")
    return found


def group_of(member: Member) -> ReplicatedGroup:
    """The group of a node."""
    return cast("ReplicatedGroup", member.group)


def spread(net: GroupNet, count: int) -> list[str]:
    """What contradicts: one index, each key at so many members, its item there and nowhere else."""
    alive = [member for member in net.members if member.alive]
    indexes = [dict(group_of(m).items.index.places()) for m in alive]
    found = [f"{m.name} has another index" for m in alive if indexes[0] != indexes[alive.index(m)]]
    found += [
        f"{m.name} lacks {group_of(m).items.lacking}" for m in alive if group_of(m).items.lacking
    ]
    ids = {group_of(member).items.me: member for member in alive}
    for key, place in indexes[0].items():
        named = {ids[holder].name for holder in place.holders if holder in ids}
        having = {member.name for member in alive if key in member.handler.values}
        if named != having or len(named) != min(count, len(alive)):
            found.append(f"{key} is to be on {named}, is on {having}")
        if (
            len({repr(member.handler.values.get(key)) for member in alive if member.name in named})
            > 1
        ):
            found.append(f"{key} has several values")
    return found
