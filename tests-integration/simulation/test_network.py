# SPDX-License-Identifier: Apache-2.0
"""The promises of the network, on whole simulated clusters of the real code."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from l8test.sim import Fault, FaultKind, Schedule, run_seed
from layer8_net._core import switch as switch_core
from layer8_net._link import Link

from .cluster import GO, NETWORK, NetworkTrial

if TYPE_CHECKING:
    from l8test.sim import Outcome

ROOT = Path(__file__).parents[2]
SEEDS = 80
HANDSHAKE = 5
"""More frames than either side of a handshake sends."""


@dataclass(frozen=True)
class Told(NetworkTrial):
    """A small network in which nothing goes wrong but what is told."""

    faults: tuple[Fault, ...] = ()

    @override
    def shape(self, seed: int) -> tuple[int, int]:
        """Two switches and four nodes."""
        return 2, 4

    @override
    def schedule(self, seed: int) -> Schedule:
        """The faults that were told."""
        return Schedule(self.faults)


@pytest.mark.feature("NET-10", "NET-18", "NET-20", "NET-22", "NIC-06")
def test_promises_hold_for_many_seeds() -> None:
    """Kills, pauses, cuts, losses and wrong clocks break no promise, with any of the seeds."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.simulate", "--seeds", str(SEEDS), "--processes", "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{SEEDS} seeds" in done.stdout


@pytest.mark.feature("NET-10", "NET-18", "NET-20", "NET-22", "NIC-06")
@pytest.mark.parametrize("seed", range(6))
def test_promises_hold_in_the_go_profile(seed: int) -> None:
    """They are the same for nodes that speak as those of Go."""
    outcome = run_seed(GO, seed)
    assert outcome.good, outcome.detail + outcome.timeline


def test_real_code_is_repeatable() -> None:
    """The same seed gives the same time-line, also in a process with other hashes."""
    first = run_seed(NETWORK, 3)
    assert first.good, first.detail
    assert run_seed(NETWORK, 3).digest == first.digest
    assert run_seed(NETWORK, 4).digest != first.digest
    code = (
        "from l8test.sim import find_trial, run_seed;"
        "print(run_seed(find_trial('simulation.cluster:NETWORK'), 3).digest)"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONPATH": str(ROOT / "tests-integration"), "PYTHONHASHSEED": one},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for one in "55"
    }
    assert len(digests) == 1


def broken(outcome: Outcome) -> str:
    """The broken promise, with what was seen of it."""
    assert not outcome.good
    return outcome.detail


def test_doubled_frames_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that delivers a frame twice breaks at-most-once."""
    send = Link.send

    def doubling(self: Link, frames: list[bytes]) -> None:
        send(self, [*frames, frames[-1]] if self.tx_frames > HANDSHAKE else frames)

    monkeypatch.setattr(Link, "send", doubling)
    assert "was handled twice" in broken(run_seed(Told(), 1))


def test_lost_frames_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that loses a frame now and then fails when nothing is wrong."""
    send = Link.send

    def lossy(self: Link, frames: list[bytes]) -> None:
        if self.tx_frames <= HANDSHAKE or self.tx_frames % 20:
            send(self, frames)
        else:
            self.tx_frames += 1

    monkeypatch.setattr(Link, "send", lossy)
    # Which frames are lost is chance: a seed may see one of the two only.
    seen = "\n".join(broken(run_seed(Told(), seed)) for seed in (1, 2, 3))
    assert "ended with RequestTimeoutError" in seen
    assert "did not reach" in seen


def test_zombies_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A switch that never gives up a silent node does not converge."""
    faults = (
        Fault(5.0, FaultKind.HALF_OPEN, ("node-2",)),
        Fault(6.0, FaultKind.KILL, ("node-2",), 5.0),
    )
    assert run_seed(Told(faults=faults), 1).good
    monkeypatch.setattr(switch_core, "MISSED_DOWN", 1000)
    seen = broken(run_seed(Told(faults=faults), 1))
    assert "the network converges" in seen
    assert seen.count("node-2") == 2
