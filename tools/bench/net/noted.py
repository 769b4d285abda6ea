# SPDX-License-Identifier: Apache-2.0
"""What was noted of the Go implementation, for orientation beside the network benchmarks.

Not measured here: medians of another day and machine (two cores, 2026), processes apart. Only
figures of one run on one machine compare.
"""

from tools.bench.net._load import figure


def measure(_seconds: float) -> dict[str, float]:
    """Return the replies per second."""
    return {
        figure(1, 100): 4_173,
        figure(64, 100): 18_800,
        figure(1, 1024): 4_050,
        figure(64, 1024): 12_916,
    }


def measure_one_way(_seconds: float) -> dict[str, float]:
    """Return the messages per second."""
    return {"one way, 100 B": 83_770}


def measure_multicast(_seconds: float) -> dict[str, float]:
    """Return the deliveries per second."""
    return {"to 10, 100 B": 227_220}
