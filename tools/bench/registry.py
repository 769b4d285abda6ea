# SPDX-License-Identifier: Apache-2.0
"""The list of benchmarks, and the seam where a new one is added.

A benchmark is a module with a function

    def measure(seconds: float) -> dict[str, float]: ...

that measures for about that long per figure and returns each figure's name with its value; more
is better. It runs in a fresh process, several times, in turns with the others. To add one, write
the module and put a line into `BENCHMARKS`. Figures of equal names in one group are compared: the
benchmark with `limit=True` is what the machine could do at best, the others are shown with their
share of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Final, cast

Measure = Callable[[float], dict[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One thing that is measured."""

    name: str
    """What stands in the table."""
    group: str
    """What is measured; figures are compared within a group."""
    module: str
    """Where `measure` is; imported only in the process that measures."""
    limit: bool = False
    """Whether this is the bare limit that the others of the group are compared with."""

    def load(self) -> Measure:
        """Return the function that measures."""
        return cast("Measure", import_module(self.module).measure)


BENCHMARKS: Final = (
    Benchmark(
        name="bare relay",
        group="request/reply through one hop, 100 bytes, per second",
        module="tools.bench.relay",
        limit=True,
    ),
    Benchmark(
        name="our switch",
        group="request/reply through one hop, 100 bytes, per second",
        module="tools.bench.switch",
    ),
    Benchmark(
        name="dict and sorted",
        group="cache of 100 000 items, operations per second",
        module="tools.bench.cache_by_hand",
        limit=True,
    ),
    Benchmark(
        name="our cache",
        group="cache of 100 000 items, operations per second",
        module="tools.bench.cache",
    ),
    Benchmark(
        name="Go, noted elsewhere",
        group="cache of 100 000 items, operations per second",
        module="tools.bench.cache_noted",
    ),
)
