# SPDX-License-Identifier: Apache-2.0
"""Transactions and elections on simulated clusters of the real code, also when hosts crash."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args, get_type_hints

import pytest
from typing_extensions import override

from l8services._transactions.desk import MemberDesk
from l8services._transactions.effects import Send
from l8services._transactions.leader import Leader
from l8services._transactions.timing import Timing
from l8test.sim import Schedule, run_seed
from l8types.errors import OutcomeUnknownError, UnavailableError

from .ledger import Ledger, LedgerTrial, conclude, promise

if TYPE_CHECKING:
    from l8test.sim import Host, World

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = ROOT / "packages/l8services/src/l8services/_transactions"
SEEDS: Final = 24
NODES: Final = 4
COMPACTING: Final = Timing(compact_bytes=3000)
"""Journals are written anew all the time."""

STEPS: Final = (
    ("campaign", "founder"),
    ("campaign", "successor"),
    ("send.promise", "founder"),
    ("send.promise", "successor"),
    ("send.accept", "founder"),
    ("send.accept", "leader"),
    ("send.accept", "successor"),
    ("send.order", "founder"),
    ("send.order", "leader"),
    ("send.order", "successor"),
    ("prepare.begin", "leader"),
    ("prepare.begin", "member"),
    ("prepare.staged", "leader"),
    ("prepare.staged", "member"),
    ("prepare.kept", "leader"),
    ("prepare.kept", "member"),
    ("before.commit", "leader"),
    ("after.commit", "leader"),
    ("journal.compact", "leader"),
    ("journal.compact", "member"),
)
"""Each named step of the code, and who dies there: whoever founds the group, the leader in office,
a member, or who takes over from a leader that was killed."""


@pytest.mark.feature("l8services:ELE-01", "ELE-13", "TRX-06")
def test_promises_hold_for_many_seeds() -> None:
    """Whatever fails: one leader, equal copies, no acknowledged write lost, none of them halved."""
    trial = "simulation.ledger:TRIAL"
    done = subprocess.run(
        [sys.executable, "-m", "tools.simulate", trial, "--seeds", str(SEEDS), "--processes", "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{SEEDS} seeds" in done.stdout


@dataclass(frozen=True)
class Crash(LedgerTrial):
    """A node dies at a named step, and comes back."""

    timing: Timing = COMPACTING
    step: str = ""
    role: str = ""

    @override
    def shape(self, seed: int) -> tuple[int, int]:
        """One switch."""
        return 1, NODES

    @override
    def schedule(self, seed: int) -> Schedule:
        """Nothing else goes wrong."""
        return Schedule(())

    @override
    async def act(self, world: World, ledger: Ledger, schedule: Schedule) -> None:
        """Have somebody crash while all work, and see that nothing came of it."""
        if self.role == "founder":
            self._order(world, [host.name for host in ledger.node_hosts()])
        ledger.start()
        promise(world, ledger)
        if self.role != "founder":
            await self._settle(world, ledger)
            await world.sleep(3)
            self._disturb(world, ledger)
        await self._suffer(world, ledger)
        ledger.working = False
        await world.sleep(10)
        await self._settle(world, ledger, within=0)
        await conclude(world, ledger)

    def _disturb(self, world: World, ledger: Ledger) -> None:
        (leader,) = ledger.leading()
        others = [host.name for host in ledger.node_hosts() if host.name != leader]
        if self.role == "leader":
            self._order(world, [leader])
            if self.step == "send.accept":
                # Views change when somebody is missing.
                world.host(others[0]).kill()
            return
        self._order(world, others)
        if self.role == "successor":
            world.host(leader).kill()

    def _order(self, world: World, hosts: list[str]) -> None:
        for host in hosts:
            world.crash_at(self.step, host)

    async def _suffer(self, world: World, ledger: Ledger) -> None:
        """Start whoever is dead again; in the end nobody dies any more."""
        for _ in range(10):
            await world.sleep(2)
            for host in ledger.node_hosts():
                if not host.alive:
                    host.restart()
        note = f"reached the step {self.step}"
        if not any(entry.event == note for entry in world.timeline.entries):
            world.fail("the step is taken", self.step)
        world.crash_points.cancel()
        await world.sleep(2)
        for host in ledger.node_hosts():
            if not host.alive:
                host.restart()


@pytest.mark.feature("TRX-06", "TRX-07")
@pytest.mark.parametrize(("step", "role"), STEPS)
def test_a_crash_at_any_step_does_no_harm(step: str, role: str) -> None:
    """Whoever dies, wherever in its code: all that was acknowledged is there, nothing is halved."""
    outcome = run_seed(Crash(step=step, role=role), 7)
    assert outcome.good, outcome.detail + outcome.timeline


def test_no_step_is_left_out() -> None:
    """All steps that the code names are those at which the tests let it crash."""
    named: set[str] = set()
    for file in SOURCE.glob("*.py"):
        named.update(re.findall(r'_step\("([^"]+)"\)', file.read_text()))
    messages = get_args(get_type_hints(Send)["message"])
    sent = {f"send.{message.__name__.lower()}" for message in messages}
    assert {step for step, _ in STEPS} == named | sent


@dataclass(frozen=True)
class Split(LedgerTrial):
    """A network falls apart into two halves, each with a switch, and is whole again."""

    @override
    def shape(self, seed: int) -> tuple[int, int]:
        """Two switches and five nodes."""
        return 2, 5

    @override
    def schedule(self, seed: int) -> Schedule:
        """Nothing else goes wrong."""
        return Schedule(())

    @override
    async def act(self, world: World, ledger: Ledger, schedule: Schedule) -> None:
        """Elections on both sides; only one of them can write."""
        ledger.start()
        promise(world, ledger)
        await self._settle(world, ledger)
        sides: list[list[Host]] = [[], []]
        for number, host in enumerate(ledger.node_hosts(), 1):
            sides[number % 2].append(host)
        names = [
            [switch.name, *(host.name for host in side)]
            for switch, side in zip(ledger.switch_hosts(), sides, strict=True)
        ]
        cut = world.partition(*names)
        await world.sleep(10)
        for side in sides:
            (leader,) = ledger.leaders(side)
            if leader not in {host.disk["member"].uuid for host in side}:
                world.fail("each side has a leader of its own", leader)
        able = [await self._can_write(ledger, side[0]) for side in sides]
        if able != [False, True]:
            world.fail("the greater side can write, and only that one", str(able))
        world.heal(cut)
        ledger.working = False
        await world.sleep(15)
        await self._settle(world, ledger, within=0)
        await conclude(world, ledger)

    @staticmethod
    async def _can_write(ledger: Ledger, host: Host) -> bool:
        try:
            await host.call(lambda: ledger.write(host.disk["member"], 0))
        except (UnavailableError, OutcomeUnknownError):
            return False
        return True


@pytest.mark.feature("l8services:ELE-01", "ELE-05")
@pytest.mark.parametrize("seed", range(5))
def test_each_part_of_a_network_has_one_leader(seed: int) -> None:
    """Ten seconds after a network fell apart each part agrees on a leader; one part can write."""
    outcome = run_seed(Split(), seed)
    assert outcome.good, outcome.detail + outcome.timeline


@dataclass(frozen=True)
class Blind(Split):
    """The nodes of a new service start in two parts that do not see each other."""

    expected: int = 5

    @override
    async def act(self, world: World, ledger: Ledger, schedule: Schedule) -> None:
        """Work in two parts, then meet."""
        ledger.options["expected"] = self.expected
        names = [["switch-1", "node-2", "node-4"], ["switch-2", "node-1", "node-3", "node-5"]]
        cut = world.partition(*names)
        ledger.start()
        promise(world, ledger)
        await world.sleep(8)
        able = [await self._can_write(ledger, world.host(name)) for name in ("node-2", "node-1")]
        world.timeline.note(f"able to write: {able}")
        world.heal(cut)
        ledger.working = False
        await world.sleep(15)
        await self._settle(world, ledger, within=0)
        await conclude(world, ledger)
        if able != [False, True]:
            world.fail("only the greater part begins", str(able))


def test_nodes_that_do_not_see_each_other_begin_one_service() -> None:
    """More than half of the expected nodes begin it; the others join, and nothing is lost."""
    for seed in range(5):
        outcome = run_seed(Blind(), seed)
        assert outcome.good, outcome.detail + outcome.timeline


def test_nodes_that_expect_nobody_tell_what_is_lost() -> None:
    """Two services that began blindly are one in the end; what one of them wrote is in the log."""
    outcome = run_seed(Blind(expected=1), 0)
    assert "written here only, and dropped" in outcome.detail


def broken(monkeypatch: pytest.MonkeyPatch, target: type, name: str, wrong: object) -> str:
    """What a seed with faults finds wrong with code that was changed for the worse."""
    monkeypatch.setattr(target, name, wrong)
    seen = [run_seed(LedgerTrial(switches=1, nodes=5), seed).promise for seed in range(6)]
    return " ".join(seen)


def test_lost_writes_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members that forget what they prepared lose writes when a leader dies."""
    assert broken(monkeypatch, MemberDesk, "_apply", lambda *_: None).strip()


def test_reads_without_a_lease_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader that reads although others may lead by now shows what is out of date."""
    seen = broken(monkeypatch, Leader, "_leased", lambda *_: True)
    assert "the history is linearizable" in seen
