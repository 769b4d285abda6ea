# SPDX-License-Identifier: Apache-2.0
"""The example of the README is a suite in use: pytest collects it, and it passes."""

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
    return str(metadata("l8test").json["description"])


def test_example_passes(tmp_path: Path) -> None:
    """Copied into a file, the example runs and lacks only what it says it lacks."""
    match = re.search(r"```python\n(import copy.*?)```", readme(), re.DOTALL)
    assert match is not None
    (tmp_path / "test_example.py").write_text(match[1], encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "6 passed, 4 skipped" in done.stdout
