# SPDX-License-Identifier: Apache-2.0
"""The event loop of a process, and the garbage collector beside it."""

import gc
from collections.abc import Iterator

import pytest

from layer8 import run
from layer8._loop import GARBAGE

Thresholds = tuple[int, int, int]


@pytest.fixture
def thresholds() -> Iterator[Thresholds]:
    """The thresholds of the collector, which are these again after the test."""
    before = gc.get_threshold()
    yield before
    gc.set_threshold(*before)


async def seen() -> Thresholds:
    """The thresholds while a node runs."""
    return gc.get_threshold()


def test_collector_is_patient_as_long_as_nodes_run(thresholds: Thresholds) -> None:
    """It looks for cycles less often, and as often as before when the nodes have ended."""
    gc.set_threshold(700, 11, 12)
    assert run(seen()) == (GARBAGE, 11, 12)
    assert gc.get_threshold() == (700, 11, 12)


@pytest.mark.parametrize("chosen", [(0, 10, 10), (GARBAGE + 1, 5, 5)])
def test_what_somebody_chose_is_kept(thresholds: Thresholds, chosen: Thresholds) -> None:
    """A collector that is switched off stays so, and one that is more patient too."""
    gc.set_threshold(*chosen)
    assert run(seen()) == chosen


def test_collector_is_as_before_after_a_failure(thresholds: Thresholds) -> None:
    """An error of what was run changes nothing."""

    async def fails() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run(fails())
    assert gc.get_threshold() == thresholds
