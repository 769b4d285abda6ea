# SPDX-License-Identifier: Apache-2.0
"""Measures the registered benchmarks, prints a table with ratios, and keeps it as JSON.

Every measurement has a process of its own. The rounds go in turns through all benchmarks, so
that a slow spell of the machine meets all of them; the median of the rounds counts.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.bench.registry import BENCHMARKS, Benchmark

Figures = dict[str, dict[str, list[float]]]
"""Per benchmark and figure the values of all rounds."""


def measure_here(name: str, seconds: float) -> None:
    """Run one benchmark in this process and print its figures as JSON."""
    benchmark = next(one for one in BENCHMARKS if one.name == name)
    obstacle = benchmark.obstacle()
    if obstacle:
        print(f"bench: {name} is left out: {obstacle}", file=sys.stderr)
    print(json.dumps({} if obstacle else benchmark.load()(seconds)))


def measure_apart(benchmark: Benchmark, seconds: float) -> dict[str, float]:
    """Run one benchmark in a process of its own.

    Raises:
        RuntimeError: it failed; what it said has been printed.
    """
    command = [
        sys.executable,
        "-m",
        "tools.bench",
        f"--one={benchmark.name}",
        f"--seconds={seconds}",
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the benchmark {benchmark.name!r} failed")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def chosen(texts: Sequence[str]) -> list[Benchmark]:
    """Return the benchmarks whose group or name contains one of the texts; all without texts."""
    if not texts:
        return list(BENCHMARKS)
    return [one for one in BENCHMARKS if any(text in f"{one.group}\n{one.name}" for text in texts)]


def measure_all(
    benchmarks: Sequence[Benchmark], rounds: int, seconds: float
) -> tuple[Figures, list[str]]:
    """Measure benchmarks in turns; the figures, and what failed.

    One that fails, as a peer may under load, lacks a round and costs no other its figures.
    """
    found: Figures = {benchmark.name: {} for benchmark in benchmarks}
    failed: list[str] = []
    for number in range(rounds):
        for benchmark in benchmarks:
            print(f"round {number + 1} of {rounds}: {benchmark.name}", file=sys.stderr, flush=True)
            try:
                figures = measure_apart(benchmark, seconds)
            except RuntimeError as error:
                failed.append(f"{error} in round {number + 1}")
                continue
            for figure, value in figures.items():
                found[benchmark.name].setdefault(figure, []).append(value)
    return found, failed


def limits(medians: Mapping[str, Mapping[str, float]], group: str) -> Mapping[str, float]:
    """Return the figures of a group's bare limit, none when it was not measured."""
    bare = (one.name for one in BENCHMARKS if one.group == group and one.limit)
    return next((medians[name] for name in bare if name in medians), {})


def table(medians: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return the lines of the table: each figure, and its share of the bare limit."""
    lines = []
    measured = [benchmark for benchmark in BENCHMARKS if benchmark.name in medians]
    for group in dict.fromkeys(benchmark.group for benchmark in measured):
        lines += ["", group, f"  {'':<20} {'figure':<20} {'median':>12} {'of the limit':>13}"]
        limit = limits(medians, group)
        for benchmark in (one for one in measured if one.group == group):
            for figure, value in medians[benchmark.name].items():
                share = f"{value / limit[figure]:.0%}" if limit.get(figure) else "-"
                lines.append(f"  {benchmark.name:<20} {figure:<20} {value:>12,.0f} {share:>13}")
    return lines


def report(found: Figures, medians: Mapping[str, Mapping[str, float]]) -> dict[str, object]:
    """Return what is kept as JSON: the machine, the medians and every single value."""
    machine = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
    }
    groups = {benchmark.name: benchmark.group for benchmark in BENCHMARKS}
    return {"machine": machine, "groups": groups, "medians": medians, "rounds": found}


def main() -> int:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5, help="measurements (default: 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="for a figure (default: 2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="TEXT",
        help="measure what has this in its name or group; may be given several times",
    )
    parser.add_argument("--one", metavar="NAME", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure_here(arguments.one, arguments.seconds)
        return 0
    benchmarks = chosen(arguments.only)
    if not benchmarks:
        parser.error(f"no benchmark has {' or '.join(arguments.only)} in its name or group")
    found, failed = measure_all(benchmarks, arguments.rounds, arguments.seconds)
    medians = {
        name: {figure: statistics.median(values) for figure, values in figures.items()}
        for name, figures in found.items()
    }
    print("\n".join(table(medians)))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report(found, medians), indent=2) + "\n", "utf-8")
    for failure in failed:
        print(f"bench: {failure}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
