# SPDX-License-Identifier: Apache-2.0
"""Dialling other switches, and again whenever a link is gone."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from l8types.errors import (
    BusyError,
    ConfigurationError,
    ConflictError,
    HandshakeError,
    L8Error,
    UnavailableError,
)
from layer8_net._certificates import Certificates
from layer8_net._core.mesh_peers import PeerBook, Target
from layer8_net._exposure import check_peer
from layer8_net._uplink import Uplink, UplinkEvents
from layer8_net.errors import SameIdError

if TYPE_CHECKING:
    import random

    from l8types.protocols.runtime import Resources
    from layer8_net._connections import Connections
    from layer8_net._core.handshake import Endpoint

__all__ = ["Peers"]

_log = logging.getLogger(__name__)


class Peers:
    """Keeps a switch linked to the others.

    Args:
        me: The switch as its peers see it.
        resources: The parts of the node.
        connections: Takes the links.
        dice: Spreads the attempts of several switches.
    """

    def __init__(
        self,
        me: Endpoint,
        resources: Resources,
        connections: Connections,
        dice: random.Random,
    ) -> None:
        self._me = me
        self._resources = resources
        self._settings = resources.settings
        self._now = resources.clock.monotonic
        self._connections = connections
        self._certificates = Certificates(resources.security, server_side=False, now=self._now)
        self._random = dice
        self._book = PeerBook(me.uuid)
        self._wake = asyncio.Event()
        self._dialling: dict[str, Target] = {}
        """Targets by the id of the switch that answered there, while hands are shaken."""
        self.dials = 0
        """Attempts to link."""
        self.failed_dials = 0
        self.lost_links = 0

    @property
    def links(self) -> int:
        """Switches that are linked now."""
        return len(self._book.linked)

    # What the switch tells

    def add(self, host: str, port: int) -> None:
        """Link to the switch at an address, and never give up.

        Raises:
            ConfigurationError: The link would be in the clear and leave this machine.
        """
        check_peer(self._settings, self._certificates.context(), host)
        self._book.add(host, port, self._now())
        self._wake.set()

    def learn(self, host: str, port: int, uuid: str = "") -> None:
        """A switch is said to be at an address."""
        try:
            check_peer(self._settings, self._certificates.context(), host)
        except ConfigurationError as error:
            _log.debug("%s: %s", self._settings.alias, error.message)
            return
        self._book.learn(host, port, self._now(), uuid)
        self._wake.set()

    def learn_switch(self, uuid: str, host: str, port: int) -> None:
        """Another switch told of one."""
        self.learn(host, port, uuid)

    def up(self, uuid: str) -> None:
        """A link stands."""
        self._book.up(uuid, self._now())

    def down(self, uuid: str) -> None:
        """A link is gone."""
        self.lost_links += 1
        self._book.down(uuid, self._now(), self._random.random())
        self._wake.set()

    def objection(self, peer: Endpoint) -> L8Error | None:
        """Why a switch that dialled may not be linked: this one dials it and goes first."""
        if peer.uuid in self._dialling and self._me.uuid < peer.uuid:
            return BusyError("both switches dial at this moment; the other link will stand")
        return None

    # Dialling

    async def run(self) -> None:
        """Dial whoever is due, for ever."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._wake.clear()
                for target in self._book.due(self._now()):
                    where = f"{target.host}:{target.port}"
                    tasks.create_task(self._dial(target), name=f"switch: dials {where}")
                await self._wait()

    async def _wait(self) -> None:
        due = self._book.next_due()
        pause = None if due is None else max(0.0, due - self._now())
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._wake.wait()

    async def _dial(self, target: Target) -> None:
        self.dials += 1
        number = self._connections.next_number()
        settings = replace(self._settings, host=target.host, port=target.port)
        uplink = Uplink(
            settings,
            self._resources.security,
            self._me,
            UplinkEvents(
                lambda link, peer: self._connections.linked(number, link, peer),
                lambda frames: self._connections.received(number, frames),
                lambda _: self._connections.lost(number),
                objection=lambda peer: self._answered(target, peer),
                pressure=lambda pressure: self._connections.pressed(number, pressure),
            ),
            self._certificates,
        )
        try:
            await uplink.connect()
        except L8Error as error:
            self._failed(target, error)
        except Exception as error:  # noqa: BLE001 - a host that others told of may be any text
            self._failed(target, UnavailableError(f"cannot dial {target.host!r}: {error}"))
        else:
            target.complaint = ""
            self._book.reached(target, target.uuid, self._now(), self._random.random())
        finally:
            for uuid in [uuid for uuid, one in self._dialling.items() if one is target]:
                del self._dialling[uuid]
            self._wake.set()

    def _answered(self, target: Target, peer: Endpoint) -> L8Error | None:
        """What is to be said against the switch at an address, now that it is known who it is."""
        if not peer.is_switch:
            return HandshakeError("a node answered where a switch was expected")
        target.uuid = peer.uuid
        if peer.uuid == self._me.uuid or peer.uuid in self._book.linked:
            return ConflictError("the switch is linked already")
        if peer.uuid in self._dialling:
            return ConflictError("the switch is being dialled at another address")
        self._dialling[peer.uuid] = target
        return None

    def _failed(self, target: Target, error: L8Error) -> None:
        now, jitter = self._now(), self._random.random()
        if isinstance(error, SameIdError):
            target.uuid = self._me.uuid
        if target.uuid == self._me.uuid or target.uuid in self._book.linked:
            self._book.reached(target, target.uuid, now, jitter)
            _log.debug("%s: %s", self._settings.alias, error.message)
            return
        self.failed_dials += 1
        self._book.failed(target, now, jitter)
        # One line when something is wrong, not one per attempt.
        news = target.complaint != error.message
        target.complaint = error.message
        quiet = not news or isinstance(error, (BusyError, ConflictError))
        level = logging.DEBUG if quiet else logging.WARNING
        _log.log(level, "%s: no link yet: %s", self._settings.alias, error.message)
