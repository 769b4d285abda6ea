# SPDX-License-Identifier: Apache-2.0
"""No test runs for ever, also where its first alarm is swallowed."""

import subprocess
import sys
from pathlib import Path

from tools import _workspace as workspace

DEAF = """\
import time


def test_deaf():
    try:
        time.sleep(30)
    except BaseException:
        pass  # As a task of an event loop does, of which nobody wants to know how it ended.
    time.sleep(30)
"""


def test_an_alarm_that_is_not_heard_is_repeated(tmp_path: Path) -> None:
    """A test that goes on after the alarm is ended by the next."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    conftest = (workspace.ROOT / "conftest.py").read_text(encoding="utf-8")
    assert "AGAIN = 10.0" in conftest
    (tmp_path / "conftest.py").write_text(conftest.replace("AGAIN = 10.0", "AGAIN = 3.0"))
    (tmp_path / "test_deaf.py").write_text(DEAF)
    command = [sys.executable, "-m", "pytest", "-q", "--timeout=0.3", str(tmp_path)]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=25, check=False
    )
    assert "1 failed" in done.stdout, done.stdout + done.stderr
    assert "Timeout" in done.stdout
