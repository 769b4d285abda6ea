# SPDX-License-Identifier: Apache-2.0
"""A switch that is there when it is needed: the first node on a machine brings it along."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
import logging
import uuid
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final, Unpack, cast

from l8types.constants import Plugin
from l8types.errors import ConfigurationError
from l8utils import NodeResources
from layer8._desk import open_desk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from l8types.protocols.net import Switch, VNic
    from l8types.settings import NodeSettings
    from l8utils import Parts

__all__ = ["LocalSwitch", "make_switch", "open_switch", "switch_resources"]

_LOGGER = logging.getLogger(__name__)
_CHECK_INTERVAL: Final = 0.5
"""Seconds between two looks at a lost connection; below the first reconnect of an interface."""


@asynccontextmanager
async def make_switch(settings: NodeSettings, **parts: Unpack[Parts]) -> AsyncIterator[Switch]:
    """Run a switch of the configured implementation, with an id of its own.

    What a switch offers itself, such as the health of the nodes, is there as well.

    Raises:
        ConfigurationError: No switch implementation is installed, or the settings cannot work.
    """
    async with AsyncExitStack() as stack:
        yield await open_switch(switch_resources(settings, **parts), stack)


async def open_switch(resources: NodeResources, stack: AsyncExitStack) -> Switch:
    """Run a switch of some parts, with what it offers itself, until the stack is left."""
    switch = cast("Switch", resources.create(Plugin.SWITCH))
    await stack.enter_async_context(switch)
    await open_desk(switch, resources, stack)
    return switch


def switch_resources(settings: NodeSettings, **parts: Unpack[Parts]) -> NodeResources:
    """Parts of a switch, which has an id of its own.

    Raises:
        ConfigurationError: The settings name an implementation that is not installed.
    """
    own = dataclasses.replace(settings, uuid=str(uuid.uuid4()))
    resources = NodeResources(own, **parts)
    resources.check_plugins()
    return resources


class LocalSwitch:
    """Keeps one switch alive on the configured loopback port.

    Several processes may use one each: whoever binds the port first has the switch, and when its
    process ends, another takes over; the interfaces reconnect by themselves.
    """

    def __init__(self, settings: NodeSettings, **parts: Unpack[Parts]) -> None:
        self._settings = dataclasses.replace(settings, alias=f"{settings.alias}-switch")
        self._parts = parts

    @staticmethod
    def wanted(settings: NodeSettings) -> bool:
        """Whether the settings point at this machine's own loopback."""
        if settings.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(settings.host).is_loopback
        except ValueError:
            return False

    async def start(self, stack: AsyncExitStack) -> bool:
        """Start a switch within ``stack`` when nobody offers one; whether it was started.

        Raises:
            ConfigurationError: The port cannot be used and nobody answers there either.
        """
        if await self._reachable():
            return False
        resources = switch_resources(self._settings, **self._parts)
        try:
            switch = await open_switch(resources, stack)
        except ConfigurationError:
            # Another process may have taken the port between our look and our bind; anything
            # else that is wrong with the port is ours to tell.
            if await self._reachable():
                return False
            raise
        _LOGGER.info("no switch on port %d yet, started one", switch.port)
        return True

    async def take_over(self, vnic: VNic) -> None:
        """Run until cancelled: start a switch when the one of another process has gone."""
        while True:
            await asyncio.sleep(_CHECK_INTERVAL)
            if vnic.connected:
                continue
            try:
                async with AsyncExitStack() as stack:
                    if await self.start(stack):
                        await asyncio.Event().wait()
            except ConfigurationError as error:
                _LOGGER.warning("the switch is gone and cannot be replaced: %s", error.message)

    async def _reachable(self) -> bool:
        try:
            async with asyncio.timeout(1):
                _, writer = await asyncio.open_connection(self._settings.host, self._settings.port)
        except (OSError, TimeoutError):
            return False
        writer.close()
        return True
