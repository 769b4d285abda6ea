# SPDX-License-Identifier: Apache-2.0
"""The command ``probler``."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live

from collect.model.inventory_pb2 import DeviceStatus
from l8types.errors import ConfigurationError, L8Error
from layer8 import run
from probler._check import check as check_demo
from probler._console import CONSOLE, status_view
from probler._demo import Demo, DemoOptions
from probler._process import run_role
from probler._roles import ROLES

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="The example application of Layer 8."
)
_DATA = Path.home() / ".probler"
_Devices = Annotated[int, typer.Option(min=1, max=1000, help="How many simulated devices.")]
_WebPort = Annotated[int, typer.Option(min=0, max=65_535, help="Port of the page; 0: a free one.")]


@app.command()
def demo(
    *,
    check: Annotated[bool, typer.Option("--check", help="Verify every step, then end.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget earlier data.")] = False,
    devices: _Devices = 5,
    web_port: _WebPort = 0,
    data: Annotated[Path, typer.Option(help="Directory of database, accounts and logs.")] = _DATA,
) -> None:
    """Start the whole example on this machine; Ctrl-C stops it in order."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    with contextlib.ExitStack() as stack:
        if check:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="probler-")))
        elif fresh:
            shutil.rmtree(data, ignore_errors=True)
        options = DemoOptions(data, devices, web_port, announce=CONSOLE.print)
        passed = run(check_demo(options) if check else _show(options))
    sys.exit(0 if passed else 1)


@app.command(hidden=True)
def node(
    role: Annotated[str, typer.Argument()],
    data: Annotated[Path, typer.Option()],
    port: Annotated[int, typer.Option()],
    web_port: Annotated[int, typer.Option()] = 0,
) -> None:
    """Run one node; the demo starts its nodes so."""
    if role not in ROLES:
        raise ConfigurationError(f"no role {role!r}; there are {', '.join(ROLES)}")
    run(run_role(role, data, port, web_port))


async def _show(options: DemoOptions) -> bool:
    """Keep the example running with a live status until Ctrl-C."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        async with asyncio.TaskGroup() as group:
            showing = group.create_task(_run_and_show(options), name="demo: show")
            waiting = group.create_task(stop.wait(), name="demo: Ctrl-C")
            await asyncio.wait((showing, waiting), return_when=asyncio.FIRST_COMPLETED)
            showing.cancel()
            waiting.cancel()
    except ExceptionGroup as errors:
        # Only the first task can fail: its error is the command's, and is told in one line.
        raise errors.exceptions[0] from None
    CONSOLE.print("stopped")
    return True


async def _run_and_show(options: DemoOptions) -> None:
    async with Demo(options) as running:
        where = (
            f"Look at [bold]{running.url}[/]   user [bold]admin[/]   "
            f"password [bold]{running.password}[/]   Ctrl-C stops"
        )
        CONSOLE.print(where)
        if not CONSOLE.is_terminal:
            # A file or a pipe gets lines, and no picture of one moment at the end.
            await asyncio.Event().wait()
        with Live(console=CONSOLE, auto_refresh=False) as live:
            while True:
                live.update(status_view(running.supervisor.nodes, await _rows(running), where))
                live.refresh()
                await asyncio.sleep(1.0)


async def _rows(running: Demo) -> list[tuple[str, str, str, int]]:
    """Devices for the view; none while the gateway or the inventory is being started again."""
    try:
        devices = await running.devices()
    except L8Error:
        return []
    return [
        (
            device.id,
            device.equipmentinfo.sys_name,
            _status_name(device.equipmentinfo.device_status),
            len(device.interfaces),
        )
        for device in devices
    ]


def _status_name(number: DeviceStatus.ValueType) -> str:
    name = DeviceStatus.Name(number) if number in DeviceStatus.values() else str(number)
    return name.rpartition("_")[2].lower()


def main() -> None:
    """Entry point: an error of the ecosystem is one line and exit code 2, never a traceback."""
    try:
        app()
    except L8Error as error:
        print(f"probler: {error.message}", file=sys.stderr)  # noqa: T201 - the command's error
        sys.exit(2)
