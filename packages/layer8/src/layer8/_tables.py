# SPDX-License-Identifier: Apache-2.0
"""A view of a network as tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from layer8._view import NetworkView, NodeRow, Rates

__all__ = ["duration", "quantity", "render"]

_STYLES: Final = {"up": "green", "unreachable": "yellow", "down": "red"}
_UNKNOWN: Final = "-"
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_SHORT_ID: Final = 8


def render(view: NetworkView) -> RenderableType:
    """All tables that have rows."""
    parts: list[RenderableType] = [_nodes(view)]
    if view.services:
        parts.append(_services(view))
    if view.links:
        parts.append(_links(view))
    return Group(*parts)


def _nodes(view: NetworkView) -> Table:
    table = _table(f"nodes, seen through {view.through}")
    for name in ("node", "id", "switch", "state"):
        table.add_column(name, no_wrap=True)
    for name in ("memory", "cpu", "up for"):
        table.add_column(name, justify="right", no_wrap=True)
    rated = any(node.rates for node in view.nodes)
    for name in ("sent/s", "received/s") if rated else ():
        table.add_column(name, justify="right", no_wrap=True)
    for node in view.nodes:
        table.add_row(*_node_cells(node), *(_traffic(node.rates) if rated else ()))
    return table


def _table(title: str, *columns: str) -> Table:
    return Table(
        *columns,
        title=title,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )


def _node_cells(node: NodeRow) -> tuple[Text, ...]:
    return (
        Text(node.alias),
        Text(node.uuid[:_SHORT_ID]),
        Text("(switch)" if node.is_switch else node.switch),
        Text(node.state, style=_STYLES.get(node.state, "")),
        Text(_UNKNOWN if node.memory_bytes is None else quantity(node.memory_bytes)),
        Text(_UNKNOWN if node.cpu_ratio is None else f"{node.cpu_ratio:.1%}"),
        Text(_UNKNOWN if node.uptime is None else duration(node.uptime)),
    )


def _traffic(rates: Rates | None) -> tuple[str, str]:
    if rates is None:
        return _UNKNOWN, _UNKNOWN
    return (
        f"{rates.tx_messages:.0f} / {quantity(rates.tx_bytes)}",
        f"{rates.rx_messages:.0f} / {quantity(rates.rx_bytes)}",
    )


def _services(view: NetworkView) -> Table:
    table = _table("services")
    for name in ("service", "area", "model", "providers", "leader", "epoch", "why"):
        table.add_column(name, justify="right" if name in {"area", "epoch"} else "left")
    for row in view.services:
        table.add_row(
            Text(row.name),
            str(row.area),
            Text(row.model),
            Text(", ".join(row.providers) or "none alive"),
            Text(row.leader or _UNKNOWN),
            str(row.epoch or _UNKNOWN),
            Text(row.why),
        )
    return table


def _links(view: NetworkView) -> Table:
    table = _table("links", "switch", "other switch", "state")
    for row in view.links:
        state = Text(row.state, style=_STYLES.get(row.state, ""))
        table.add_row(Text(row.switch), Text(row.other), state)
    return table


def quantity(size_bytes: float) -> str:
    """Bytes in the unit that a person reads best."""
    amount, unit = float(size_bytes), _UNITS[0]
    for unit in _UNITS:
        if amount < 1024 or unit == _UNITS[-1]:
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"


def duration(seconds: float) -> str:
    """Seconds as the two greatest units that are there."""
    rest, parts = int(seconds), []
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        amount, rest = divmod(rest, size)
        parts.append((amount, unit))
    shown = [f"{amount}{unit}" for amount, unit in parts if amount]
    return " ".join(shown[:2]) or "0s"
