# SPDX-License-Identifier: Apache-2.0
"""What switches and nodes offer about themselves: health by query, and profiles where allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from l8types.constants import HEALTH_SERVICE
from l8types.enums import Action, WireProfile
from l8types.pb import L8Health, L8HealthList, L8Query
from l8types.protocols.net import SwitchInterface
from l8types.values import ServiceKey
from l8utils import WebServiceDefinition
from layer8_net import health_agreement, profile_agreement

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from l8types.protocols.net import Switch, VNic
    from l8types.protocols.runtime import Resources

__all__ = ["allow_profiles", "open_desk"]

_HEALTH_ON_THE_WEB: Final = (
    WebServiceDefinition(ServiceKey(HEALTH_SERVICE))
    .with_endpoint(Action.GET, L8Query, L8HealthList)
    .with_endpoint(Action.GET, L8Health, L8Health)
)


async def open_desk(switch: Switch, resources: Resources, stack: AsyncExitStack) -> None:
    """Let a switch offer the health of the nodes, and its own profile if its settings allow that.

    A switch without an interface of its own, and one of the ``go`` profile, which answers itself
    what it is asked about health, stay as they are.

    Args:
        switch: It runs.
        resources: Its parts.
        stack: What is opened is closed with it.
    """
    if resources.settings.profile is WireProfile.GO or not isinstance(switch, SwitchInterface):
        return
    vnic = await stack.enter_async_context(switch.interface())
    stack.push_async_callback(resources.services.aclose)
    resources.register(L8Health)
    await resources.services.activate(health_agreement(_HEALTH_ON_THE_WEB), vnic)
    await allow_profiles(resources, vnic)


async def allow_profiles(resources: Resources, vnic: VNic) -> None:
    """Offer profiles of this process, if the settings allow that."""
    if resources.settings.profiling:
        await resources.services.activate(profile_agreement(), vnic)
