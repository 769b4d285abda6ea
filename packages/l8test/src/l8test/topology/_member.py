# SPDX-License-Identifier: Apache-2.0
"""One member of a test network: a switch, or a node with or without a service, to be asked."""

from __future__ import annotations

import asyncio
import logging
import os
import traceback
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from l8test.faults._zygote import resolve
from l8test.services import counting_sla
from l8test.topology._ledger import Ledger
from l8test.topology._load import Load
from l8types.constants import Plugin
from l8types.enums import Action, MulticastMode, NodeState, WireProfile
from l8types.settings import NodeSettings
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType
    from typing import Self

    from l8test.faults import Control
    from l8test.faults._control import Json
    from l8types.protocols.net import Switch, VNic
    from l8types.protocols.runtime import Resources

__all__ = ["COUNTED", "Member", "live"]

COUNTED: Final = ServiceKey("Tests")
"""The service of the network."""


class Member:
    """A switch or a node, made from ``Resources``.

    Args:
        resources: ``module:attribute`` of what makes them from settings.
        settings: Fields of ``NodeSettings``, as they fit into JSON; ``data_directory`` among them.
        switch: Whether it is a switch.
        ledger: File that its service writes to; a node without one has no service.
        extension: ``module:function`` of what a node does besides, for services and clients of a
            test: called with this member it returns an asynchronous context manager, entered when
            the node is in the network and left before it leaves; gives what else can be asked.
    """

    def __init__(
        self,
        resources: str,
        settings: Mapping[str, Any],
        *,
        switch: bool = False,
        ledger: str = "",
        extension: str = "",
    ) -> None:
        self._extend = resolve(extension) if extension and not switch else None
        self._further: dict[str, Callable[..., Awaitable[object]]] = {}
        self._make = resolve(resources)
        self._settings = _settings_of(settings)
        self._is_switch = switch
        self._ledger = ledger
        self._stack = AsyncExitStack()
        self._loads: dict[Load, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        """Enter the network, and offer the service."""
        resources = cast("Resources", self._make(self._settings))
        async with AsyncExitStack() as stack:
            self._tasks = await stack.enter_async_context(asyncio.TaskGroup())
            plugin = Plugin.SWITCH if self._is_switch else Plugin.VNIC
            end = cast("Switch | VNic", resources.create(plugin))
            self._end: Switch | VNic = await stack.enter_async_context(end)
            if not self._is_switch:
                stack.push_async_callback(resources.services.aclose)
            if self._ledger:
                ledger = Ledger(Path(self._ledger), self._settings.alias)
                await resources.services.activate(
                    counting_sla(ledger, name=COUNTED.name, area=COUNTED.area), self.vnic
                )
            self._resources = resources
            if self._extend is not None:
                self._further = dict(await stack.enter_async_context(self._extend(self)))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave it."""
        for load in self._loads:
            load.stop()
        await self._stack.aclose()

    @property
    def vnic(self) -> VNic:
        """The interface of a node."""
        return cast("VNic", self._end)

    @property
    def serving(self) -> bool:
        """Whether it has the service of the network."""
        return bool(self._ledger)

    @property
    def switch(self) -> Switch:
        """The switch."""
        return cast("Switch", self._end)

    @property
    def commands(self) -> dict[str, Callable[..., Awaitable[object]]]:
        """What can be asked of it."""
        return {
            "about": self.about,
            "view": self.view,
            "connect": self.connect,
            "figures": self.figures,
            "reports": self.reports,
            "ask": self.ask,
            "tell": self.tell,
            "load": self.load,
            "loaded": self.loaded,
            "report": self.report,
            "memory": self.memory,
            **self._further,
        }

    async def about(self) -> dict[str, Any]:
        """Its id, and the port where a switch listens."""
        if self._is_switch:
            return {"uuid": self.switch.uuid, "port": self.switch.port}
        return {"uuid": self.vnic.uuid, "port": 0}

    async def view(self) -> dict[str, Any]:
        """The network as it sees it: nodes, who is not up, providers, leader."""
        directory = self._end.directory
        nodes = directory.nodes()
        return {
            "nodes": sorted(node.uuid for node in nodes),
            "names": sorted(node.alias for node in nodes),
            "unwell": sorted(node.alias for node in nodes if node.state is not NodeState.UP),
            "providers": sorted(directory.providers(COUNTED)),
            "leader": "" if self._is_switch else self._resources.services.leader(COUNTED),
        }

    async def connect(self, host: str, port: int) -> None:
        """Have a switch link to another one."""
        await self.switch.connect(host, port)

    async def figures(self) -> dict[str, Any]:
        """What it counted; names are those of its implementation."""
        statistics = cast("Json", self._end).statistics()
        return {
            name: value
            for name in statistics.__slots__
            if isinstance(value := getattr(statistics, name), int | float)
        }

    async def reports(self) -> dict[str, int]:
        """How many messages the nodes and switches that it knows say they have sent, by name."""
        nodes = self._end.directory.nodes()
        return {node.alias: node.statistics.tx_messages for node in nodes}

    async def ask(self, text: str, target: str = "", timeout: float = 5.0) -> list[object]:
        """Send a request and return the values of the answer."""
        answer = await self.vnic.request(
            target or MulticastMode.ROUND_ROBIN,
            COUNTED.name,
            COUNTED.area,
            Action.PUT,
            [text],
            timeout=timeout,
        )
        return list(answer.values)

    async def tell(self, text: str) -> None:
        """Send a message to all."""
        await self.vnic.send(MulticastMode.ALL, COUNTED.name, COUNTED.area, Action.PATCH, [text])

    async def load(self, pace: float = 0.05, timeout: float = 5.0, target: str = "") -> None:
        """Begin to ask the service again and again."""
        load = Load(self.vnic, COUNTED, pace=pace, timeout=timeout, target=target)
        self._loads[load] = self._tasks.create_task(load.run(), name="member: load")

    async def loaded(self) -> list[dict[str, Any]]:
        """How its loads do so far."""
        return [load.report() for load in self._loads]

    async def report(self) -> list[dict[str, Any]]:
        """End its loads, and tell how their requests ended."""
        for load in self._loads:
            load.stop()
        for task in self._loads.values():
            await task
        reports = await self.loaded()
        self._loads.clear()
        return reports

    async def memory(self) -> int:
        """Bytes of memory that its process occupies."""
        return _resident_bytes()


class _Troubles(logging.Handler):
    """Collects what calls for a person: errors that are logged, exceptions that nobody caught."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        cause = (
            "" if record.exc_info is None else "".join(traceback.format_exception(*record.exc_info))
        )
        self.seen.append(f"{record.name}: {record.getMessage()}\n{cause}")

    def unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Keep what the event loop has nobody else to tell."""
        self.seen.append(f"event loop: {context!r}")
        loop.default_exception_handler(context)

    async def troubles(self) -> list[str]:
        """All of it."""
        return self.seen


async def live(control: Control, **arguments: Json) -> None:
    """Program of a process that is one member.

    Args:
        control: The test.
        **arguments: Those of :class:`Member`.
    """
    watch = _Troubles()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", level="WARNING")
    logging.getLogger().addHandler(watch)
    asyncio.get_running_loop().set_exception_handler(watch.unhandled)
    async with Member(**arguments) as member:
        await control.serve({**member.commands, "troubles": watch.troubles})


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _settings_of(fields: Mapping[str, Any]) -> NodeSettings:
    own = dict(fields)
    own["peers"] = tuple((str(host), int(port)) for host, port in own.get("peers", ()))
    own["profile"] = WireProfile(own.get("profile", WireProfile.NATIVE))
    if "data_directory" not in own:
        raise ValueError("a member of a test network needs a data_directory of its own")
    own["data_directory"] = Path(own["data_directory"])
    return NodeSettings(**own)
