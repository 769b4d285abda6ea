# SPDX-License-Identifier: Apache-2.0
"""The command ``layer8``.

It ends with 0 after an orderly end, with 2 and one line on standard error when it was asked for
something that cannot be, and with 1 and a traceback for a fault of its own.

What a command needs is imported when it runs: help is there at once.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

import typer

from l8types.errors import L8Error
from layer8 import _options as opt
from layer8._cli_certs import certs
from layer8._config import parse_peers
from layer8._loop import run
from layer8._options import settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from l8types.settings import NodeSettings

__all__ = ["app", "main"]

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Run and inspect Layer 8 nodes.")
app.add_typer(certs, name="certs")


@app.command()
def vnet(  # noqa: PLR0913 - the options of a command are its arguments
    host: opt.ListenHost = None,
    port: opt.ListenPort = None,
    peer: opt.Peers = None,
    advertise_host: opt.AdvertiseHost = None,
    dns_name: opt.DnsName = None,
    *,
    discovery: opt.DiscoveryFlag = None,
    discovery_port: opt.DiscoveryPort = None,
    discovery_address: opt.DiscoveryAddress = None,
    profile: opt.Profile = None,
    certs: opt.Certs = None,
    insecure: opt.Insecure = False,
    alias: opt.Alias = None,
    data_directory: opt.DataDirectory = None,
    keep_alive: opt.KeepAlive = None,
    metrics: opt.Metrics = None,
    metrics_host: opt.MetricsHost = None,
    log_level: opt.LogLevel = "info",
    log_json: opt.LogJson = False,
    log_file: opt.LogFile = None,
    config: opt.Config = None,
) -> None:
    """Run a switch until SIGTERM or Ctrl-C."""
    options = {
        "host": host,
        "port": port,
        "peers": parse_peers(",".join(peer), "--peer") if peer else None,
        "advertise_host": advertise_host,
        "dns_name": dns_name,
        "discovery": discovery,
        "discovery_port": discovery_port,
        "discovery_address": discovery_address,
        "profile": profile,
        "insecure": insecure or None,
        "alias": alias,
        "data_directory": data_directory,
        "keep_alive": keep_alive,
        "metrics_port": metrics,
        "metrics_host": metrics_host,
    }
    from l8utils import LogSettings, logging_session  # noqa: PLC0415
    from layer8._daemon import run_switch  # noqa: PLC0415

    settings = settings_of(options, config=config, certs=certs, default_alias="vnet")
    log = LogSettings(level=opt.log_level(log_level), json=log_json, file=log_file)
    with logging_session(log):
        run(run_switch(settings, _say))


@app.command()
def status(
    *,
    watch: opt.Watch = False,
    as_json: opt.AsJson = False,
    rates: opt.WithRates = False,
    interval: opt.Interval = 2.0,
    timeout: opt.Timeout = None,
    host: opt.SwitchHost = None,
    port: opt.SwitchPort = None,
    certs: opt.Certs = None,
    data_directory: opt.DataDirectory = None,
    config: opt.Config = None,
) -> None:
    """Show nodes, services, leaders, links and traffic of the network."""
    settings = _visitor(
        {"host": host, "port": port, "request_timeout": timeout, "data_directory": data_directory},
        config=config,
        certs=certs,
    )
    with suppress(KeyboardInterrupt):
        run(_show(settings, watch=interval if watch else 0.0, as_json=as_json, rates=rates))


@app.command()
def profile(
    node: opt.NodeName,
    *,
    seconds: opt.Seconds = 5.0,
    timeout: opt.Timeout = None,
    host: opt.SwitchHost = None,
    port: opt.SwitchPort = None,
    certs: opt.Certs = None,
    data_directory: opt.DataDirectory = None,
    config: opt.Config = None,
) -> None:
    """Show what a node spends its time on, as text for flame graphs; it has to allow that."""
    settings = _visitor(
        {"host": host, "port": port, "request_timeout": timeout, "data_directory": data_directory},
        config=config,
        certs=certs,
    )
    with suppress(KeyboardInterrupt):
        run(_profile(settings, node, seconds))


@app.command()
def dev(
    target: opt.Targets,
    *,
    data_directory: opt.DataDirectory = None,
    log_level: opt.LogLevel = "warning",
    config: opt.Config = None,
) -> None:
    """Run nodes in one process, and start them again whenever their code changes."""
    from layer8._dev import run_dev  # noqa: PLC0415

    options = {"data_directory": data_directory}
    settings = settings_of(options, config=config, certs=None, default_alias="dev")
    # Each node would need a port of its own for its figures.
    settings = replace(settings, metrics_port=None)
    logging.basicConfig(level=opt.log_level(log_level))
    run(run_dev(target, settings, _say))


@app.command("version")
def show_version() -> None:
    """Print the version."""
    _say(version("layer8"))


def _visitor(
    options: Mapping[str, object], *, config: Path | None, certs: Path | None
) -> NodeSettings:
    """Settings of a command that joins a network to look at it."""
    named = {"alias": "status", **options}
    settings = settings_of(named, config=config, certs=certs, default_alias="")
    # What goes wrong is told by the one line at the end.
    logging.basicConfig(level=logging.CRITICAL)
    # A look at the network has no figures of its own, and its port may be that of a node.
    return replace(settings, metrics_port=None)


async def _profile(settings: NodeSettings, node: str, seconds: float) -> None:
    from layer8._status import observe  # noqa: PLC0415

    async with observe(settings) as observer:
        _say((await observer.profile(node, seconds)).rstrip())


async def _show(settings: NodeSettings, *, watch: float, as_json: bool, rates: bool) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415

    from layer8._status import observe  # noqa: PLC0415
    from layer8._tables import render  # noqa: PLC0415

    async with observe(settings) as observer:
        if rates:
            await observer.wait_rates()
        if as_json:
            _say(json.dumps((await observer.look()).to_json()))
            while watch:
                await asyncio.sleep(watch)
                _say(json.dumps((await observer.look()).to_json()))
        elif watch:
            with Live(render(await observer.look()), auto_refresh=False) as live:
                while True:
                    await asyncio.sleep(watch)
                    live.update(render(await observer.look()), refresh=True)
        else:
            Console().print(render(await observer.look()))


def _say(text: str) -> None:
    """The output of a command."""
    print(text, flush=True)  # noqa: T201 - the output of the command


def main() -> None:
    """Entry point: an error of the ecosystem is one line and exit code 2, never a traceback."""
    refused = False
    try:
        app()
    except* L8Error as group:
        refused = True
        for line in _messages(group):
            print(f"layer8: {line}", file=sys.stderr)  # noqa: T201 - the error of the command
    if refused:
        sys.exit(2)


def _messages(group: BaseExceptionGroup[L8Error]) -> Iterator[str]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _messages(error)
        else:
            yield error.message
