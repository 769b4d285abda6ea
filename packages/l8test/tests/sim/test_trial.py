# SPDX-License-Identifier: Apache-2.0
"""Many seeds: what failed, with which faults, and how to see it again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from l8test.sim import find_trial, main, minimize, run_seed

from .trials import FRAGILE, GOOD

HERE = Path(__file__).parent


def test_a_good_seed() -> None:
    """A seed whose promises hold says how long it took."""
    outcome = run_seed(GOOD, 5)
    assert outcome.good
    assert outcome.simulated == 25
    assert outcome.steps > 100
    assert (outcome.timeline, outcome.schedule) == ("", "")
    assert run_seed(GOOD, 5).digest == outcome.digest


def test_a_failure_is_reduced() -> None:
    """Of ten faults the two remain that are needed together; their run breaks the same promise."""
    failed = run_seed(FRAGILE, 1)
    assert (failed.promise, len(failed.faults)) == ("clocks agree", 10)
    smallest = minimize(FRAGILE, failed)
    assert smallest.promise == "clocks agree"
    schedule = FRAGILE.schedule(1)
    assert [schedule.faults[number].hosts for number in smallest.faults] == [("b",), ("c",)]
    assert "clock ahead by 7 s" in smallest.timeline
    assert run_seed(FRAGILE, 1, smallest.faults).digest == smallest.digest


def test_trials_are_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial is named by module and attribute."""
    monkeypatch.syspath_prepend(str(HERE))
    assert repr(find_trial("trials:GOOD")) == repr(GOOD)
    with pytest.raises(ValueError, match="module:attribute"):
        find_trial("trials")
    with pytest.raises(ModuleNotFoundError):
        find_trial("nowhere:GOOD")


def command(*arguments: str, hash_seed: str = "random") -> tuple[int, str]:
    """Run the command in a process of its own."""
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(HERE)}
    done = subprocess.run(
        [sys.executable, "-m", "l8test.sim", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    return done.returncode, done.stdout


def test_the_command() -> None:
    """Good seeds end with 0 and a summary."""
    code, text = command("trials:GOOD", "--seeds", "10", "--processes", "2")
    assert code == 0
    assert text.startswith("10 seeds, 250 simulated s in ")
    assert text.rstrip().endswith("all promises held")


def test_the_command_shows_failures() -> None:
    """A failure is shown with its faults, its time-line and the line that repeats it."""
    code, text = command("trials:FRAGILE", "--seed", "3", hash_seed="1")
    assert code == 1
    assert "seed 3: clocks agree" in text
    repeat = next(line for line in text.splitlines() if line.startswith("repeat: "))
    assert repeat.startswith("repeat: python -m l8test.sim trials:FRAGILE --seed 3 --faults 5,8 ")
    code, again = command(*repeat.split()[4:], hash_seed="2")
    assert code == 1
    assert again.splitlines()[:-1] == text.splitlines()[:-1]


def test_no_trial(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a trial the command says how it is called."""
    with pytest.raises(SystemExit):
        main([])
    assert "required: trial" in capsys.readouterr().err
