# SPDX-License-Identifier: Apache-2.0
"""The example as a whole: simulated devices, the nodes as processes, a client of the gateway."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from collect.model import L8PTarget, NetworkDevice
from l8secure import ADMIN_PASSWORD_FILE
from l8types.enums import SerializerMode
from l8types.errors import ClosedError, ConfigurationError
from l8utils import NodeResources
from l8web import RestClient
from layer8 import load_settings
from probler._roles import INVENTORY, ROLES, TARGETS
from probler._supervisor import NodeSpec, Supervisor
from probler._targets import target_of
from probler.sim import SimulatedFleet, profiles_named

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from l8types.settings import NodeSettings

__all__ = ["Demo", "DemoOptions", "by_id"]


def by_id(device: str) -> str:
    """Query for one device."""
    return f"select * from NetworkDevice where id='{device}'"  # noqa: S608 - never reaches SQL


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the example is made of."""

    data: Path
    """Directory of the database, the accounts and the logs."""
    devices: int = 5
    """Simulated devices."""
    web_port: int = 0
    """Port of the gateway, 0 for a free one."""
    announce: Callable[[str], None] = field(default=print)
    """Told one line about each step."""


class Demo:
    """Starts everything in order and stops it in reverse; an async context manager."""

    def __init__(self, options: DemoOptions) -> None:
        self._options = options
        self._stack = AsyncExitStack()
        self.fleet = SimulatedFleet(profiles_named((), options.devices))
        self.supervisor = Supervisor(options.data / "logs", options.announce)
        self.url = ""
        self.port = 0
        self._client: RestClient | None = None

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            if self._options.web_port:
                _check_free(self._options.web_port)
            await stack.enter_async_context(self.fleet)
            self._options.announce(f"{len(self.fleet.devices)} simulated devices answer SNMP")
            await stack.enter_async_context(self.supervisor)
            for role in ROLES:
                await self._start(role)
            self._client = await stack.enter_async_context(self.client())
            await self._client.login("admin", self.password)
            if self.fleet.devices:
                await self.add_targets(
                    target_of(device.id, device.host, device.port) for device in self.fleet.devices
                )
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    @property
    def rest(self) -> RestClient:
        """Client of the gateway, logged in as administrator."""
        if self._client is None:
            raise ClosedError("the example does not run")
        return self._client

    @property
    def password(self) -> str:
        """Password of the user ``admin``, made by the first start on this directory."""
        path = self._options.data / "security" / ADMIN_PASSWORD_FILE
        try:
            return path.read_text(encoding="ascii").strip()
        except OSError as error:
            raise ConfigurationError(
                f"{path} is gone, so nobody can log in; start with --fresh"
            ) from error

    def client(self) -> RestClient:
        """A client that has not logged in yet."""
        resources = NodeResources(self.settings("client"))
        resources.register(NetworkDevice, L8PTarget)
        return RestClient(self.url, resources.serializer(SerializerMode.JSON), timeout=15)

    def settings(self, alias: str) -> NodeSettings:
        """Settings with which a further node joins the network of the example."""
        return load_settings(
            alias=alias, port=self.port, data_directory=self._options.data, request_timeout=10.0
        )

    async def add_targets(self, targets: Iterable[L8PTarget]) -> None:
        """Have devices polled."""
        await self.rest.post(TARGETS.name, *targets, area=TARGETS.area)

    async def devices(
        self, query: str = "select * from NetworkDevice sort-by id"
    ) -> list[NetworkDevice]:
        """Devices as the gateway answers a query."""
        return await self.rest.get(INVENTORY.name, query, NetworkDevice, area=INVENTORY.area)

    async def _start(self, role: str) -> None:
        arguments = ["-m", "probler", "node", role, "--data", str(self._options.data)]
        # A node that is started again must find the switch and be found where it was.
        if role == "switch":
            self.port = _free_port()
        if role == "web":
            web_port = self._options.web_port or _free_port()
            arguments += ["--web-port", str(web_port)]
        arguments += ["--port", str(self.port)]
        node = await self.supervisor.start(NodeSpec(role, tuple(arguments)))
        self.url = str(node.ready.get("url", self.url))
        self._options.announce(f"{role} is up (process {node.pid})")


def _free_port() -> int:
    """A TCP port that was free a moment ago, chosen by the system."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        if sys.platform != "win32":  # there it would allow two listeners
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigurationError(
                f"web port {port} is in use; choose another with --web-port"
            ) from error
