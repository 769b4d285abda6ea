# SPDX-License-Identifier: Apache-2.0
"""The example of the README runs and prints what the README says."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import metadata
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


def readme() -> str:
    """The text from the folder, or from the installed package where the folder is not there."""
    if README.exists():
        return README.read_text(encoding="utf-8")
    return str(metadata("l8services").json["description"])


def test_example_prints_what_the_readme_says() -> None:
    """Run in a process of its own, with this package and the interfaces alone."""
    match = re.search(r"```python\n(.*?)```", readme(), re.DOTALL)
    assert match is not None
    done = subprocess.run(
        [sys.executable, "-c", match[1]], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("('hello world',)\ngood-bye\n", "")
