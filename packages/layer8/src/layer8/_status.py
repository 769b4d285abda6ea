# SPDX-License-Identifier: Apache-2.0
"""Looks at a network: joins it as a node without services, and watches its directory."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final, cast

from l8types.enums import Action, DirectoryEventType, NodeState
from l8types.errors import InvalidInputError, L8Error, NotFoundError, UnavailableError
from layer8._node import Node
from layer8._view import Leader, RateMeter, view_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from l8types.pb import L8Health
    from l8types.settings import NodeSettings
    from l8types.values import DirectoryEvent, NodeInfo, ServiceKey
    from layer8._view import NetworkView

__all__ = ["Observer", "observe"]

_FIRST_LOOK: Final = 1.0
"""Seconds in which a switch that is there lets a node in, unless the machine is very busy."""
_ANSWER: Final = 1.0
"""Seconds in which a node answers who leads; a view without a leader is better than none."""
_QUESTIONS: Final = 32
"""Questions that wait for answers at a time."""
_REPORTS: Final = 3
"""Keep-alive intervals in which every live node has reported twice."""


class Observer:
    """Sees the network through one of its nodes.

    Args:
        node: The node; it was entered.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._meter = RateMeter()
        self._news = asyncio.Event()
        self._watch = node.vnic.directory.watch(self._changed)

    def close(self) -> None:
        """Look no longer."""
        self._watch.close()

    async def look(self) -> NetworkView:
        """What is there now."""
        nodes = self._node.vnic.directory.nodes()
        return view_of(
            nodes,
            me=self._node.settings.uuid,
            now=self._node.resources.clock.now(),
            leaders=await self._leaders(nodes),
            rates=self._meter.rates(),
        )

    async def _leaders(self, nodes: Iterable[NodeInfo]) -> dict[ServiceKey, Leader]:
        """Leaders as the nodes tell that take part; all are asked at once."""
        leaders: dict[ServiceKey, Leader] = {}
        gate = asyncio.Semaphore(_QUESTIONS)

        async def ask(key: ServiceKey) -> None:
            async with gate:
                leader = await self._ask_leader(key)
            if leader is not None:
                leaders[key] = leader

        async with asyncio.TaskGroup() as group:
            for key in {key for node in nodes for key in node.services}:
                group.create_task(ask(key), name=f"status: leader of {key}")
        return leaders

    async def _ask_leader(self, key: ServiceKey) -> Leader | None:
        vnic = self._node.vnic
        for provider in vnic.directory.providers(key)[:1]:
            try:
                answer = await vnic.request(
                    provider, key.name, key.area, Action.LEADER_QUERY, timeout=_ANSWER
                )
            except L8Error:
                # It may be gone, or be a node that answers no such question.
                continue
            match answer.values:
                case [str(uuid), int(epoch), str(why)]:
                    return Leader(uuid, epoch, why)
        return None

    async def profile(self, name: str, seconds: float) -> str:
        """What the threads of a node or switch do for a while, as lines of stacks with counts.

        Args:
            name: Its alias, or its id where several have the same alias.
            seconds: How long; up to 60.

        Raises:
            NotFoundError: There is no such node, or it does not let itself be profiled.
            InvalidInputError: Several have this alias, or the time makes no sense.
            BusyError: Somebody else profiles it.
        """
        nodes = self._node.vnic.directory.nodes()
        found = [node for node in nodes if name in {node.uuid, node.alias}]
        if not found:
            raise NotFoundError(f"no node {name!r} in the network")
        if len(found) > 1:
            ids = ", ".join(node.uuid for node in found)
            raise InvalidInputError(f"several nodes are called {name!r}; name one of {ids}")
        answer = await self._node.vnic.request(
            found[0].uuid,
            "Profile",
            0,
            Action.GET,
            seconds,
            timeout=2 * max(seconds, 0.0) + self._node.settings.request_timeout,
        )
        return cast("L8Health", answer.first).pprof_cpu.decode(errors="replace")

    async def wait_rates(self) -> None:
        """Wait until every live node has reported twice, or should have."""
        limit = _REPORTS * self._node.settings.keep_alive
        try:
            async with asyncio.timeout(limit):
                while not self._complete():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return

    def _complete(self) -> bool:
        rates = self._meter.rates()
        me = self._node.settings.uuid
        return all(
            node.uuid in rates or node.uuid == me or node.state is not NodeState.UP
            for node in self._node.vnic.directory.nodes()
        )

    def _changed(self, event: DirectoryEvent) -> None:
        if event.type is DirectoryEventType.LEFT:
            self._meter.forget(event.node.uuid)
        else:
            self._meter.observe(event.node, self._node.resources.clock.monotonic())
        self._news.set()


@asynccontextmanager
async def observe(settings: NodeSettings) -> AsyncIterator[Observer]:
    """Join a network to look at it.

    Args:
        settings: Where the switch is; ``request_timeout`` is how long it may take to answer.

    Raises:
        UnavailableError: There is no switch; told at once, not after the time-out.
        HandshakeError: The switch and this side do not agree.
        L8Error: The switch refused.
    """
    async with AsyncExitStack() as stack:
        node = await _join(settings, stack)
        observer = Observer(node)
        stack.callback(observer.close)
        yield observer


async def _join(settings: NodeSettings, stack: AsyncExitStack) -> Node:
    """Enter a node; when that takes long, see whether anybody listens before waiting on."""
    first = min(_FIRST_LOOK, settings.request_timeout)
    hasty = dataclasses.replace(settings, request_timeout=first)
    try:
        return await stack.enter_async_context(Node(settings=hasty, bring_switch=False))
    except UnavailableError:
        if first == settings.request_timeout:
            raise
    await _knock(settings)
    return await stack.enter_async_context(Node(settings=settings, bring_switch=False))


async def _knock(settings: NodeSettings) -> None:
    """Return when somebody listens at the port.

    Raises:
        UnavailableError: Nobody does.
    """
    where = f"{settings.host}:{settings.port}"
    try:
        async with asyncio.timeout(settings.request_timeout):
            _, writer = await asyncio.open_connection(settings.host, settings.port)
    except TimeoutError as error:
        limit = f"{settings.request_timeout:g} s"
        raise UnavailableError(f"no switch answers at {where} within {limit}") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnavailableError(
            f"no switch at {where}: {reason}; is it running? 'layer8 vnet' starts one"
        ) from error
    writer.close()
