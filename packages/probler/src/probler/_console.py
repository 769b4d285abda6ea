# SPDX-License-Identifier: Apache-2.0
"""What the example shows on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from probler._supervisor import NodeProcess

__all__ = ["CONSOLE", "status_view"]

CONSOLE = Console(highlight=False)
"""Where everything goes; one object, so that a live view and other lines do not mix."""


def status_view(
    nodes: Mapping[str, NodeProcess], devices: Iterable[tuple[str, str, str, int]], footer: str
) -> Group:
    """The live status: processes, devices, where to look.

    Args:
        nodes: Processes by name.
        devices: Id, name, status and number of interfaces of each device.
        footer: Last line.
    """
    processes = Table("node", "process", "state", "restarts", title="Nodes", title_justify="left")
    for name, node in nodes.items():
        state = Text("running", "green") if node.alive else Text("ended", "red")
        processes.add_row(name, str(node.pid), state, str(node.restarts))
    inventory = Table("id", "name", "status", "interfaces", title="Devices", title_justify="left")
    for device, name, status, interfaces in devices:
        style = "green" if status == "online" else "yellow"
        inventory.add_row(device, name, Text(status, style), str(interfaces))
    return Group(processes, inventory, Text.from_markup(footer))
