# SPDX-License-Identifier: Apache-2.0
"""A switch as a process of its own, from its start to its orderly end."""

from __future__ import annotations

import contextlib
import os
import socket
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, cast

from l8types.constants import Plugin
from l8utils import wait_for_end
from layer8._desk import open_desk
from layer8._exporter import Exporter, Health
from layer8._switch import switch_resources

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8types.protocols.net import Switch
    from l8types.settings import NodeSettings

__all__ = ["run_switch", "tell_manager"]


async def run_switch(settings: NodeSettings, ready: Callable[[str], None]) -> None:
    """Run a switch until SIGTERM or SIGINT asks it to end; it closes its connections then.

    Args:
        settings: Of the switch; with ``metrics_port`` it shows its figures.
        ready: Told where it listens, once it does.

    Raises:
        ConfigurationError: The settings cannot work, or a port is in use.
    """
    resources = switch_resources(settings)
    switch = cast("Switch", resources.create(Plugin.SWITCH))
    exporter = Exporter(
        resources.metrics,
        lambda: health_of(switch, settings),
        host=settings.metrics_host,
        port=settings.metrics_port or 0,
    )
    async with AsyncExitStack() as stack:
        if settings.metrics_port is not None:
            # First, and left last: a probe sees the switch come and go.
            await stack.enter_async_context(exporter)
        await stack.enter_async_context(switch)
        await open_desk(switch, resources, stack)
        ready(f"switch {switch.uuid} listens on {settings.host}:{switch.port}")
        if settings.metrics_port is not None:
            ready(f"metrics at http://{settings.metrics_host}:{exporter.port}/metrics")
        tell_manager("READY=1")
        await wait_for_end(f"switch {settings.alias!r}")
        tell_manager("STOPPING=1")


def health_of(switch: Switch, settings: NodeSettings) -> Health:
    """What a probe of a switch is told."""
    nodes = switch.directory.nodes()
    details = {
        "role": "switch",
        "alias": settings.alias,
        "uuid": switch.uuid,
        "port": switch.port,
        "nodes": sum(not node.is_switch for node in nodes),
        "switches": sum(node.is_switch for node in nodes),
    }
    return Health(switch.running, details)


def tell_manager(state: str) -> None:
    """Tell systemd how the process does, when it was started by a unit of ``Type=notify``.

    Args:
        state: For instance ``READY=1``; see the manual of ``sd_notify``.
    """
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path or not hasattr(socket, "AF_UNIX"):
        return
    # An abstract socket is written with an @ in place of its zero byte.
    address = f"\0{path[1:]}" if path.startswith("@") else path
    # Whoever does not listen any more has nothing to be told.
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.sendto(state.encode(), address)
