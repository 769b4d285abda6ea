# SPDX-License-Identifier: Apache-2.0
"""Copies of a replicated service agree in the end, on simulated clusters of the real code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from l8services import BaseService
from l8test.sim import run_seed

from .replicas import REPLICAS

if TYPE_CHECKING:
    import pytest

    from l8types.protocols.data import Elements
    from l8types.protocols.services import Call

ROOT = Path(__file__).parents[2]
SEEDS = 12


def test_copies_become_equal() -> None:
    """After any faults, 15 s later, all nodes keep the same items, with any of the seeds."""
    trial = "simulation.replicas:REPLICAS"
    done = subprocess.run(
        [sys.executable, "-m", "tools.simulate", trial, "--seeds", str(SEEDS), "--processes", "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{SEEDS} seeds" in done.stdout


def test_replicas_that_do_not_listen_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instances that ignore each other's changes do not agree."""

    async def ignore(self: BaseService, elements: Elements, call: Call) -> None:
        """Take no notice."""

    monkeypatch.setattr(BaseService, "notify", ignore)
    outcome = run_seed(REPLICAS, 1, [])
    assert outcome.promise == "all copies are equal"
