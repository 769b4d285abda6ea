# SPDX-License-Identifier: Apache-2.0
"""The simulator as a process: ``python -m probler.sim --devices 5``."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from l8types.errors import L8Error
from probler.sim import (
    TEMPLATES,
    Profile,
    Replay,
    SimDevice,
    SimulatedFleet,
    load_recording,
    profiles_named,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line until SIGINT or SIGTERM.

    Args:
        arguments: What follows the command's name; ``None`` takes it from the process.

    Returns:
        Exit code: 0, or 2 after one line that says what went wrong.
    """
    options = _parser().parse_args(arguments)
    try:
        asyncio.run(_simulate(options))
    except (L8Error, OSError) as error:
        print(f"sim: {error}", file=sys.stderr)  # noqa: T201 - a command line's message
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    names = ", ".join(template.name for template in TEMPLATES)
    parser = argparse.ArgumentParser(
        prog="python -m probler.sim", description="Simulate network devices that answer SNMP."
    )
    parser.add_argument("--devices", type=_count, default=5, help="how many (5)")
    parser.add_argument(
        "--profile", action="append", default=[], help=f"repeatable; in turn, all of: {names}"
    )
    parser.add_argument(
        "--recording",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="repeatable; replay these as they are, one device each, instead of profiles",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument(
        "--base-port", type=int, default=0, help="first UDP port; 0: free ports (0)"
    )
    parser.add_argument("--community", default="public", help="SNMP community (public)")
    parser.add_argument("--seed", type=int, default=0, help="equal seeds, equal devices (0)")
    parser.add_argument(
        "--write-targets", type=Path, metavar="FILE", help="write the devices as a JSON list"
    )
    return parser


def _count(text: str) -> int:
    """Positive number; argparse turns the error into a usage message."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        msg = f"{text!r} is no number of devices"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _profiles(options: argparse.Namespace) -> Sequence[Profile]:
    if options.recording:
        return [Replay(load_recording(path)) for path in options.recording]
    return profiles_named(options.profile, options.devices)


async def _simulate(options: argparse.Namespace) -> None:
    """Serve the devices until a signal arrives."""
    profiles = _profiles(options)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with SimulatedFleet(
        profiles,
        seed=options.seed,
        community=options.community,
        host=options.host,
        base_port=options.base_port,
    ) as fleet:
        for device in fleet.devices:
            _say(f"{device.id} {device.host}:{device.port} community {device.community}")
        if options.write_targets is not None:
            _write_targets(options.write_targets, fleet.devices)
        await stopped.wait()
    _say(f"stopped {len(profiles)} devices")


def _write_targets(path: Path, devices: Sequence[SimDevice]) -> None:
    """Write the list in one step, so that whoever waits for the file finds it complete."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(
        json.dumps([asdict(device) for device in devices], indent=2) + "\n", encoding="utf-8"
    )
    partial.replace(path)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the command's output, read line by line through a pipe


if __name__ == "__main__":
    sys.exit(main())
