# SPDX-License-Identifier: Apache-2.0
"""A transactional service on simulated nodes: nothing acknowledged is lost, nothing is halved."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, cast

from typing_extensions import override

from l8services import BaseService
from l8services._transactions.timing import Timing
from l8test.linearizability import Operation, check_linearizable
from l8types.enums import Action, DecoratorType
from l8types.errors import L8Error, OverloadedError, UnavailableError
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

from .cluster import CONVERGENCE, Network, NetworkTrial
from .memories import HOST, simulated_journals

if TYPE_CHECKING:
    from l8services._transactions.group import TransactionGroup
    from l8test.sim import Host, Schedule, World
    from l8types.protocols.net import VNic

LEDGER: Final = ServiceKey("Ledger")
KEYS: Final = 3
SIDES: Final = ("left", "right")
"""Two items of a key, which are always written together."""
PACE: Final = 1.5
"""Mean of the seconds between two calls of a node."""


DEFAULTS: Final = Timing()


@dataclass
class Entry:
    """One side of a key."""

    id: str
    value: int = 0


@dataclass
class Ledger(Network):
    """Nodes that all offer the service and all use it; keeps the history of their calls."""

    service: ServiceKey = LEDGER
    working: bool = True
    history: list[Operation] = field(default_factory=list)
    written: int = 0
    acknowledged: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    """Of the agreement."""

    @override
    async def serve(self, host: Host, vnic: VNic) -> None:
        """Offer the service, write and read now and then."""
        resources = vnic.resources
        resources.register(Entry)
        resources.introspector.decorate(Entry, DecoratorType.PRIMARY, "id")
        agreement = ServiceLevelAgreement(
            name=LEDGER.name,
            handler=BaseService,
            model=Entry,
            primary_keys=("id",),
            transactional=True,
            **self.options,
        )
        HOST.set(host)
        await resources.services.activate(agreement, vnic)
        try:
            while True:
                await asyncio.sleep(random.uniform(0.2, 1.8) * PACE)
                if self.working:
                    await self.work(vnic)
        finally:
            await resources.services.aclose()

    async def work(self, vnic: VNic) -> None:
        """Write or read, as a client of this node."""
        try:
            if random.random() < 0.5:
                await self.write(vnic, random.randrange(KEYS))
            else:
                await self.read(vnic)
        except L8Error as error:
            if self.quiet:
                self.observer.problems.append(f"a call failed in quiet times: {error.message}")

    async def write(self, vnic: VNic, key: int) -> None:
        """Give both sides of a key a value that nobody else writes."""
        self.written += 1
        value, begin = self.written, self.world.now
        place = len(self.history)
        # Whoever is killed meanwhile leaves a write with an unknown outcome.
        self.history.append(Operation(str(key), value, begin))
        items = [Entry(f"{key}-{side}", value) for side in SIDES]
        elements = vnic.resources.elements.of(*items)
        try:
            await vnic.resources.services.call(LEDGER, Action.PUT, elements, vnic)
        except (UnavailableError, OverloadedError):
            # Certainly not done: nobody may ever see the value, so it is in no history.
            self.history[place] = Operation("refused", value, begin)
            raise
        self.acknowledged += 1
        self.history[place] = Operation(str(key), value, begin, self.world.now)

    async def read(self, vnic: VNic) -> None:
        """Read everything at once, and see whether anything is halved."""
        resources, begin = vnic.resources, self.world.now
        query = resources.elements.query("select * from Entry sort-by id")
        answer = await resources.services.call(LEDGER, Action.GET, query, vnic)
        found = {cast("Entry", item).id: cast("Entry", item).value for item in answer.values}
        for key in range(KEYS):
            left, right = (found.get(f"{key}-{side}") for side in SIDES)
            if left != right:
                self.observer.problems.append(f"key {key} is halved: {left} and {right}")
            self.history.append(Operation(str(key), left, begin, self.world.now, write=False))

    # What is to be seen from outside

    def groups(self) -> dict[str, TransactionGroup]:
        """The group as each living node has it."""
        return {host.name: host.disk["group"] for host in self.node_hosts() if host.alive}

    def leaders(self, hosts: list[Host]) -> set[str]:
        """Whom these hosts take for the leader."""
        return {host.disk["member"].resources.services.leader(LEDGER) for host in hosts}

    def leading(self) -> list[str]:
        """Names of the hosts that order writes."""
        return [name for name, group in self.groups().items() if group.leading]

    @override
    def disagreement(self) -> str:
        """How a node differs from the others, "" when all agree on the leader and on the items."""
        found = super().disagreement()
        if found:
            return found
        leaders = self.leaders(self.node_hosts())
        if len(leaders) != 1 or not leaders <= set(self.members()):
            return f"taken for leaders: {sorted(leaders)}"
        if len(self.leading()) != 1:
            return f"leading: {self.leading()}"
        away = [name for name, group in self.groups().items() if not group.current]
        return f"not members: {away}" if away else ""

    def differences(self) -> str:
        """Where items of nodes are not the same, "" for nowhere."""
        copies = {name: dict(group.desk.items.encoded()) for name, group in self.groups().items()}
        first, expected = next(iter(copies.items()))
        return "; ".join(
            f"{name} differs from {first}" for name, items in copies.items() if items != expected
        )


@dataclass(frozen=True)
class LedgerTrial(NetworkTrial):
    """Faults while all nodes write and read; afterwards the whole history has an explanation."""

    timing: Timing = DEFAULTS

    @override
    async def play(self, world: World, schedule: Schedule) -> None:
        """Come up, work under faults, stop, converge, compare, check the history."""
        with simulated_journals(self.timing), TemporaryDirectory() as directory:
            ledger = Ledger(world, *self.shape(world.seed), directory=Path(directory))
            await self.act(world, ledger, schedule)

    @override
    def shape(self, seed: int) -> tuple[int, int]:
        """Number of switches and of nodes of a seed: three nodes at least."""
        source = random.Random(f"{seed}/shape")
        return source.randint(1, self.switches), source.randint(3, self.nodes)

    async def act(self, world: World, ledger: Ledger, schedule: Schedule) -> None:
        """What happens to the ledger."""
        ledger.start()
        await self._settle(world, ledger)
        promise(world, ledger)
        world.apply(schedule)
        await world.sleep(self.faults_for)
        ledger.working = False
        world.timeline.note(f"the last fault is over, {ledger.acknowledged} acknowledged writes")
        await world.sleep(CONVERGENCE)
        await self._settle(world, ledger, within=0)
        await conclude(world, ledger)


@dataclass(frozen=True)
class FoundingTrial(LedgerTrial):
    """Faults from the very start: nodes of a new service may not see each other for long."""

    @override
    async def act(self, world: World, ledger: Ledger, schedule: Schedule) -> None:
        """Begin in the middle of trouble."""
        ledger.options["expected"] = ledger.nodes
        ledger.start()
        promise(world, ledger)
        world.apply(schedule)
        await world.sleep(self.faults_for)
        ledger.working = False
        world.timeline.note(f"the last fault is over, {ledger.acknowledged} acknowledged writes")
        await world.sleep(CONVERGENCE)
        await self._settle(world, ledger, within=0)
        await conclude(world, ledger)


def promise(world: World, ledger: Ledger) -> None:
    """Have checked all the time what may be seen at any time."""
    world.invariant("no error is logged", ledger.logged_error, every=5.0)
    world.invariant("nothing is halved", lambda: "; ".join(ledger.observer.problems))


async def conclude(world: World, ledger: Ledger) -> None:
    """Nothing is wrong any more: calls succeed, copies are equal, the history has an order."""
    ledger.quiet = True
    for host in ledger.node_hosts():
        vnic = host.disk["member"]
        for key in range(KEYS):
            await host.call(lambda vnic=vnic, key=key: ledger.write(vnic, key))  # type: ignore[misc]
        await host.call(lambda vnic=vnic: ledger.read(vnic))  # type: ignore[misc]
    # The last outcome travels with the next order, or a moment later without one.
    try:
        await world.until(lambda: not ledger.differences(), 2.0)
    except TimeoutError:
        world.fail("all copies are equal", ledger.differences())
    wrong = check_linearizable(one for one in ledger.history if one.key != "refused")
    if wrong:
        world.fail("the history is linearizable", wrong)
    world.timeline.note(f"{ledger.acknowledged} of {ledger.written} writes were acknowledged")


TRIAL: Final = LedgerTrial(switches=2, nodes=9)
FOUNDING: Final = FoundingTrial(switches=2, nodes=7)
