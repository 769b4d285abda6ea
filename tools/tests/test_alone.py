# SPDX-License-Identifier: Apache-2.0
"""The judgement of the packages-alone check; the whole of it runs as `hatch run alone`."""

import sys
from pathlib import Path

import pytest

from tools import alone
from tools._workspace import Package, ToolError


def package(folder: Path, name: str, *dependencies: str) -> Package:
    """Return a package with one test file."""
    (folder / "tests").mkdir(parents=True)
    (folder / "tests" / "test_it.py").touch()
    return Package(folder, name, dependencies, (), has_test_group=False)


def test_declared_sibling_is_refused(tmp_path: Path) -> None:
    """Only the composers may declare an implementation."""
    packages = {"b": package(tmp_path / "b", "b"), "l8types": package(tmp_path / "t", "l8types")}
    good = package(tmp_path / "good", "good", "l8types", "lib")
    alone.check(packages, good)
    alone.check(packages, package(tmp_path / "root", "layer8", "b", "l8types"))
    with pytest.raises(ToolError, match="bad declares siblings: b"):
        alone.check(packages, package(tmp_path / "bad", "bad", "b", "l8types"))


def test_package_without_tests_is_refused(tmp_path: Path) -> None:
    """A package that proves nothing does not stand."""
    empty = Package(tmp_path, "empty", (), (), has_test_group=False)
    with pytest.raises(ToolError, match="empty has no tests"):
        alone.check({}, empty)


def test_counts_of_a_report(tmp_path: Path) -> None:
    """Errors count as failures, and what is neither failed nor skipped has passed."""
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite tests="9" skipped="2" failures="1" errors="3"/></testsuites>'
    )
    assert alone.counts(report) == (3, 2, 4)


def test_failed_step_tells_its_end(tmp_path: Path) -> None:
    """What a failed step printed last is the trouble that is shown."""
    command = [sys.executable, "-c", "print('x' * 9); raise SystemExit('broken')"]
    with pytest.raises(ToolError, match="broken"):
        alone.run(command, tmp_path)


def test_steps_borrow_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import path of the caller does not reach the tests of a package."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    program = "import os, sys; sys.exit('PYTHONPATH' in os.environ)"
    alone.run([sys.executable, "-c", program], tmp_path)


def test_tools_come_from_the_workspace() -> None:
    """The test tools have the versions that the workspace itself uses."""
    names = [requirement.partition(">")[0] for requirement in alone.test_tools()]
    assert sorted(names) == sorted(alone.TEST_TOOLS)
