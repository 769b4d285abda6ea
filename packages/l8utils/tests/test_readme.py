# SPDX-License-Identifier: Apache-2.0
"""The example of the README runs and prints what it says."""

from __future__ import annotations

import doctest
import re
import textwrap
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

import l8utils
from l8utils import _requests, _resources, _web

README = Path(__file__).parent.parent / "README.md"

beside = pytest.mark.skipif(not README.exists(), reason="the README is not beside the tests")


@beside
def test_the_example_prints_what_the_readme_says() -> None:
    """Word for word, with this package alone."""
    text = README.read_text(encoding="utf-8")
    code, output = re.findall(r"```python\n(.*?)```\n\nIt prints\n\n(.*?)\n\n", text, re.DOTALL)[0]
    printed = StringIO()
    with redirect_stdout(printed):
        program = compile(code, "README.md", "exec", dont_inherit=True)
        exec(program, {"__name__": "readme"})  # noqa: S102 - our own text
    assert printed.getvalue().strip() == textwrap.dedent(output).strip()


@beside
def test_every_public_part_is_told_of_in_the_readme() -> None:
    """What a user meets first."""
    text = README.read_text(encoding="utf-8")
    parts = [name for name in l8utils.__all__ if not name.startswith("create_")]
    helpers = {
        "AggregatorStatistics", "CacheStatistics", "Destination", "Job", "LiveChange",
        "LiveChangeType", "LiveSubscription", "LogSettings", "NetworkInterface", "Parts",
        "PendingRequest", "Profile", "QueueStatistics", "RegisteredType", "parse_address", "redact",
    }  # fmt: skip
    assert [name for name in parts if name not in helpers and name not in text] == []


def test_examples_in_docstrings_run() -> None:
    """They are documentation that must not rot."""
    results = [doctest.testmod(module) for module in (_requests, _resources, _web)]
    assert all(result.attempted for result in results)
    assert not any(result.failed for result in results)
