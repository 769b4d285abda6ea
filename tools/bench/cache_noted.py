# SPDX-License-Identifier: Apache-2.0
"""What was noted of the Go implementation, for orientation beside the cache benchmark.

Not measured here: medians of another day and machine (two cores, 2026), with 100 000 messages of
five attributes and the query of the benchmark. Only figures of one run on one machine compare.
"""

from typing import Final

NOTED: Final = {
    "protobuf get": 2_342,
    "protobuf first page": 247_675_427,
    "protobuf same page": 38_418,
    "protobuf after a change": 244_950_115,
}
"""Nanoseconds of one operation."""


def measure(_seconds: float) -> dict[str, float]:
    """Return what was noted, as operations per second."""
    return {name: 1e9 / nanoseconds for name, nanoseconds in NOTED.items()}
