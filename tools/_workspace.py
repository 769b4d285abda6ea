# SPDX-License-Identifier: Apache-2.0
"""What the tools know about the workspace: its packages, read from their own descriptions.

Nothing about a package is repeated in a tool, so that a new folder under `packages/` is enough.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
CONTRACT: Final = "l8types"
"""The one package that every other one may import."""
COMPOSERS: Final = frozenset({"layer8", "probler"})
"""The packages that may import all others."""
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class ToolError(Exception):
    """A tool cannot do its work; the message is one line for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Package:
    """One package of the workspace."""

    folder: Path
    name: str
    """The distribution's name, normalized."""
    dependencies: tuple[str, ...]
    """The normalized names of what it needs at run time, extras included."""
    extras: tuple[str, ...]
    has_test_group: bool
    """Whether its tests declare libraries of their own (dependency group `test`)."""

    @property
    def source(self) -> Path:
        """The folder that is put on the import path."""
        return self.folder / "src"

    @property
    def tests(self) -> Path:
        """The folder of the package's own tests."""
        return self.folder / "tests"

    def test_files(self) -> list[Path]:
        """Return the files with tests, in a stable order."""
        return sorted(self.tests.rglob("test_*.py"))


def normalized(requirement: str) -> str:
    """Return the distribution's name in a requirement, in the form that names are compared in."""
    match = NAME.match(requirement.strip())
    if match is None:
        raise ToolError(f"not a requirement: {requirement!r}")
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def load() -> dict[str, Package]:
    """Return all packages by distribution name, in the order of their names."""
    found = [_read(file.parent) for file in sorted(ROOT.glob("packages/*/pyproject.toml"))]
    if not found:
        raise ToolError(f"no package found under {ROOT / 'packages'}")
    return {package.name: package for package in sorted(found, key=lambda found: found.name)}


def chosen(packages: Mapping[str, Package], names: Iterable[str]) -> list[Package]:
    """Return the packages named by distribution or folder, or all when none is named."""
    by_name = {package.folder.name: package for package in packages.values()} | dict(packages)
    wanted = list(names)
    for name in wanted:
        if name not in by_name:
            raise ToolError(f"no package is called {name!r}; there are: {', '.join(packages)}")
    return [by_name[name] for name in wanted] or list(packages.values())


def closure(packages: Mapping[str, Package], package: Package) -> list[Package]:
    """Return the packages of the workspace that this one needs, itself included."""
    found: dict[str, Package] = {}
    waiting = [package]
    while waiting:
        needed = waiting.pop()
        found[needed.name] = needed
        waiting += [
            packages[name] for name in needed.dependencies if name in packages and name not in found
        ]
    return [found[name] for name in sorted(found)]


def uv() -> str:
    """Return the uv of this environment, or else the one on the path."""
    beside = Path(sys.executable).with_name("uv")
    program = str(beside) if beside.exists() else shutil.which("uv")
    if program is None:
        raise ToolError("uv is not installed; start this tool with hatch run")
    return program


def build_wheel(package: Package, target: Path) -> Path:
    """Build the package's wheel into the target folder and return the file.

    Raises:
        ToolError: the build failed; what it said is part of the message.
    """
    before = set(target.glob("*.whl"))
    command = [uv(), "build", "--quiet", "--wheel", "--out-dir", str(target), str(package.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    made = sorted(wheel for wheel in target.glob(f"{package.name.replace('-', '_')}-*.whl"))
    if done.returncode or not made:
        raise ToolError(f"the wheel of {package.name} cannot be built:\n{done.stderr.strip()}")
    return next((wheel for wheel in made if wheel not in before), made[-1])


def _read(folder: Path) -> Package:
    """Read one package's description."""
    description = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    project = description["project"]
    optional: dict[str, list[str]] = project.get("optional-dependencies", {})
    required = [
        *project.get("dependencies", ()),
        *(x for group in optional.values() for x in group),
    ]
    return Package(
        folder=folder,
        name=normalized(project["name"]),
        dependencies=tuple(sorted({normalized(requirement) for requirement in required})),
        extras=tuple(sorted(optional)),
        has_test_group="test" in description.get("dependency-groups", {}),
    )
