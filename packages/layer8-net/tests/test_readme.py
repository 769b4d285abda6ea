# SPDX-License-Identifier: Apache-2.0
"""The example of the README runs as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import metadata
from pathlib import Path


def _readme() -> str:
    """The README beside the tests; away from the workspace the one inside the package."""
    path = Path(__file__).parent.parent / "README.md"
    return path.read_text("utf-8") if path.exists() else metadata("layer8-net")["Description"]


def test_example() -> None:
    """It prints who joins and the answer, and ends."""
    example = re.search(r"```python\n(.*?)```", _readme(), flags=re.DOTALL)
    assert example is not None
    done = subprocess.run(
        [sys.executable, "-"], input=example[1], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["provider joins", "caller joins", "HELLO"]
