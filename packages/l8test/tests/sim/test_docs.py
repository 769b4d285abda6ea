# SPDX-License-Identifier: Apache-2.0
"""The page about the simulator tells what is true: its examples run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from l8test.sim import run_seed

PAGE = Path(__file__).parents[4] / "docs" / "simulation.md"


@pytest.mark.skipif(not PAGE.exists(), reason="the page is not where the package is alone")
def test_the_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    """The first one prints a time-line, the second one is a trial that holds."""
    first, second = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(first, str(PAGE), "exec"), names)  # noqa: S102 - the page is ours
    printed = capsys.readouterr().out
    assert printed.count("heard b'HELLO\\n'") == 5
    assert printed.count("failed:") == 2
    assert "killed (closed)" in printed
    assert "started again" in printed
    exec(compile(second, str(PAGE), "exec"), names)  # noqa: S102
    assert run_seed(names["TRIAL"], 1).good
