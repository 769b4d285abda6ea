# SPDX-License-Identifier: Apache-2.0
"""Runs mypy over the sources of all packages and the tools, then over each folder of tests.

The tests need runs of their own: their folders are no packages, so that equal file names of two
folders would be one module in a common run.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterable

from tools import _workspace as workspace
from tools._workspace import Package


def mypy(targets: list[str], base: str = "") -> bool:
    """Run mypy from the project's root; a base folder is one more that modules are named from."""
    command = [sys.executable, "-m", "mypy", *targets]
    environment = os.environ | {"MYPYPATH": base}
    done = subprocess.run(command, cwd=workspace.ROOT, env=environment, check=False)
    return done.returncode == 0


def check_tests(package: Package) -> bool:
    """Check the tests of one package, and what it keeps to prove its types."""
    folders = [package.tests, package.folder / "typing_tests"]
    targets = [str(folder) for folder in folders if next(folder.rglob("*.py"), None)]
    if not targets:
        return True
    print(f"tests of {package.name}: ", end="", flush=True)
    return mypy(targets, str(package.folder))


def check_sources(packages: Iterable[Package]) -> bool:
    """Check what is installed, the tools, and the tests of several packages."""
    print("sources: ", end="", flush=True)
    good = mypy([*(str(package.source) for package in packages), "tools", "conftest.py"])
    print("tests-integration: ", end="", flush=True)
    return mypy(["tests-integration"], "tests-integration") and good


def main() -> int:
    """Check the sources, then the tests of all packages or of those that are named."""
    parser = argparse.ArgumentParser(prog="types", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("packages", nargs="*", help="whose tests; all when none is given")
    arguments = parser.parse_args()
    packages = workspace.load()
    try:
        chosen = workspace.chosen(packages, arguments.packages)
    except workspace.ToolError as error:
        print(f"types: {error}", file=sys.stderr)
        return 1
    return 0 if all([check_sources(packages.values()), *map(check_tests, chosen)]) else 1


if __name__ == "__main__":
    sys.exit(main())
