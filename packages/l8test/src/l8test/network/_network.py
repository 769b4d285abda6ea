# SPDX-License-Identifier: Apache-2.0
"""Builds a network in one process, and waits until all of it agrees."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final, Self, cast

from l8test.network._log import NodeLog
from l8test.network._messages import CountedServices, MessageCounter
from l8test.network._node import Member, NetworkNode, Place, node_resources
from l8test.wait import until
from l8types.constants import Plugin
from l8types.enums import NodeState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

    from l8types.protocols.net import Switch, VNic
    from l8types.protocols.services import ServiceHandler, Services
    from l8types.sla import ServiceLevelAgreement
    from l8types.values import ServiceKey

__all__ = ["Network"]

_CONVERGENCE: Final = 15.0


class Network:
    """Switches that are linked, with nodes at each of them, on free ports of loopback.

    Enter it in the test itself: what fails inside it ends the test then. Nodes are left before
    switches.

    Args:
        directory: For the files of each member.
        switches: How many.
        nodes: How many at each switch.
        resources: ``module:attribute`` of what makes ``Resources`` from settings and ready parts.
        settings: Further fields of ``NodeSettings`` of all members.
        level: Lowest level of the log.

    Attributes:
        nodes: Those that run, by place.
        log: What members logged.
        messages: Messages that reached services.
    """

    def __init__(
        self,
        directory: Path,
        *,
        switches: int = 1,
        nodes: int = 3,
        resources: str = "l8utils:NodeResources",
        settings: Mapping[str, Any] | None = None,
        level: int = logging.INFO,
    ) -> None:
        if switches < 1 or nodes < 1:
            raise ValueError(f"{switches} switches with {nodes} nodes each are no network")
        self.shape = switches, nodes
        self.nodes: dict[Place, NetworkNode] = {}
        self.log = NodeLog(level)
        self.messages = MessageCounter()
        self._directory = directory
        self._maker = resources
        self._settings = dict(settings or {})
        self._switches: dict[int, Member] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start switches and nodes, and wait until all agree.

        Raises:
            TimeoutError: They do not; tells who sees what.
            ConfigurationError: An implementation is not installed, or cannot start.
        """
        self._stack = AsyncExitStack()
        self._stack.enter_context(self.log)
        self._tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        self._stack.push_async_callback(self._close)
        try:
            await self._build()
        except BaseException:
            # Not with the error, which a group of tasks would wrap.
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let everybody leave; what the block raised stays as it is."""
        await self._stack.aclose()

    # Members

    def node(self, switch: int = 1, number: int = 1) -> NetworkNode:
        """A node by its place, both numbers from 1.

        Raises:
            LookupError: None runs there.
        """
        place = Place(switch, number)
        if place not in self.nodes:
            known = ", ".join(sorted(one.name for one in self.nodes)) or "none"
            raise LookupError(f"there is no node {place.name} (nodes: {known})")
        return self.nodes[place]

    def switch(self, number: int = 1) -> Switch:
        """A switch, from 1."""
        return cast("Switch", self._switches[number].end)

    async def stop(self, node: NetworkNode) -> None:
        """Have a node leave, and wait until nobody knows it any more."""
        del self.nodes[node.place]
        await node.member.aclose()
        await self.converged()

    async def renew(self, node: NetworkNode) -> NetworkNode:
        """Have a node leave and come back with a new id and all its services.

        Returns:
            The node in its place, when all agree about it.
        """
        del self.nodes[node.place]
        await node.member.aclose()
        fresh = await self._start_node(node.place)
        for agreement in node.agreements.values():
            await fresh.activate(agreement)
        await self.converged()
        return fresh

    # Services

    async def activate(
        self, agreement: ServiceLevelAgreement, on: Iterable[NetworkNode] | None = None
    ) -> list[ServiceHandler]:
        """Offer a service on nodes and wait until all agree about it.

        Args:
            agreement: Its handler is made anew for each node.
            on: Which nodes, all by default.

        Returns:
            The handlers, in the order of the nodes.
        """
        chosen = list(self.nodes.values() if on is None else on)
        handlers = [await node.activate(agreement) for node in chosen]
        await self.converged()
        return handlers

    def handlers(self, key: ServiceKey) -> list[ServiceHandler]:
        """Handlers of a service on all nodes that serve it, in the order of places."""
        found = [self.nodes[place] for place in sorted(self.nodes)]
        served = [node for node in found if node.resources.services.handler(key) is not None]
        return [node.handler(key) for node in served]

    def reset(self) -> None:
        """Forget messages and log, and have each handler that can ``reset()`` do so."""
        self.messages.clear()
        self.log.clear()
        for node in self.nodes.values():
            for key in node.resources.services.active():
                reset: Callable[[], None] | None = getattr(node.handler(key), "reset", None)
                if reset is not None:
                    reset()

    # What they see

    async def converged(self, within: float = _CONVERGENCE) -> None:
        """Wait until all see exactly each other, the same providers and the same leaders.

        Raises:
            TimeoutError: They do not; tells who sees what.
        """
        try:
            await until(lambda: not self.disagreement(), within)
        except TimeoutError as error:
            problem = self.disagreement()
            raise TimeoutError(f"no agreement within {within} s: {problem}") from error

    def disagreement(self) -> str:
        """Who sees something else than what runs, "" when all agree."""
        ends: list[Switch | VNic] = [member.end for member in self._switches.values()]
        ends += [node.vnic for node in self.nodes.values()]
        expected = sorted(end.uuid for end in ends)
        serving = self._serving()
        for end in ends:
            seen = end.directory.nodes()
            if sorted(one.uuid for one in seen) != expected:
                return f"{end.uuid} sees {sorted(one.alias for one in seen)}"
            if unwell := [one.alias for one in seen if one.state is not NodeState.UP]:
                return f"{end.uuid} sees that {unwell} are not up"
            for key, nodes in serving.items():
                wanted = sorted(node.uuid for node in nodes)
                if sorted(end.directory.providers(key)) != wanted:
                    return f"{end.uuid} sees {key} at {end.directory.providers(key)}"
        return next(filter(None, (_leaderless(*served) for served in serving.items())), "")

    def _serving(self) -> dict[ServiceKey, list[NetworkNode]]:
        found: dict[ServiceKey, list[NetworkNode]] = {}
        for node in self.nodes.values():
            for key in node.resources.services.active():
                found.setdefault(key, []).append(node)
        return found

    # Life of members

    async def _build(self) -> None:
        switches, nodes = self.shape
        for number in range(1, switches + 1):
            await self._start_switch(number)
        for number in range(1, switches + 1):
            for node in range(1, nodes + 1):
                await self._start_node(Place(number, node))
        await self.converged()

    def _fields(self, name: str, port: int) -> dict[str, Any]:
        # The files are of the place: who comes back finds what was left there.
        own = {"alias": name, "port": port, "data_directory": self._directory / name}
        return {**self._settings, **own}

    async def _start_switch(self, number: int) -> None:
        name = Place(number).name
        fields = self._fields(name, 0)
        fields["peers"] = tuple(("127.0.0.1", self.switch(one).port) for one in self._switches)
        resources = node_resources(self._maker, self._directory, settings=fields)
        member = Member(
            name, cast("Switch", resources.create(Plugin.SWITCH)), self._tasks, is_switch=True
        )
        await member.open()
        self._switches[number] = member

    async def _start_node(self, place: Place) -> NetworkNode:
        counted = CountedServices(self.messages, place.name)
        resources = node_resources(
            self._maker,
            self._directory,
            settings=self._fields(place.name, self.switch(place.switch).port),
            services=counted.as_services(),
        )
        counted.inner = cast("Services", resources.create(Plugin.SERVICES))
        member = Member(place.name, cast("VNic", resources.create(Plugin.VNIC)), self._tasks)
        await member.open()
        self.nodes[place] = NetworkNode(place, resources, member)
        return self.nodes[place]

    async def _close(self) -> None:
        for node in reversed(self.nodes.values()):
            await node.member.aclose()
        self.nodes.clear()
        for member in reversed(self._switches.values()):
            await member.aclose()
        self._switches.clear()


def _leaderless(key: ServiceKey, nodes: list[NetworkNode]) -> str:
    """How the nodes that serve something differ about its leader, "" when they do not."""
    known = [node.agreements[key] for node in nodes if key in node.agreements]
    if not known or not all(agreement.stateful for agreement in known):
        # Services that came along with others have no agreement here.
        return ""
    leaders = {node.resources.services.leader(key) for node in nodes}
    if len(leaders) == 1 and leaders <= {node.uuid for node in nodes}:
        return ""
    return f"leaders of {key} are {sorted(leaders)}"
