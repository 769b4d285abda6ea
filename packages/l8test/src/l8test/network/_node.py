# SPDX-License-Identifier: Apache-2.0
"""A node of a test network, and how its parts are put together."""

from __future__ import annotations

import asyncio
from contextvars import Context, copy_context
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, TypeVar, cast

from l8test.models import SAMPLES
from l8test.network._log import CURRENT
from l8test.topology import Place
from l8types.constants import Plugin
from l8types.enums import DecoratorType
from l8types.settings import NodeSettings

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from l8types.protocols.net import Switch, VNic
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import ServiceHandler
    from l8types.sla import ServiceLevelAgreement
    from l8types.values import ServiceKey

__all__ = ["Member", "NetworkNode", "Place", "node_resources"]

T = TypeVar("T")


def node_resources(
    maker: str, directory: Path, *, settings: dict[str, Any] | None = None, **parts: object
) -> Resources:
    """All parts of a node for tests, which knows the sample models and their keys.

    Args:
        maker: ``module:attribute`` of what makes ``Resources`` from settings and ready parts.
        directory: For its files.
        settings: Fields of ``NodeSettings``; security is the permissive one unless they name one.
        **parts: Ready parts by name.
    """
    own = dict(settings or {})
    plugins = {Plugin.SECURITY: "shallow", **own.pop("plugins", {})}
    fields = {"data_directory": directory, **own, "plugins": plugins}
    resources: Resources = resolve_name(maker)(NodeSettings(**fields), **parts)
    for sample in SAMPLES:
        resources.register(sample.model)
        resources.introspector.decorate(sample.model, DecoratorType.PRIMARY, "MyString")
    return resources


class Member:
    """A switch or an interface that is entered and left in a task of its own.

    The task, and all that it starts, carries the member's name, by which its log is known.

    Args:
        name: Alias.
        end: The switch or interface.
        tasks: Owns the task.
        is_switch: Whether it is one; services of a node are closed before it is left.
    """

    def __init__(
        self, name: str, end: Switch | VNic, tasks: asyncio.TaskGroup, *, is_switch: bool = False
    ) -> None:
        self.name = name
        self.end = end
        self._is_switch = is_switch
        self._tasks = tasks
        self._context = copy_context()
        self._context.run(CURRENT.set, name)
        self._entered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._leave = asyncio.Event()
        self._left = asyncio.Event()

    async def open(self) -> None:
        """Enter it; raises what entering raises."""
        self._spawn(self._run())
        await self._entered

    async def aclose(self) -> None:
        """Leave it, and wait until it is left."""
        self._leave.set()
        await self._left.wait()

    async def inside(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something as this member, so that what it logs is told as its."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        async def run() -> None:
            try:
                result = await work
            except Exception as error:  # noqa: BLE001 - whoever waits is told
                if not done.done():
                    done.set_exception(error)
            else:
                if not done.done():
                    done.set_result(result)

        self._spawn(run())
        return await done

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        context: Context = self._context
        self._tasks.create_task(work, name=f"network: {self.name}", context=context)

    async def _run(self) -> None:
        try:
            async with self.end:
                self._entered.set_result(None)
                await self._leave.wait()
                if not self._is_switch:
                    await cast("VNic", self.end).resources.services.aclose()
        except Exception as error:
            if self._entered.done():
                raise
            self._entered.set_exception(error)
        finally:
            self._left.set()


class NetworkNode:
    """A node that runs.

    Args:
        place: Where it is.
        resources: Its parts.
        member: Runs it.

    Attributes:
        agreements: Of the services that were activated on it, by their keys.
    """

    def __init__(self, place: Place, resources: Resources, member: Member) -> None:
        self.place = place
        self.resources = resources
        self.member = member
        self.agreements: dict[ServiceKey, ServiceLevelAgreement] = {}

    @property
    def alias(self) -> str:
        """Its name, which tells where it is."""
        return self.place.name

    @property
    def uuid(self) -> str:
        """Its id in the network."""
        return self.vnic.uuid

    @property
    def vnic(self) -> VNic:
        """Its interface to the network."""
        return cast("VNic", self.member.end)

    def handler(self, key: ServiceKey) -> ServiceHandler:
        """The handler of a service that is active on it.

        Raises:
            LookupError: None is.
        """
        found = self.resources.services.handler(key)
        if found is None:
            raise LookupError(f"{self.alias} does not serve {key}")
        return found

    async def activate(self, agreement: ServiceLevelAgreement) -> ServiceHandler:
        """Offer a service; it is offered again when the node is renewed."""
        services = self.resources.services
        handler = await self.member.inside(services.activate(agreement, self.vnic))
        self.agreements[agreement.key] = agreement
        return handler

    async def deactivate(self, key: ServiceKey) -> None:
        """Offer it no longer; :meth:`reactivate` does again, by the same agreement."""
        await self.member.inside(self.resources.services.deactivate(key))

    async def reactivate(self, key: ServiceKey) -> ServiceHandler:
        """Offer a service again, stopping it first if it is active.

        Raises:
            LookupError: It was never activated here.
        """
        if key not in self.agreements:
            raise LookupError(f"{self.alias} never served {key}")
        if self.resources.services.handler(key) is not None:
            await self.deactivate(key)
        return await self.activate(self.agreements[key])
