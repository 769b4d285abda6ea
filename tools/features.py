# SPDX-License-Identifier: Apache-2.0
"""Writes `docs/features.md`: what each package can do, and the tests that prove it.

The rows come from `docs/features.toml`, which is written by hand; the proofs are the `feature`
marks of the tests. The test files are read, not run: a table that says which test proves a row
must not depend on what is installed where it is made. Whether the tests pass is their own affair.
"""

import argparse
import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools import _workspace as workspace
from tools._workspace import ToolError

ROWS: Final = workspace.ROOT / "docs" / "features.toml"
PAGE: Final = workspace.ROOT / "docs" / "features.md"
IDENTIFIER: Final = re.compile(r"([A-Z][A-Z0-9]*)-(\d+)([a-z]?)")

Rows = dict[str, dict[str, str]]
"""Per package (its distribution's name) the rows: identifier and what it says."""

HEAD: Final = """\
# Features

<!-- Written by `hatch run features` from docs/features.toml and the tests; do not edit. -->

The rows are what the project sets out to do. A row is *proved* when a test carries its identifier;
the tests are named. What no test proves is not claimed.
"""


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """One test that says which row it proves."""

    package: str
    """The distribution whose tests it is in; empty for the tests of several packages."""
    identifier: str
    test: str
    """The file and the name of the test, as they are shown."""
    place: str
    """The file and the line, for messages."""


def order(identifier: str) -> tuple[str, int, str]:
    """Return what identifiers are sorted by: `SRZ-9` comes before `SRZ-10`.

    Raises:
        ToolError: it is no identifier.
    """
    match = IDENTIFIER.fullmatch(identifier)
    if match is None:
        raise ToolError(f"{identifier!r} is no identifier of a row, such as SRZ-03")
    return match[1], int(match[2]), match[3]


def read_rows(packages: Iterable[str]) -> Rows:
    """Read the rows and check their form.

    Raises:
        ToolError: an unknown package, an odd identifier, an empty line, or a wrong order.
    """
    rows: Rows = tomllib.loads(ROWS.read_text(encoding="utf-8"))
    check_sorted("tables", list(rows), sorted(rows))
    for package, lines in rows.items():
        if package not in set(packages):
            raise ToolError(f"{ROWS.name}: no package is called {package!r}")
        check_sorted(f"rows of {package}", list(lines), sorted(lines, key=order))
        for identifier, line in lines.items():
            if not line.strip() or "\n" in line:
                raise ToolError(f"{ROWS.name}: {identifier} of {package} needs one line of text")
    return rows


def check_sorted(what: str, found: list[str], wanted: list[str]) -> None:
    """Refuse a wrong order, naming the first that is out of place."""
    for one, other in zip(found, wanted, strict=True):
        if one != other:
            raise ToolError(
                f"{ROWS.name}: the {what} are not sorted, {other!r} comes before {one!r}"
            )


def marks(node: ast.AST, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], ast.Call]]:
    """Yield the `feature` marks below a node, each with the names of what it stands on."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        names = (*names, node.name)
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.feature"):
        yield names, node
    for child in ast.iter_child_nodes(node):
        yield from marks(child, names)


def claims_of(file: Path, package: str) -> Iterator[Claim]:
    """Yield what the tests of one file claim.

    Raises:
        ToolError: a mark names no row, or not as a text.
    """
    name = file.relative_to(workspace.ROOT).as_posix()
    tree = ast.parse(file.read_text(encoding="utf-8"), filename=name)
    for names, call in marks(tree):
        place = f"{name}:{call.lineno}"
        identifiers = [one.value for one in call.args if isinstance(one, ast.Constant)]
        if not identifiers or len(identifiers) != len(call.args) or call.keywords:
            raise ToolError(f"{place}: a feature mark names its rows as texts, written out")
        for identifier in identifiers:
            yield Claim(package, str(identifier), "::".join((name, *names)), place)


def read_claims(packages: Mapping[str, workspace.Package]) -> list[Claim]:
    """Return what all tests claim: those of each package, then those of several packages."""
    common = sorted((workspace.ROOT / "tests-integration").rglob("test_*.py"))
    found = [claim for file in common for claim in claims_of(file, "")]
    for name, package in packages.items():
        for file in package.test_files():
            found += claims_of(file, name)
    return found


def resolve(claim: Claim, rows: Rows) -> tuple[str, str]:
    """Return the package and the identifier of the row that is claimed.

    Two packages may have rows of equal identifiers. A test's own package comes first; a row of
    another package is found when its identifier is the only one, or written `package:ID`.

    Raises:
        ToolError: there is no such row, or there are several.
    """
    package, _, identifier = claim.identifier.rpartition(":")
    order(identifier)
    if not package and identifier in rows.get(claim.package, {}):
        package = claim.package
    owners = [package] if package else [name for name, lines in rows.items() if identifier in lines]
    if len(owners) > 1:
        choice = " or ".join(f"{name}:{identifier}" for name in owners)
        raise ToolError(f"{claim.place}: {identifier} is a row of several packages, say {choice}")
    if not owners or identifier not in rows.get(owners[0], {}):
        raise ToolError(f"{claim.place}: {claim.identifier} has no line in docs/{ROWS.name}")
    return owners[0], identifier


def prove(rows: Rows, claims: Iterable[Claim]) -> dict[tuple[str, str], list[str]]:
    """Return the tests of each row that is proved.

    Raises:
        ToolError: naming every claim that has no row.
    """
    proofs: dict[tuple[str, str], list[str]] = {}
    faults = []
    for claim in claims:
        try:
            proofs.setdefault(resolve(claim, rows), []).append(claim.test)
        except ToolError as fault:
            faults.append(str(fault))
    if faults:
        raise ToolError("\n".join(faults))
    return {row: sorted(set(tests)) for row, tests in proofs.items()}


def render(rows: Rows, proofs: Mapping[tuple[str, str], list[str]]) -> str:
    """Return the page."""
    lines = [HEAD, "| Package | Rows | Proved |", "| --- | ---: | ---: |"]
    for package, texts in rows.items():
        proved = sum((package, identifier) in proofs for identifier in texts)
        lines.append(f"| [{package}](#{package}) | {len(texts)} | {proved} |")
    for package, texts in rows.items():
        lines += [
            "",
            f"## {package}",
            "",
            "| Id | What | State | Tests |",
            "| --- | --- | --- | --- |",
        ]
        for identifier, text in texts.items():
            tests = proofs.get((package, identifier), [])
            state = "proved" if tests else "not yet"
            shown = "<br>".join(f"`{test}`" for test in tests)
            lines.append(f"| {identifier} | {text.replace('|', '&#124;')} | {state} | {shown} |")
    return "\n".join(lines) + "\n"


def update(*, check: bool) -> None:
    """Write the page, or only check that it is up to date.

    Raises:
        ToolError: rows and claims do not fit, or the page is stale.
    """
    packages = workspace.load()
    rows = read_rows(packages)
    proofs = prove(rows, read_claims(packages))
    page = render(rows, proofs)
    told = f"{sum(map(len, rows.values()))} rows, {len(proofs)} proved"
    if check:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
            raise ToolError(f"docs/{PAGE.name} is stale: {told}; run: hatch run features")
    else:
        PAGE.write_text(page, encoding="utf-8")
    print(f"docs/{PAGE.name}: {told}")


def main() -> int:
    """Read the command line and write or check the page."""
    parser = argparse.ArgumentParser(prog="features", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail when stale")
    arguments = parser.parse_args()
    try:
        update(check=arguments.check)
    except ToolError as error:
        print(f"features: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
