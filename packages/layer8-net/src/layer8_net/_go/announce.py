# SPDX-License-Identifier: Apache-2.0
"""What a node tells the network about itself and what it offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from l8types.constants import HEALTH_SERVICE, SYSTEM_AREA_PRIMARY, SYSTEM_MESSAGE_SERVICE
from l8types.enums import Action, Priority
from l8types.errors import EncodeError
from l8types.pb.health_pb2 import L8HealthState
from l8types.values import Message, NodeStatistics, ServiceKey
from layer8_net._core.records import own_record, services_message
from layer8_net._go.limits import area_number, name_bytes
from layer8_net._go.system import service_added
from layer8_net._go.values import NOTHING, pack_elements

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8types.pb import L8Health
    from layer8_net._go.handshake import GoEndpoint

__all__ = ["Announcer", "health_area"]


def health_area(me: GoEndpoint) -> int:
    """Area of the health service of a node: those that reached a distant switch have their own."""
    return 1 if me.distant else 0


class Announcer:
    """Makes the frames in which a node tells of itself.

    Args:
        me: The node; its services are the table of what it offers.
        started: Wall clock, Unix seconds.
        seal: Makes the frame of a message, with the next number.
    """

    def __init__(self, me: GoEndpoint, started: float, seal: Callable[[Message], bytes]) -> None:
        self._me = me
        self._started_ms: Final = round(started * 1000)
        self._seal = seal
        self._health: Final = ServiceKey(HEALTH_SERVICE, health_area(me))

    def offered(self) -> dict[ServiceKey, str]:
        """What this node offers with the models; the health of the nodes is always a part of it."""
        return {self._health: "L8Health"} | self._me.services

    def add(self, service: ServiceKey, model: str) -> None:
        """Offer a service.

        Raises:
            EncodeError: The name cannot travel, or is that of the network itself.
        """
        name_bytes(service.name)
        area_number(service.area)
        if service.name == SYSTEM_MESSAGE_SERVICE:
            raise EncodeError(f"service {service.name!r} is that of the network itself")
        self._me.services[service] = model

    def remove(self, service: ServiceKey) -> bool:
        """No longer offer a service; whether it was offered."""
        return self._me.services.pop(service, None) is not None

    def everything(self, switch: str) -> list[bytes]:
        """All there is to tell to a switch that knows nothing, as after each connection."""
        services = list(self.offered())
        own = list(self._me.services)
        frames = [self._added(service) for service in own]
        frames.append(self.report(switch))
        for service in services:
            frames += self._participate(service)
        return frames

    def arrival(self, service: ServiceKey, switch: str) -> list[bytes]:
        """A service is new."""
        return [self._added(service), self.report(switch), *self._participate(service)]

    def departure(self, service: ServiceKey, switch: str) -> list[bytes]:
        """A service is gone.

        There is a system message for that, but it ends the process of a Go switch: what counts is
        that the report does not list the service any more.
        """
        leave = Message(service=service.name, area=service.area, action=Action.SERVICE_UNREGISTER)
        return [self._seal(leave), self.report(switch)]

    def report(self, switch: str, statistics: NodeStatistics | None = None) -> bytes:
        """The own record, with figures or without."""
        record = own_record(self._me.uuid, statistics=statistics)
        record.services.CopyFrom(services_message(self.offered()))
        record.status = L8HealthState.Up
        record.start_time = self._started_ms
        return self._seal(
            Message(
                destination=switch,
                service=self._health.name,
                area=self._health.area,
                action=Action.PATCH,
                priority=Priority.P1,
                data=pack_elements([(_cleaned(record), None)]),
            )
        )

    def register(self, service: ServiceKey, node: str = "") -> bytes:
        """This node takes part in a service; told to one node, or to all."""
        return self._seal(
            Message(
                destination=node,
                service=service.name,
                area=service.area,
                action=Action.SERVICE_REGISTER,
                data=NOTHING,
            )
        )

    def _participate(self, service: ServiceKey) -> tuple[bytes, bytes]:
        query = Message(service=service.name, area=service.area, action=Action.SERVICE_QUERY)
        return self.register(service), self._seal(query)

    def _added(self, service: ServiceKey) -> bytes:
        return self._seal(
            Message(
                service=SYSTEM_MESSAGE_SERVICE,
                area=SYSTEM_AREA_PRIMARY,
                action=Action.POST,
                priority=Priority.P1,
                data=service_added(self._me.uuid, service, publish=True),
            )
        )


def _cleaned(record: L8Health) -> L8Health:
    """Without the figures that are not known: -1 would be taken for one."""
    if record.HasField("stats"):
        record.stats.last_msg_time = max(record.stats.last_msg_time, 0)
        record.stats.cpu_usage = max(record.stats.cpu_usage, 0.0)
    return record
