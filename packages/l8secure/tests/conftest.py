# SPDX-License-Identifier: Apache-2.0
"""A provider on a temporary directory, a clock that stands still, cheap hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher

from l8secure import AccountStore, LocalSecurity

if TYPE_CHECKING:
    from pathlib import Path


class StillClock:
    """Time that moves only when a test says so."""

    def __init__(self) -> None:
        self.time = 1_000_000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


@pytest.fixture
def clock() -> StillClock:
    """A clock that stands still."""
    return StillClock()


@pytest.fixture
def security(tmp_path: Path, clock: StillClock) -> LocalSecurity:
    """A provider whose password hashes cost next to nothing."""
    provider = LocalSecurity(tmp_path / "security", clock)
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    provider.accounts = AccountStore(tmp_path / "security" / "users.json", hasher)
    return provider
