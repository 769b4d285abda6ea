# SPDX-License-Identifier: Apache-2.0
"""The pytest plugin, in a test run of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = "pytester"

PARTS = """
from types import SimpleNamespace

class Parts:
    def __init__(self, settings, **parts):
        self.settings, self.parts = settings, parts
        self.introspector = SimpleNamespace(decorate=lambda *_: None)

    def register(self, *models):
        self.models = models
"""

TESTS = """
import parts
from l8test import FakeClock
from l8test.network import Network
from l8test.services import CountingService

def test_resources(l8_resources, l8_clock, tmp_path):
    made = l8_resources(clock=l8_clock, settings={"alias": "mine"})
    assert isinstance(made, parts.Parts)
    assert made.settings.alias == "mine"
    assert made.settings.data_directory == tmp_path
    assert isinstance(l8_clock, FakeClock)
    assert made.parts == {"clock": l8_clock}

def test_network(l8_network):
    first, second = l8_network(nodes=2), l8_network(resources="parts:None")
    assert isinstance(first, Network)
    assert first.shape == (1, 2)
    assert first._maker == "parts:Parts"
    assert second._maker == "parts:None"
    assert first._directory != second._directory

def test_counting(l8_counting):
    agreement = l8_counting(name="Mine")
    assert agreement.name == "Mine"
    assert isinstance(agreement.handler(), CountingService)
"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with parts of its own and the tests that use them."""
    pytester.makepyfile(parts=PARTS, test_it=TESTS)
    return pytester


def outcomes(run: pytest.Pytester, maker: str) -> dict[str, int]:
    """Run the tests in a process of their own, as the plugin has been loaded in this one."""
    run.makeini(
        f"[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
        f"l8_resources = {maker}\npythonpath = .\n"
    )
    return run.runpytest_subprocess("-p", "no:cacheprovider").parseoutcomes()


@pytest.mark.feature("TST-02")
def test_fixtures_are_there_once_it_is_installed(run: pytest.Pytester) -> None:
    """Nothing has to be imported or configured but whose parts are tested."""
    assert outcomes(run, "parts:Parts") == {"passed": 3}


def test_parts_that_are_not_there_fail_who_asks_for_them(run: pytest.Pytester) -> None:
    """And nobody else."""
    run.makepyfile(test_it="def test_a(l8_resources):\n    l8_resources()\ndef test_b(): pass\n")
    assert outcomes(run, "nowhere:Parts") == {"passed": 1, "failed": 1}


def test_fixtures_are_listed_with_what_they_are_for(run: pytest.Pytester) -> None:
    """Each has a line in pytest's own list."""
    listed = run.runpytest_subprocess("--fixtures", "-q").stdout.str()
    for name in ("l8_clock", "l8_counting", "l8_network", "l8_resources"):
        assert f"{name} -- " in listed
    assert Path(run.path).exists()
