# SPDX-License-Identifier: Apache-2.0
"""What a person wants to know of a network, worked out from the directory of its nodes.

A synchronous core: records, leaders and the time go in, rows come out. It neither joins a network
nor draws a table.
"""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from l8types.enums import NodeState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from l8types.values import NodeInfo, NodeStatistics, ServiceKey

__all__ = [
    "Leader",
    "LinkRow",
    "NetworkView",
    "NodeRow",
    "RateMeter",
    "Rates",
    "ServiceRow",
    "view_of",
]


@dataclass(frozen=True, slots=True)
class Rates:
    """Traffic per second."""

    tx_messages: float
    tx_bytes: float
    rx_messages: float
    rx_bytes: float


@dataclass(frozen=True, slots=True)
class Leader:
    """Who leads a service."""

    uuid: str
    """Id of the node, "" when there is none."""
    epoch: int = 0
    why: str = ""
    """When and why it became the leader, "" when nothing is known."""


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One node, or a switch."""

    alias: str
    uuid: str
    switch: str
    """Alias of the switch behind which it lives, its id when the switch is not known."""
    is_switch: bool
    state: str
    services: tuple[str, ...]
    memory_bytes: int | None
    cpu_ratio: float | None
    """Share of all cores, 0 to 1."""
    uptime: float | None
    """Seconds since its start."""
    rates: Rates | None
    """``None`` until two of its reports were seen."""


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """One service."""

    name: str
    area: int
    model: str
    providers: tuple[str, ...]
    """Aliases of the live nodes that offer it."""
    leader: str
    """Alias of the leader, "" when there is none."""
    epoch: int
    why: str


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link between the switch through which the network is seen and another one."""

    switch: str
    other: str
    state: str


@dataclass(frozen=True, slots=True)
class NetworkView:
    """The network at one moment."""

    through: str
    """Alias of the switch through which it is seen."""
    nodes: tuple[NodeRow, ...]
    services: tuple[ServiceRow, ...]
    links: tuple[LinkRow, ...]

    def to_json(self) -> dict[str, object]:
        """The same as values of JSON."""
        return asdict(self)


def view_of(
    nodes: Iterable[NodeInfo],
    *,
    me: str,
    now: float,
    leaders: Mapping[ServiceKey, Leader] | None = None,
    rates: Mapping[str, Rates] | None = None,
) -> NetworkView:
    """Work out what there is to see.

    Args:
        nodes: Records of the directory.
        me: Id of the node that looks; it is left out.
        now: Unix seconds.
        leaders: Of the services, as far as known.
        rates: Of the nodes, as far as known.
    """
    known = {node.uuid: node for node in nodes}
    home = known[me].switch if me in known else ""
    others = sorted((n for n in known.values() if n.uuid != me), key=_order)
    aliases = {node.uuid: node.alias or node.uuid for node in known.values()}
    switches = [node for node in others if node.is_switch and node.uuid != home]
    return NetworkView(
        through=aliases.get(home, home),
        nodes=tuple(_node_row(node, aliases, now, (rates or {}).get(node.uuid)) for node in others),
        services=tuple(_service_rows(others, aliases, leaders or {})),
        links=tuple(
            LinkRow(aliases.get(home, home), aliases[node.uuid], _state(node)) for node in switches
        ),
    )


def _order(node: NodeInfo) -> tuple[bool, str, str]:
    """Switches first, then by name."""
    return not node.is_switch, node.alias, node.uuid


def _state(node: NodeInfo) -> str:
    return node.state.name.lower()


def _node_row(
    node: NodeInfo, aliases: Mapping[str, str], now: float, rates: Rates | None
) -> NodeRow:
    figures = node.statistics
    return NodeRow(
        alias=node.alias,
        uuid=node.uuid,
        switch=aliases.get(node.switch, node.switch),
        is_switch=node.is_switch,
        state=_state(node),
        services=tuple(str(key) for key in sorted(node.services)),
        memory_bytes=figures.memory_bytes if figures.memory_bytes >= 0 else None,
        cpu_ratio=figures.cpu_ratio if figures.cpu_ratio >= 0 else None,
        # Clocks of two machines may differ a little.
        uptime=max(0.0, now - node.started) if node.started > 0 else None,
        rates=rates,
    )


def _service_rows(
    nodes: Iterable[NodeInfo], aliases: Mapping[str, str], leaders: Mapping[ServiceKey, Leader]
) -> Iterable[ServiceRow]:
    providers: dict[ServiceKey, list[str]] = {}
    models: dict[ServiceKey, str] = {}
    for node in nodes:
        for key, model in node.services.items():
            live = providers.setdefault(key, [])
            models[key] = models.get(key) or model
            if node.state is NodeState.UP:
                live.append(aliases[node.uuid])
    for key in sorted(providers):
        leader = leaders.get(key, Leader(""))
        yield ServiceRow(
            name=key.name,
            area=key.area,
            model=models[key],
            providers=tuple(sorted(providers[key])),
            leader=aliases.get(leader.uuid, leader.uuid),
            epoch=leader.epoch,
            why=leader.why,
        )


_REPORTS: Final = 3
"""Reports over which a rate is taken: of two alone, one that comes late makes the rate jump."""


class RateMeter:
    """Rates of nodes from the figures that they report now and then."""

    def __init__(self) -> None:
        self._reports: dict[str, deque[tuple[float, NodeStatistics]]] = {}

    def observe(self, node: NodeInfo, now: float) -> None:
        """Take a record of the directory.

        Args:
            node: The record; one whose figures are the last ones is no report.
            now: Monotonic seconds at which it came.
        """
        reports = self._reports.setdefault(node.uuid, deque(maxlen=_REPORTS))
        figures = node.statistics
        if reports:
            before, last = reports[-1]
            if figures == last or now <= before:
                return
            if figures.tx_bytes < last.tx_bytes or figures.rx_bytes < last.rx_bytes:
                # It was started again and counts from zero.
                reports.clear()
        reports.append((now, figures))

    def forget(self, uuid: str) -> None:
        """The node has gone."""
        self._reports.pop(uuid, None)

    def rates(self) -> dict[str, Rates]:
        """Rates of all nodes of which there were two reports."""
        return {
            uuid: _rates(reports[0], reports[-1])
            for uuid, reports in self._reports.items()
            if len(reports) > 1
        }


def _rates(first: tuple[float, NodeStatistics], last: tuple[float, NodeStatistics]) -> Rates:
    seconds, one, other = last[0] - first[0], first[1], last[1]
    return Rates(
        tx_messages=max(0, other.tx_messages - one.tx_messages) / seconds,
        tx_bytes=(other.tx_bytes - one.tx_bytes) / seconds,
        rx_messages=max(0, other.rx_messages - one.rx_messages) / seconds,
        rx_bytes=(other.rx_bytes - one.rx_bytes) / seconds,
    )
