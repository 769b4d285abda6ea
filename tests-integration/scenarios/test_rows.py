# SPDX-License-Identifier: Apache-2.0
"""The table of scenarios names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tools import promises

PAGE: Final = Path(__file__).with_name("README.md")
ROOT: Final = PAGE.parents[2]
TEST: Final = re.compile(r"`([^`]+::[^`]+)`")


def test_each_row_names_tests_that_exist() -> None:
    """A test that was renamed or removed is found, and so is a row without any."""
    rows = [
        line
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and not line.startswith(("| scenario", "| ---"))
    ]
    assert len(rows) > 80
    named = {row: TEST.findall(row) for row in rows}
    assert [row for row, tests in named.items() if not tests] == []
    missing = [test for tests in named.values() for test in tests]
    assert [test for test in missing if not promises.exists(test, ROOT)] == []
