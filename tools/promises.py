# SPDX-License-Identifier: Apache-2.0
"""Checks `docs/promises.md`: every promise names tests, and every test that is named exists."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tools import _workspace as workspace

PAGE: Final = workspace.ROOT / "docs" / "promises.md"
REFERENCE: Final = re.compile(r"^\* `([^`]+)`$", re.MULTILINE)
UNPROVED: Final = "Not promised"
"""The one section that names no tests."""


def sections(page: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the heading of each promise with the tests that it names."""
    for part in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        yield heading.strip(), REFERENCE.findall(text)


def exists(reference: str, root: Path) -> bool:
    """Whether `file::test`, or `file::Class::test`, is there."""
    name, *path = reference.split("::")
    file = root / name
    if not path or not file.is_file():
        return False
    body: list[ast.stmt] = ast.parse(file.read_text(encoding="utf-8")).body
    for step in path:
        kinds = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        found = [node for node in body if isinstance(node, kinds) and node.name == step]
        if not found:
            return False
        body = found[0].body
    return path[-1].startswith("test_")


def faults(page: str, root: Path) -> list[str]:
    """Return what is wrong with a page, one line each."""
    found = []
    for heading, references in sections(page):
        if not references and heading != UNPROVED:
            found.append(f"{heading!r} names no test")
        found += [f"{heading!r}: no test {one}" for one in references if not exists(one, root)]
    return found


def main() -> int:
    """Check the page."""
    wrong = faults(PAGE.read_text(encoding="utf-8"), workspace.ROOT)
    for line in wrong:
        print(f"promises: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
