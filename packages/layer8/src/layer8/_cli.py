# SPDX-License-Identifier: Apache-2.0
"""The command ``layer8``."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from l8types.errors import L8Error
from layer8._config import load_settings
from layer8._loop import run
from layer8._node import Node
from layer8._switch import make_switch

if TYPE_CHECKING:
    from l8types.settings import NodeSettings

__all__ = ["app", "main"]

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Run and inspect Layer 8 nodes.")
_Config = Annotated[Path | None, typer.Option(help="TOML file with [node] and [plugins].")]


@app.command()
def vnet(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="TCP port, 0 for a free one.")] = None,
    *,
    insecure: Annotated[
        bool, typer.Option(help="Listen beyond loopback without certificates.")
    ] = False,
    config: _Config = None,
) -> None:
    """Run a switch until it is told to stop."""
    code: dict[str, Any] = {"alias": "vnet", "host": host, "port": port}
    if insecure:
        code["insecure"] = True
    settings = load_settings(file=config, **{k: v for k, v in code.items() if v is not None})
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    run(_switch(settings))


@app.command()
def status(config: _Config = None) -> None:
    """Show the nodes and services of the network."""
    run(_status(load_settings(file=config, alias="status")))


@app.command("version")
def show_version() -> None:
    """Print the version."""
    print(version("layer8"))  # noqa: T201 - the output of the command


async def _switch(settings: NodeSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no handlers on the loop
            loop.add_signal_handler(number, stop.set)
    async with make_switch(settings) as switch:
        print(f"switch {switch.uuid} listens on {settings.host}:{switch.port}", flush=True)  # noqa: T201
        await stop.wait()


async def _status(settings: NodeSettings) -> None:
    async with Node(settings=settings, bring_switch=False) as node:
        table = Table("node", "alias", "state", "services")
        for info in node.vnic.directory.nodes():
            if info.uuid == node.settings.uuid:
                continue
            services = ", ".join(sorted(f"{key.name}/{key.area}" for key in info.services))
            table.add_row(info.uuid, info.alias, info.state.name.lower(), services)
        Console().print(table)


def main() -> None:
    """Entry point: an error of the ecosystem is one line and exit code 2, never a traceback."""
    try:
        app()
    except L8Error as error:
        print(f"layer8: {error.message}", file=sys.stderr)  # noqa: T201 - the error of the command
        sys.exit(2)
