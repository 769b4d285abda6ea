# SPDX-License-Identifier: Apache-2.0
"""The switch's own interface: what the switch offers itself it offers as a node does.

It has the id of the switch, and is connected to it inside the process, without a handshake: there
is nobody to be told from a stranger. All that an interface can do it can do.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from typing_extensions import override

from l8types.enums import WireProfile
from l8types.errors import ConfigurationError
from layer8_net._link import Link
from layer8_net._profiles import profile_of
from layer8_net._uplink import RETURN_HEADROOM
from layer8_net._vnic import TcpVNic

if TYPE_CHECKING:
    from l8types.protocols.runtime import Resources
    from l8types.settings import NodeSettings
    from layer8_net._connections import Connections
    from layer8_net._core.handshake import Endpoint
    from layer8_net._uplink import UplinkEvents

__all__ = ["SwitchVNic"]


class SwitchVNic(TcpVNic):
    """Interface of a switch to its network.

    Args:
        resources: The parts of the switch; ``elements`` and ``services`` are used too.
        connections: Those of the switch.
        me: The switch as its peers see it.

    Raises:
        ConfigurationError: The profile of the network has no such interface.
    """

    def __init__(self, resources: Resources, connections: Connections, me: Endpoint) -> None:
        settings = resources.settings
        if settings.profile is WireProfile.GO:
            raise ConfigurationError(
                "a switch of the go profile answers itself what it is asked about health, and "
                "offers nothing else"
            )
        super().__init__(
            resources, connector=lambda events: _Inside(settings, connections, me, events)
        )

    @property
    @override
    def is_switch(self) -> bool:
        """Whether this is the switch's own interface."""
        return True


class _Inside:
    """Connects an interface with the switch that it belongs to."""

    def __init__(
        self, settings: NodeSettings, connections: Connections, me: Endpoint, events: UplinkEvents
    ) -> None:
        self._settings = settings
        self._connections = connections
        self._me = me
        self._events = events

    async def connect(self) -> None:
        """Connect.

        Raises:
            UnavailableError: The switch is shut down.
        """
        far = self._connections.inside()
        near = Link(
            lambda _, frames: self._events.frames(frames),
            lambda _, reason: self._events.closed(reason),
            frame_limit=self._settings.max_frame_bytes + RETURN_HEADROOM,
            queue_bytes=self._settings.queue_bytes,
            profile=profile_of(self._settings),
        )
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        await loop.create_unix_connection(lambda: near, sock=ours)
        await loop.create_unix_connection(lambda: far, sock=theirs)
        self._events.opened(near, self._me)
        self._connections.let_inside(far)
