# SPDX-License-Identifier: Apache-2.0
"""Nodes of a Go network over real sockets."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from l8types.enums import WireProfile
from l8types.frozen import replace
from l8types.settings import NodeSettings

from .fakes import FakeResources, echo, make_vnic, new_id, until
from .go_parts import SONGS, GoElementsFactory, GoSecurity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from l8types.values import ServiceKey
    from layer8_net import TcpSwitch, TcpVNic

    from .fakes import Handler

GO = NodeSettings(
    profile=WireProfile.GO, request_timeout=10.0, keep_alive=2.0, max_frame_bytes=262_144
)


def parts(port: int = 0, settings: NodeSettings = GO) -> FakeResources:
    """Parts of a node of a Go network on loopback."""
    made = FakeResources(replace(settings, port=port, uuid=new_id()))
    made.security = GoSecurity()
    made.elements = GoElementsFactory()
    return made


@asynccontextmanager
async def node(
    switch: TcpSwitch, *offers: ServiceKey, handler: Handler = echo
) -> AsyncIterator[TcpVNic]:
    """A node that is connected and whose services the switch knows."""
    made = parts(switch.port)
    made.services.handler = handler
    async with make_vnic(made) as vnic:
        for key in offers:
            await vnic.announce(key)
        await until(lambda: all(vnic.uuid in switch.directory.providers(key) for key in offers))
        yield vnic


async def knows(vnic: TcpVNic, *others: TcpVNic) -> None:
    """Wait until a node knows others with all that they offer."""
    await until(
        lambda: (
            all(vnic.directory.node(one.uuid) is not None for one in others)
            and all(one.uuid in vnic.directory.providers(SONGS) for one in others)
        )
    )
