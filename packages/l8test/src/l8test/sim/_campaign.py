# SPDX-License-Identifier: Apache-2.0
"""Many seeds of a trial, on several processors."""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

from l8test.sim._trial import Outcome, Trial, minimize, run_seed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["find_trial", "run_seeds"]

_CHUNK: Final = 8
"""Seeds that a process gets at a time; also the worlds after which it collects its garbage."""
_HASH_SEED: Final = "PYTHONHASHSEED"


def find_trial(reference: str) -> Trial:
    """Import a trial.

    Args:
        reference: "module:attribute".

    Raises:
        ValueError: Not of this form.
        ImportError: There is no such module.
        AttributeError: The module has no such attribute.
    """
    module, separator, attribute = reference.partition(":")
    if not separator:
        raise ValueError(f"trial {reference!r} is not of the form module:attribute")
    return cast("Trial", getattr(importlib.import_module(module), attribute))


def run_seeds(
    reference: str,
    seeds: Sequence[int],
    *,
    processes: int = 0,
    faults: Sequence[int] | None = None,
    shrink: bool = True,
) -> Iterator[Outcome]:
    """Run seeds in processes of their own; yields outcomes in the order of the seeds.

    The processes have a fixed hash seed, so that a seed gives the same run each time.

    Args:
        reference: Trial as "module:attribute".
        seeds: Which.
        processes: How many at a time, 0 for one per processor.
        faults: Numbers of the only faults that are to happen.
        shrink: Reduce the schedules of failures to what is needed.
    """
    chunks = [seeds[start : start + _CHUNK] for start in range(0, len(seeds), _CHUNK)]
    workers = min(processes or os.cpu_count() or 1, len(chunks)) or 1
    context = multiprocessing.get_context("spawn")
    with _fixed_hashes(), ProcessPoolExecutor(workers, mp_context=context) as pool:
        running = [pool.submit(_run_chunk, reference, chunk, faults, shrink) for chunk in chunks]
        try:
            for future in running:
                yield from future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _run_chunk(
    reference: str, seeds: Sequence[int], faults: Sequence[int] | None, shrink: bool
) -> list[Outcome]:
    trial = find_trial(reference)
    outcomes = []
    for seed in seeds:
        outcome = run_seed(trial, seed, faults)
        if not outcome.good and shrink:
            outcome = minimize(trial, outcome)
        outcomes.append(outcome)
    gc.collect()
    # What is left now was imported or is cached; looking through it again is of no use.
    gc.freeze()
    return outcomes


@contextmanager
def _fixed_hashes() -> Iterator[None]:
    before = os.environ.get(_HASH_SEED)
    os.environ[_HASH_SEED] = "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_HASH_SEED]
        else:
            os.environ[_HASH_SEED] = before
