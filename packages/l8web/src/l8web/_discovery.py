# SPDX-License-Identifier: Apache-2.0
"""How a gateway learns which services want to be on the web.

Services announce themselves to the service ``WebService``; a gateway that starts, or that sees a
node join, asks for the announcements.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, NoReturn

from l8types.constants import HEALTH_SERVICE, WEB_SERVICE
from l8types.enums import Action, DirectoryEventType, WireProfile
from l8types.errors import InvalidInputError, L8Error
from l8types.pb import L8WebService
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey
from l8web._exposed import endpoints_of

if TYPE_CHECKING:
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call, ServiceHandler
    from l8types.values import DirectoryEvent, NodeInfo
    from l8web._exposed import ExposedServices

__all__ = ["AnnouncementHandler", "announcement_sla", "ask_for_announcements"]

_LOGGER = logging.getLogger(__name__)


class AnnouncementHandler:
    """Service handler that takes announcements and withdrawals."""

    def __init__(self, exposed: ExposedServices) -> None:
        self._exposed = exposed

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Make the announcement message known to the registry."""
        vnic.resources.registry.register(L8WebService)

    async def deactivate(self) -> None:
        """Nothing is held."""

    async def post(self, elements: Elements, call: Call) -> Elements:
        """Serve the announced services."""
        for message in _announcements(elements):
            key = ServiceKey(message.service_name, message.service_area)
            try:
                self._exposed.add(key, endpoints_of(message))
            except L8Error as error:
                _LOGGER.warning("service %s cannot be served on the web: %s", key, error.message)
        return call.vnic.resources.elements.of()

    async def put(self, elements: Elements, call: Call) -> Elements:
        """The same as an announcement."""
        return await self.post(elements, call)

    async def patch(self, elements: Elements, call: Call) -> Elements:
        """Not offered."""
        _refuse("PATCH")

    async def delete(self, elements: Elements, call: Call) -> Elements:
        """No longer serve the services, once no node offers them any more."""
        directory = call.vnic.directory
        for message in _announcements(elements):
            key = ServiceKey(message.service_name, message.service_area)
            if set(directory.providers(key)) <= {call.source}:
                self._exposed.remove(key)
        return call.vnic.resources.elements.of()

    async def get(self, elements: Elements, call: Call) -> Elements:
        """Not offered."""
        _refuse("GET")

    async def notify(self, elements: Elements, call: Call) -> None:
        """Announcements are not kept in step between gateways: each asks for itself."""

    async def failed(self, elements: Elements, call: Call) -> None:
        """An unheard question is asked again when its node joins again."""


def announcement_sla(exposed: ExposedServices) -> ServiceLevelAgreement:
    """Agreement of the service that takes announcements."""
    return ServiceLevelAgreement(
        name=WEB_SERVICE, handler=lambda: _handler(exposed), stateful=False, voter=False
    )


async def ask_for_announcements(vnic: VNic) -> None:
    """Ask every node for its announcements, and each that joins later; runs until cancelled."""
    waiting: asyncio.Queue[str] = asyncio.Queue()

    def changed(event: DirectoryEvent) -> None:
        if event.type is not DirectoryEventType.LEFT:
            waiting.put_nowait(event.node.uuid)

    subscription = vnic.directory.watch(changed)
    try:
        for node in vnic.directory.nodes():
            waiting.put_nowait(node.uuid)
        while True:
            await _ask(vnic, await waiting.get())
    finally:
        subscription.close()


async def _ask(vnic: VNic, uuid: str) -> None:
    node = vnic.directory.node(uuid)
    if node is None or (node.is_switch and not _has_services(node, vnic)):
        return
    try:
        await vnic.send(uuid, HEALTH_SERVICE, 0, Action.END_POINTS)
    except L8Error as error:
        _LOGGER.debug("node %s could not be asked for its web services: %s", uuid, error.message)


def _has_services(switch: NodeInfo, vnic: VNic) -> bool:
    """Whether a switch answers as a node does; those of Go networks say so and do not."""
    return bool(switch.services) and vnic.resources.settings.profile is WireProfile.NATIVE


def _handler(exposed: ExposedServices) -> ServiceHandler:
    return AnnouncementHandler(exposed)


def _announcements(elements: Elements) -> list[L8WebService]:
    messages = [value for value in elements.values if isinstance(value, L8WebService)]
    if not messages:
        raise InvalidInputError("expected L8WebService announcements")
    return messages


def _refuse(verb: str) -> NoReturn:
    raise InvalidInputError(f"the service {WEB_SERVICE} takes POST and DELETE, not {verb}")
