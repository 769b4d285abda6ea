# SPDX-License-Identifier: Apache-2.0
"""Processes of the example: started in order, brought back, stopped, never left behind."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

from probler._supervisor import NodeProcess, NodeSpec, StartError, Supervisor

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
import sys
print("some word first")
print('ready {"port": 7}', flush=True)
sys.stdin.read()
print("closed in order", file=sys.stderr)
"""


def spec(name: str, code: str = GOOD, *, timeout: float = 20.0) -> NodeSpec:
    """A process that runs a few lines."""
    return NodeSpec(name, ("-c", code), start_timeout=timeout)


async def test_a_process_is_ready_when_it_says_so_and_ends_with_its_input(tmp_path: Path) -> None:
    """What it told is at hand; leaving the supervisor closes it in order."""
    async with Supervisor(tmp_path) as supervisor:
        node = await supervisor.start(spec("one"))
        assert node.ready == {"port": 7}
        assert node.alive
        assert supervisor.nodes == {"one": node}
    assert node.process.returncode == 0
    assert "closed in order" in supervisor.log_file("one").read_text()


async def test_a_killed_process_comes_back(tmp_path: Path) -> None:
    """With a new process id, the number of restarts, and one line that tells why."""
    told: list[str] = []
    async with Supervisor(tmp_path, told.append) as supervisor:
        first = await supervisor.start(spec("one"))
        os.kill(first.pid, signal.SIGKILL)
        async with asyncio.timeout(20):
            while supervisor.nodes["one"] is first:
                await asyncio.sleep(0.01)
        second = supervisor.nodes["one"]
        assert (second.restarts, second.alive) == (1, True)
        assert second.pid != first.pid
    assert told[0] == "one ended (signal 9), starting it again"
    assert "one is back" in told[1]


async def test_a_process_that_cannot_start_tells_its_last_words(tmp_path: Path) -> None:
    """The error carries the last line that the process wrote."""
    code = "import sys; print('port 80 is in use', file=sys.stderr); sys.exit(2)"
    async with Supervisor(tmp_path) as supervisor:
        with pytest.raises(StartError, match="one did not start: port 80 is in use"):
            await supervisor.start(spec("one", code))
        assert supervisor.nodes == {}


async def test_a_process_that_never_gets_ready_is_ended(tmp_path: Path) -> None:
    """It does not stay behind when its time to start is over."""
    pid_file = tmp_path / "pid"
    code = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    async with Supervisor(tmp_path) as supervisor:
        with pytest.raises(StartError, match="no word from it"):
            await supervisor.start(spec("one", code, timeout=1.0))
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


async def test_a_process_that_will_not_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopping takes no longer than the grace."""
    monkeypatch.setattr("probler._supervisor._STOP_GRACE", 0.2)
    code = "import time; print('ready {}', flush=True); time.sleep(600)"
    async with Supervisor(tmp_path) as supervisor:
        node = await supervisor.start(spec("one", code))
    assert node.process.returncode == -signal.SIGKILL


async def test_a_process_that_fails_again_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restart that fails is told, and the next one may succeed."""
    monkeypatch.setattr("probler._supervisor._FIRST_PAUSE", 0.01)
    counter = tmp_path / "count"
    code = f"""
import pathlib, sys
file = pathlib.Path({str(counter)!r})
count = int(file.read_text()) if file.exists() else 0
file.write_text(str(count + 1))
if count == 1:
    sys.exit("not this time")
print("ready {{}}", flush=True)
sys.stdin.read()
"""
    told: list[str] = []
    async with Supervisor(tmp_path, told.append) as supervisor:
        first = await supervisor.start(spec("one", code))
        os.kill(first.pid, signal.SIGKILL)
        async with asyncio.timeout(20):
            while not any("is back" in line for line in told):
                await asyncio.sleep(0.01)
    assert "one did not start: not this time" in told


async def test_an_error_in_the_block_stops_the_processes_and_stays_itself(tmp_path: Path) -> None:
    """The caller sees its own error, not a group of them."""
    nodes: list[NodeProcess] = []

    async def fail() -> None:
        async with Supervisor(tmp_path) as supervisor:
            nodes.append(await supervisor.start(spec("one")))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert nodes[0].process.returncode == 0
