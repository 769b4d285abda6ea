# SPDX-License-Identifier: Apache-2.0
"""The simulator as a process."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from probler.sim.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path


async def start(*arguments: str) -> asyncio.subprocess.Process:
    """Start the command."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "probler.sim", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.feature("SIM-02")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_process_tells_its_devices_and_stops_cleanly(
    number: signal.Signals, tmp_path: Path
) -> None:
    """One line and one target for each device; a signal ends it with one line and code 0."""
    targets = tmp_path / "targets.json"
    process = await start("--devices", "3", "--community", "c", "--write-targets", str(targets))
    assert process.stdout is not None
    lines = [(await process.stdout.readline()).decode() for _ in range(3)]
    found = [re.fullmatch(r"(\S+) (\S+):(\d+) community c\n", line) for line in lines]
    async with asyncio.timeout(10):
        while not targets.exists():
            await asyncio.sleep(0.01)
    assert json.loads(targets.read_text()) == [
        {"id": match[1], "host": match[2], "port": int(match[3]), "community": "c"}
        for match in found
        if match is not None
    ]
    process.send_signal(number)
    out, err = await process.communicate()
    assert (process.returncode, out, err) == (0, b"stopped 3 devices\n", b"")


async def test_a_port_in_use_is_one_line_and_code_2() -> None:
    """The operator learns which port it is."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        process = await start("--devices", "1", "--base-port", str(port))
        out, err = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert err.decode().startswith(f"sim: udp port {port} on 127.0.0.1 is in use")
    assert err.count(b"\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--profile", "toaster"], "sim: no device profile 'toaster': choose from router, "),
        (["--recording", "none.snmprec"], "sim: cannot read the recording 'none.snmprec': "),
        (["--base-port", "65535", "--devices", "2"], "sim: no 2 ports from 65535 on"),
        (["--write-targets", "/nowhere/t.json", "--devices", "1"], "sim: [Errno 2] "),
    ],
)
def test_a_wrong_argument_is_one_line_and_code_2(
    arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """No traceback for what an operator can get wrong."""
    assert main(arguments) == 2
    err = capfd.readouterr().err
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_a_senseless_number_of_devices_is_a_usage_error(
    count: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Argparse tells the usage and the reason."""
    with pytest.raises(SystemExit) as ended:
        main([f"--devices={count}"])
    assert ended.value.code == 2
    assert f"'{count}' is no number of devices" in capfd.readouterr().err


async def test_recordings_are_replayed_one_device_each(tmp_path: Path) -> None:
    """A recording takes the place of the profiles and names its device."""
    path = tmp_path / "mine.snmprec"
    path.write_text("1.3.6.1.2.1.1.5.0|4|mine\n")
    process = await start("--recording", str(path), "--recording", str(path))
    assert process.stdout is not None
    lines = [await process.stdout.readline() for _ in range(2)]
    assert [line.split()[0] for line in lines] == [b"mine-01", b"mine-02"]
    process.terminate()
    assert await process.wait() == 0
    await process.communicate()
