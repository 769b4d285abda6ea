# SPDX-License-Identifier: Apache-2.0
"""The options of the commands, and the settings that follow from them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from l8types.enums import WireProfile
from l8types.errors import ConfigurationError
from layer8._config import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from l8types.settings import NodeSettings

__all__ = ["settings_of"]

Targets = Annotated[
    list[str],
    typer.Argument(help="MODULE:FUNCTION or FILE.py:FUNCTION that sets up a node; one per node."),
]
Config = Annotated[
    Path | None, typer.Option(help="TOML file with the tables node, vnic and plugins.")
]
Certs = Annotated[
    Path | None, typer.Option("--certs", help="Folder with cert.pem, key.pem and ca.pem, for TLS.")
]
DataDirectory = Annotated[Path | None, typer.Option(help="Where the node keeps its files.")]

# Of a switch

ListenHost = Annotated[str | None, typer.Option("--host", help="Address to listen on.")]
ListenPort = Annotated[int | None, typer.Option("--port", help="TCP port, 0 for a free one.")]
Peers = Annotated[
    list[str] | None,
    typer.Option("--peer", help="Another switch to link to, HOST:PORT; may be repeated."),
]
AdvertiseHost = Annotated[
    str | None, typer.Option(help="Name or address under which other switches reach it.")
]
DnsName = Annotated[
    str | None, typer.Option(help="Name that resolves to the addresses of all switches.")
]
DiscoveryFlag = Annotated[
    bool | None,
    typer.Option("--discovery/--no-discovery", help="Find other switches by datagrams."),
]
DiscoveryPort = Annotated[int | None, typer.Option(help="UDP port of discovery.")]
DiscoveryAddress = Annotated[
    str | None, typer.Option(help="Broadcast or multicast address of discovery.")
]
Profile = Annotated[WireProfile | None, typer.Option(help="Wire format.")]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Listen beyond loopback without certificates.")
]
Alias = Annotated[str | None, typer.Option(help="Name of the switch in logs and views.")]
KeepAlive = Annotated[float | None, typer.Option(help="Seconds between reports.")]
Metrics = Annotated[int | None, typer.Option(help="TCP port of /metrics, /health and /live.")]
MetricsHost = Annotated[str | None, typer.Option(help="Address of that port.")]


def log_level(text: str) -> int:
    """Number of a log level.

    Raises:
        ConfigurationError: There is none of this name.
    """
    level = LEVELS.get(text.lower())
    if level is None:
        raise ConfigurationError(f"log level {text!r} is none of {', '.join(LEVELS)}")
    return level


LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
LogLevel = Annotated[str, typer.Option(help=f"One of {', '.join(LEVELS)}.")]
LogJson = Annotated[bool, typer.Option("--log-json", help="One JSON object per line.")]
LogFile = Annotated[Path | None, typer.Option(help="Log to this file too; it is rotated.")]

# Of a look at the network

Watch = Annotated[bool, typer.Option("--watch", help="Go on until Ctrl-C.")]
AsJson = Annotated[
    bool, typer.Option("--json", help="JSON instead of tables; with --watch a line each.")
]
WithRates = Annotated[
    bool, typer.Option("--rates", help="Wait until the nodes have reported their traffic.")
]
NodeName = Annotated[str, typer.Argument(help="Alias or id of a node or switch.")]
Seconds = Annotated[float, typer.Option(help="How long.", min=0.1, max=60.0)]
Interval = Annotated[float, typer.Option(help="Seconds between two looks.", min=0.1)]
Timeout = Annotated[float | None, typer.Option(help="Seconds in which the switch has to answer.")]
SwitchHost = Annotated[str | None, typer.Option("--host", help="Address of the switch.")]
SwitchPort = Annotated[int | None, typer.Option("--port", help="TCP port of the switch.")]


def settings_of(
    options: Mapping[str, object], *, config: Path | None, certs: Path | None, default_alias: str
) -> NodeSettings:
    """Settings of a command; options win over the file, and the file over the environment.

    Args:
        options: Fields of ``NodeSettings``; those that are ``None`` were not given.
        config: TOML file.
        certs: Folder with certificate, key and authority.
        default_alias: Name of the node when nobody says another.

    Raises:
        ConfigurationError: They cannot work.
    """
    code = {name: value for name, value in options.items() if value is not None}
    if certs is not None:
        names = {"certificate": "cert.pem", "key": "key.pem", "authority": "ca.pem"}
        code |= {f"tls_{part}": certs / name for part, name in names.items()}
    return load_settings(file=config, environment=None, default_alias=default_alias, **code)
