# SPDX-License-Identifier: Apache-2.0
"""The command that runs a trial: ``python -m l8test.sim module:trial --seeds 100``."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from l8test.sim._campaign import run_seeds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from l8test.sim._trial import Outcome

__all__ = ["main"]


def main(
    arguments: Sequence[str] | None = None,
    *,
    command: str = "python -m l8test.sim",
    trial: str = "",
) -> int:
    """Run seeds of a trial and print what failed.

    Args:
        arguments: Of the command line.
        command: How the command is called, for the line that repeats a failure.
        trial: The trial when none is named.

    Returns:
        0 when all promises held, else 1.
    """
    options = _parser(command, trial).parse_args(arguments)
    seeds = range(options.first, options.first + options.seeds)
    if options.seed is not None:
        seeds = range(options.seed, options.seed + 1)
    named = "" if options.trial == trial else f" {options.trial}"
    started = time.perf_counter()
    outcomes = []
    for outcome in run_seeds(
        options.trial,
        seeds,
        processes=options.processes,
        faults=options.faults,
        shrink=not options.no_shrink,
    ):
        outcomes.append(outcome)
        if not outcome.good:
            _write(_failure(outcome, f"{command}{named}"))
    _write(_summary(outcomes, time.perf_counter() - started))
    return 0 if all(outcome.good for outcome in outcomes) else 1


def _parser(command: str, trial: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=command, description=(main.__doc__ or "").split("\n")[0])
    optional = {"nargs": "?", "default": trial} if trial else {}
    parser.add_argument("trial", help="module:attribute", **optional)  # type: ignore[arg-type]
    parser.add_argument("--seeds", type=int, default=20, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="this one alone")
    parser.add_argument("--faults", type=_numbers, help="numbers of the only faults, e.g. 0,3")
    parser.add_argument("--processes", type=int, default=0, help="0 for one per processor")
    parser.add_argument("--no-shrink", action="store_true", help="show failures as they came")
    return parser


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part.strip()]


def _failure(outcome: Outcome, command: str) -> str:
    faults = ",".join(map(str, outcome.faults)) or ","
    return (
        f"seed {outcome.seed}: {outcome.detail}\n"
        f"faults that are needed:\n{outcome.schedule}\n"
        f"time-line:\n{outcome.timeline}\n"
        f"repeat: {command} --seed {outcome.seed} --faults {faults} --no-shrink\n"
    )


def _summary(outcomes: Sequence[Outcome], wall: float) -> str:
    bad = [outcome.seed for outcome in outcomes if not outcome.good]
    cpu = sum(outcome.cpu for outcome in outcomes)
    simulated = sum(outcome.simulated for outcome in outcomes)
    steps = sum(outcome.steps for outcome in outcomes)
    failed = f"failed: {', '.join(map(str, bad))}" if bad else "all promises held"
    return (
        f"{len(outcomes)} seeds, {simulated:.0f} simulated s in {wall:.1f} s "
        f"({cpu / max(1, len(outcomes)):.3f} CPU-s and {steps // max(1, len(outcomes))} steps each)"
        f"; {failed}"
    )


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
