# SPDX-License-Identifier: Apache-2.0
"""Proves that every package stands on its own.

Each package's wheel is installed with that of `l8types` and the third-party libraries that it
declares in an empty environment, its tests are copied out of the workspace and run there. What
a package does not declare, or borrows from a sibling, is missing then. `layer8` and `probler`
may import all and get the wheels that they declare.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from tools import _workspace as workspace
from tools._workspace import Package, ToolError

TEST_TOOLS: Final = frozenset({"hypothesis", "pytest", "pytest-asyncio", "pytest-timeout"})
"""What a package's tests may use undeclared; the versions are those of hatch.toml."""
LIMIT: Final = 600.0
"""Seconds for the tests of one package; above it something hangs."""
TAIL: Final = 60
"""Lines of a failed run that are shown."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one package."""

    name: str
    passed: int = 0
    skipped: int = 0
    failed: int = 0
    seconds: float = 0.0
    trouble: str = ""
    """Why the package does not stand alone; empty when it does."""

    def line(self) -> str:
        """Return the one line that is printed for the package."""
        state = "FAILED" if self.trouble else "ok"
        counts = f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"
        return f"{self.name:<16} {state:<7} {counts:<36} {self.seconds:6.1f} s"


def test_tools() -> list[str]:
    """Return the requirements of the test tools, as the workspace's own environment has them."""
    hatch = tomllib.loads((workspace.ROOT / "hatch.toml").read_text(encoding="utf-8"))
    requirements: list[str] = hatch["envs"]["default"]["dependencies"]
    return [one for one in requirements if workspace.normalized(one) in TEST_TOOLS]


def check(packages: Mapping[str, Package], package: Package) -> None:
    """Refuse a package without tests, or one that declares a sibling, which would be installed.

    Raises:
        ToolError: naming the fault.
    """
    if not package.test_files():
        raise ToolError(f"{package.name} has no tests")
    if package.name in workspace.COMPOSERS:
        return
    siblings = set(package.dependencies) & (packages.keys() - {workspace.CONTRACT})
    if siblings:
        raise ToolError(f"{package.name} declares siblings: {', '.join(sorted(siblings))}")


def run(command: list[str], where: Path) -> None:
    """Run a step that has to succeed, without what the caller's environment would lend it.

    Raises:
        ToolError: with the end of what the step printed.
    """
    lent = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"}
    environment = {name: value for name, value in os.environ.items() if name not in lent}
    try:
        done = subprocess.run(
            command,
            cwd=where,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise ToolError(f"{' '.join(command[:4])} did not end within {LIMIT:.0f} s") from late
    if done.returncode:
        raise ToolError("\n".join(done.stdout.splitlines()[-TAIL:]))


def install(packages: Mapping[str, Package], package: Package, wheels: Path, where: Path) -> Path:
    """Make the empty environment, fill it with what is declared and return its Python."""
    uv = workspace.uv()
    run([uv, "venv", "--quiet", "--python", sys.executable, str(where / "env")], where)
    python = where / "env" / "bin" / "python"
    wanted = []
    for needed in workspace.closure(packages, package):
        wheel = next(wheels.glob(f"{needed.name.replace('-', '_')}-*.whl"))
        extras = f"[{','.join(needed.extras)}]" if needed is package and needed.extras else ""
        wanted.append(f"{needed.name}{extras} @ {wheel.as_uri()}")
    if package.has_test_group:
        wanted += ["--group", f"{package.folder / 'pyproject.toml'}:test"]
    run([uv, "pip", "install", "--quiet", "--python", str(python), *wanted, *test_tools()], where)
    return python


def counts(report: Path) -> tuple[int, int, int]:
    """Return how many tests passed, were skipped and failed, from pytest's report."""
    # The report was written by the pytest that this tool has just run.
    suites = ET.parse(report).getroot().iter("testsuite")  # noqa: S314
    total = skipped = failed = 0
    for suite in suites:
        total += int(suite.get("tests", 0))
        skipped += int(suite.get("skipped", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    return total - skipped - failed, skipped, failed


def prove(packages: Mapping[str, Package], package: Package, wheels: Path, where: Path) -> Outcome:
    """Install one package alone, run its tests there and tell what came of it."""
    begin = time.monotonic()
    report = where / "report.xml"
    trouble = ""
    try:
        check(packages, package)
        python = install(packages, package, wheels, where)
        shutil.copytree(package.tests, where / "tests")
        shutil.copy(workspace.ROOT / "pyproject.toml", where / "pyproject.toml")
        pytest = ["-I", "-m", "pytest", "-q", f"--junitxml={report}", "tests"]
        run([str(python), *pytest], where)
    except ToolError as error:
        trouble = str(error)
    passed, skipped, failed = counts(report) if report.exists() else (0, 0, 0)
    if not trouble and not passed:
        trouble = f"{package.name} ran no test"
    return Outcome(package.name, passed, skipped, failed, time.monotonic() - begin, trouble)


def prove_all(chosen: list[Package], packages: Mapping[str, Package], jobs: int) -> bool:
    """Build the wheels, prove each chosen package, print a line for each; true when all stand."""
    needed = {one.name: one for package in chosen for one in workspace.closure(packages, package)}
    with (
        tempfile.TemporaryDirectory(prefix="alone-") as folder,
        ThreadPoolExecutor(max_workers=jobs) as workers,
    ):
        wheels = Path(folder, "wheels")
        wheels.mkdir()
        list(workers.map(lambda package: workspace.build_wheel(package, wheels), needed.values()))
        places = [Path(folder, package.name) for package in chosen]
        for place in places:
            place.mkdir()
        outcomes = workers.map(
            lambda work: prove(packages, work[0], wheels, work[1]),
            zip(chosen, places, strict=True),
        )
        good = True
        for outcome in outcomes:
            print(outcome.line(), flush=True)
            if outcome.trouble:
                print(outcome.trouble, flush=True)
                good = False
    return good


def main() -> int:
    """Read the command line and run the proof."""
    parser = argparse.ArgumentParser(prog="alone", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("packages", nargs="*", help="names or folders; all when none is given")
    parser.add_argument("--jobs", type=int, default=2, help="packages at a time (default: 2)")
    arguments = parser.parse_args()
    packages = workspace.load()
    try:
        chosen = workspace.chosen(packages, arguments.packages)
        return 0 if prove_all(chosen, packages, arguments.jobs) else 1
    except ToolError as error:
        print(f"alone: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
