# SPDX-License-Identifier: Apache-2.0
"""The example of the README runs and prints what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import metadata
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


def readme() -> str:
    """The text: from the sources, or from the wheel when only that is there."""
    if README.exists():
        return README.read_text("utf-8")
    return str(metadata("layer8-gsql").json["description"])


def test_the_example_runs() -> None:
    """With this package alone."""
    code, printed = re.findall(r"```(?:python)?\n(.*?)```", readme(), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.stderr == ""
    assert done.stdout == printed
