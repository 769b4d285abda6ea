# SPDX-License-Identifier: Apache-2.0
"""The operations of the cache benchmark with a dictionary and `sorted`, written by hand."""

from tools.bench.cache import SAMPLES, PlainDict, figures_of


def measure(seconds: float) -> dict[str, float]:
    """Return operations per second of the dictionary."""
    return {
        name: value
        for sample in SAMPLES
        for name, value in figures_of(PlainDict(sample), sample, seconds)
    }
