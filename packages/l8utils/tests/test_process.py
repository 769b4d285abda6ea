# SPDX-License-Identifier: Apache-2.0
"""What a process does about itself, proved with processes of their own where it matters."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from l8types.errors import BusyError, ConfigurationError
from l8utils import output_in_files, profile, wait_for_end

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.feature("LOG-07")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_process_waits_for_its_end_and_says_so(
    number: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    """Before and after; a second signal does no harm, and the former handlers are back then."""
    caplog.set_level("INFO")
    before = signal.getsignal(number)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(wait_for_end("sample"), name="test: wait")
        while "sample is up" not in caplog.text:
            await asyncio.sleep(0)
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
    assert waiting.result() is number
    assert f"sample ends after {number.name}" in caplog.text
    assert signal.getsignal(number) is before


@pytest.mark.feature("LOG-05")
def test_the_output_of_a_process_goes_to_files(tmp_path: Path) -> None:
    """Also what a child process writes; what was there stays; afterwards it is as before."""
    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "sample.log").write_text("earlier\n")
    code = (
        "import os, sys, pathlib, subprocess\n"
        "from l8utils import output_in_files\n"
        "with output_in_files(pathlib.Path(sys.argv[1]), 'sample'):\n"
        "    print('out'); print('err', file=sys.stderr)\n"
        "    subprocess.run([sys.executable, '-c', 'print(\"child\")'], check=True)\n"
        "print('after')\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert (done.stdout, done.stderr) == ("after\n", "")
    text = (tmp_path / "sample" / "sample.log").read_text()
    assert sorted(text.splitlines()) == ["child", "earlier", "out"]
    assert (tmp_path / "sample" / "sample.err").read_text() == "err\n"


def test_a_directory_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """The output stays where it was."""
    (tmp_path / "sample").touch()
    with (
        pytest.raises(ConfigurationError, match="output cannot go to"),
        output_in_files(tmp_path, "sample"),
    ):
        pytest.fail("the block must not be entered")


async def spend(kept: list[bytes]) -> None:
    """Use time and memory until cancelled."""
    while True:
        kept.append(bytes(1000))
        await asyncio.sleep(0)


@pytest.mark.feature("LOG-06")
async def test_time_and_memory_are_profiled() -> None:
    """As texts that name functions and lines; nothing keeps running afterwards."""
    kept: list[bytes] = []
    async with asyncio.TaskGroup() as group:
        work = group.create_task(spend(kept), name="test: spend")
        found = await profile(0.05)
        work.cancel()
    assert b"(spend)" in found.time
    assert b"test_process.py" in found.memory
    assert b" bytes in " in found.memory
    assert not tracemalloc.is_tracing()


async def test_two_profiles_at_once_are_refused() -> None:
    """They would disturb each other."""
    tracemalloc.start()
    try:
        with pytest.raises(BusyError, match="profiler runs"):
            await profile(0.01)
    finally:
        tracemalloc.stop()
