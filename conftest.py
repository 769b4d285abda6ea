# SPDX-License-Identifier: Apache-2.0
"""Guards the arrangement of the test folders, whose violation gives puzzling errors, and time.

What the arrangement is and why, is told in docs/contributing.md.
"""

import signal
from collections.abc import Generator
from pathlib import Path
from typing import Protocol

import pytest

PACKAGES = Path(__file__).parent / "packages"
AGAIN = 10.0
"""Seconds between the alarms that end a test whose time is over; after one that was heard the test
is cleaned up and reported, which is to be done before the next."""


class TimeLimit(Protocol):
    """What the plugin of the time limits tells of the one of a test."""

    method: str
    timeout: float


def pytest_collect_directory(path: Path) -> None:
    """Refuse a test folder that is a package: its modules would collide with those of others."""
    if path.name == "tests" and path.parent.parent == PACKAGES and (path / "__init__.py").exists():
        reason = "test folders are no packages, see docs/contributing.md"
        raise pytest.UsageError(f"remove {path / '__init__.py'}: {reason}")


@pytest.hookimpl(wrapper=True)
def pytest_timeout_set_timer(settings: TimeLimit) -> Generator[None, object, object]:
    """Have the alarm of a test repeated until it is heard.

    It raises wherever the program is just then. In an event loop that never rests that is within
    some task, which takes the exception for its own end; the test would then hang for ever.
    """
    done = yield
    if settings.method == "signal":
        signal.setitimer(signal.ITIMER_REAL, settings.timeout, AGAIN)
    return done
