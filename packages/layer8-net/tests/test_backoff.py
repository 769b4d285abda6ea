# SPDX-License-Identifier: Apache-2.0
"""Pauses between attempts."""

from __future__ import annotations

import pytest

from layer8_net._core.backoff import Backoff


@pytest.mark.feature("NIC-06")
def test_schedule() -> None:
    """Pauses double up to the cap, and start over after a success."""
    backoff = Backoff(0.1, 0.5)
    assert [backoff.next(1.0) for _ in range(5)] == [0.1, 0.2, 0.4, 0.5, 0.5]
    backoff.reset()
    assert backoff.next(1.0) == 0.1


def test_jitter() -> None:
    """A pause lies between half and all of the longest one."""
    assert Backoff(1.0).next(0.0) == 0.5
    assert Backoff(1.0).next(1.0) == 1.0
