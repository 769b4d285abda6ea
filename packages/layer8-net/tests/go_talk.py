# SPDX-License-Identifier: Apache-2.0
"""What peers say to a switch of a Go network in tests, and what they understand of its words."""

from __future__ import annotations

from l8types.enums import Action
from l8types.pb import L8Health, L8NotificationSet, L8SystemMessage
from l8types.values import ServiceKey
from layer8_net._go.system import read_system, service_added
from layer8_net._go.values import pack_elements, read_messages

from .go_parts import SWITCH, PaperPeer

SYSTEM = {"service": "sysMsg", "area": 99}
HEALTH = ServiceKey("Health")


def notices(peer: PaperPeer) -> list[L8NotificationSet]:
    """The notices of health that a peer received."""
    return [
        notice
        for message in peer.of("Health", Action.NOTIFY)
        for notice in read_messages(message.data, L8NotificationSet)
    ]


def told(peer: PaperPeer) -> list[L8SystemMessage]:
    """The system messages that a peer received."""
    return [part for message in peer.of("sysMsg") for part in read_system(message.data)]


def add(peer: PaperPeer, service: ServiceKey, *, uuid: str = "", publish: bool = True) -> None:
    """Tell of a service."""
    peer.send(data=service_added(uuid or peer.uuid, service, publish=publish), **SYSTEM)


def report(peer: PaperPeer, record: L8Health, **fields: object) -> None:
    """Send a report."""
    common: dict[str, object] = {"destination": SWITCH, "service": "Health"}
    data = pack_elements([(record, None)])
    peer.send(**(common | fields), action=Action.PATCH, data=data)


def beat(peer: PaperPeer, count: int = 1) -> None:
    """Send figures."""
    record = L8Health(a_uuid=peer.uuid)
    record.stats.tx_msg_count = count
    report(peer, record)
