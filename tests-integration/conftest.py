# SPDX-License-Identifier: Apache-2.0
"""What the cross-package tests have in common: they start real processes, so they get more time."""

import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LIMIT = 180.0
"""Seconds for a test that brings up whole networks; the 60 of the unit tests are too few."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test in this folder the longer limit, unless it has one of its own."""
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LIMIT))


@pytest.fixture(autouse=True)
def without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the settings of the person who runs the tests."""
    for name in [name for name in os.environ if name.startswith("LAYER8_")]:
        if name != "LAYER8_SHARED_DATA":
            monkeypatch.delenv(name)
