# SPDX-License-Identifier: Apache-2.0
"""The connections of a switch, accepted and dialled, and the core that says what to do with them.

Events of connections go to the core, its effects to connections. Nothing is decided here but how
many strangers may shake hands at a time.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from l8types.enums import DirectoryEventType
from l8types.errors import L8Error, UnavailableError
from layer8_net._core import switch_events as events
from layer8_net._core.handshake import Endpoint
from layer8_net._entrance import Entrance, EntranceEvents
from layer8_net._link import Link
from layer8_net._sockets import tune
from layer8_net._uplink import RETURN_HEADROOM

if TYPE_CHECKING:
    from l8types.protocols.runtime import Resources
    from l8types.values import DirectoryEvent
    from layer8_net._directory import DirectoryView
    from layer8_net._machines import SwitchMachine
    from layer8_net._profiles import Profile

__all__ = ["Connections", "Neighbours"]

_log = logging.getLogger(__name__)

_STRANGERS: Final = 256
"""Connections that may be shaking hands at a time; more are cut, so that strangers who open
connections cannot use up the memory."""

_GATHER_SECONDS: Final = 0.05
"""How long nodes that come soon after another one wait for more of them, to come in together."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Who is told about other switches, and asked about them."""

    objection: Callable[[Endpoint], L8Error | None]
    """Why a switch that dialled may not be linked now."""
    linked: Callable[[str], None]
    unlinked: Callable[[str], None]
    found: Callable[[str, str, int], None]
    """Id, host and port of a switch that another one told of."""


class Connections:
    """All connections of a switch.

    Args:
        me: The switch as its peers see it.
        resources: The parts of the node.
        profile: How peers speak.
        core: What decides.
        directory: Told of changes.
    """

    def __init__(
        self,
        me: Endpoint,
        resources: Resources,
        profile: Profile,
        core: SwitchMachine,
        directory: DirectoryView,
    ) -> None:
        self._me = me
        self._settings = resources.settings
        self._guard = resources.security
        self._clock = resources.clock
        self._now = resources.clock.monotonic
        self._profile = profile
        self._core = core
        self._directory = directory
        self._neighbours: Neighbours | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._links: dict[int, Link] = {}
        self._entrances: dict[int, Entrance] = {}
        self._numbers = itertools.count(1)
        self._due: deque[events.Event] = deque()
        self._stepping = False
        self._interface = 0
        """Number of the connection of the switch's own interface."""
        self._gathering: asyncio.TimerHandle | None = None
        self._gathered = 0
        """Nodes that came since the last ones were let in."""
        self._tx_bytes = 0
        self._rx_bytes = 0
        self.refused = 0
        """Connections that did not become members of the network."""

    def open(self, tasks: asyncio.TaskGroup, neighbours: Neighbours) -> None:
        """Take connections from now on."""
        self._tasks = tasks
        self._neighbours = neighbours

    def close(self) -> list[Link]:
        """Take no more connections and close all; those that are still writing."""
        self._tasks = None
        if self._gathering is not None:
            self._gathering.cancel()
        links = list(self._links.values())
        for link in links:
            link.close("the switch is shut down")
        for entrance in tuple(self._entrances.values()):
            entrance.cancel()
        return links

    def __len__(self) -> int:
        """Peers that are members of the network."""
        return len(self._links) - len(self._entrances) - (self._interface in self._links)

    @property
    def strangers(self) -> int:
        """Connections that are shaking hands."""
        return len(self._entrances)

    def traffic(self) -> tuple[int, int]:
        """Bytes sent and received."""
        links = self._links.values()
        sent = self._tx_bytes + sum(link.tx_bytes for link in links)
        return sent, self._rx_bytes + sum(link.rx_bytes for link in links)

    # Connections that were accepted

    def accept(self) -> Link:
        """The protocol of a connection that somebody opened."""
        number = next(self._numbers)
        return Link(
            lambda _, frames: self._received(number, frames),
            lambda _, reason: self._lost(number, reason),
            frame_limit=self._profile.handshake_limit,
            queue_bytes=self._settings.queue_bytes,
            on_open=lambda link: self._opened(number, link),
            on_pressure=lambda _, pressure: self.pressed(number, pressure),
            profile=self._profile,
        )

    def _opened(self, number: int, link: Link) -> None:
        if self._tasks is None or len(self._entrances) >= _STRANGERS:
            self.refused += 1
            link.abort("too many handshakes at a time")
            return
        tune(link)
        self._links[number] = link
        self._entrances[number] = Entrance(
            link,
            self._profile.acceptor(self._me, self._guard),
            self._guard,
            self._tasks,
            EntranceEvents(
                self._objection,
                lambda peer: self._joined(number, link, peer),
                lambda: self._turned_away(number),
            ),
        )

    def _objection(self, peer: Endpoint, address: str) -> L8Error | None:
        objection = self._core.objection(peer, address)
        if objection is None and peer.is_switch and self._neighbours is not None:
            objection = self._neighbours.objection(peer)
        return objection

    def _joined(self, number: int, link: Link, peer: Endpoint) -> None:
        self._entrances.pop(number, None)
        self._join(number, link, peer, dialled=False)
        headroom = RETURN_HEADROOM if peer.is_switch else 0
        link.raise_limit(self._settings.max_frame_bytes + headroom)

    def _turned_away(self, number: int) -> None:
        self.refused += 1
        self._entrances.pop(number, None)

    def _received(self, number: int, frames: list[bytes]) -> None:
        entrance = self._entrances.get(number)
        if entrance is None:
            self.received(number, frames)
        else:
            entrance.frames(frames)

    def _lost(self, number: int, reason: str) -> None:
        entrance = self._entrances.pop(number, None)
        if entrance is not None:
            entrance.cancel()
            self.refused += 1
            _log.info("a connection ended during the handshake: %s", reason)
        self.lost(number)

    # Connections that were dialled

    def next_number(self) -> int:
        """Number for a connection that is to be dialled."""
        return next(self._numbers)

    def linked(self, number: int, link: Link, peer: Endpoint) -> None:
        """A switch was dialled and welcomed this one."""
        if self._tasks is None:
            link.abort("the switch is shut down")
            return
        tune(link)
        self._links[number] = link
        self._join(number, link, peer, dialled=True)

    # The connection inside the process

    def inside(self) -> Link:
        """The switch's end of the connection of its own interface.

        Raises:
            UnavailableError: The switch is shut down.
        """
        if self._tasks is None:
            raise UnavailableError("the switch is shut down")
        number = self._interface = next(self._numbers)
        return Link(
            lambda _, frames: self.received(number, frames),
            lambda *_: self.lost(number),
            frame_limit=self._settings.max_frame_bytes,
            queue_bytes=self._settings.queue_bytes,
            on_pressure=lambda _, pressure: self.pressed(number, pressure),
            profile=self._profile,
        )

    def let_inside(self, link: Link) -> None:
        """The other end of that connection is ready."""
        self._links[self._interface] = link
        self.step(events.InterfaceOpened(self._interface))

    # All connections

    def received(self, number: int, frames: list[bytes]) -> None:
        """Frames of a member."""
        self.step(events.FramesReceived(number, frames))

    def pressed(self, number: int, pressure: events.Pressure) -> None:
        """More or less waits to be written to a connection."""
        self.step(events.PressureChanged(number, pressure))

    def lost(self, number: int) -> None:
        """A connection is gone."""
        link = self._links.pop(number, None)
        if link is not None:
            self._rx_bytes += link.rx_bytes
            self._tx_bytes += link.tx_bytes
            self.step(events.PeerLost(number, link.unsent))

    def _join(self, number: int, link: Link, peer: Endpoint, *, dialled: bool) -> None:
        kind = "switch" if peer.is_switch else "node"
        _log.info("%s %r joined from %s", kind, peer.alias, link.address)
        more = not peer.is_switch and self._gathering is not None
        self.step(events.PeerJoined(number, peer, link.address, self._clock.now(), dialled, more))
        if more:
            self._gathered += 1
        elif not peer.is_switch:
            self._gather()

    def _gather(self) -> None:
        """A node comes in at once; those that come soon after it come in together."""
        loop = asyncio.get_running_loop()
        self._gathering = loop.call_later(_GATHER_SECONDS, self._let_in)

    def _let_in(self) -> None:
        self._gathering = None
        if self._gathered:
            self._gathered = 0
            self.step(events.Gathered())
            self._gather()

    def step(self, event: events.Event) -> None:
        """Let the core take a step, and carry out what it wants."""
        self._due.append(event)
        if self._stepping:
            # Writing may raise the pressure at once: what the core says to that comes after all
            # that it said before.
            return
        self._stepping = True
        try:
            while self._due:
                for effect in self._core.step(self._due.popleft(), self._now()):
                    self._perform(effect)
        finally:
            self._stepping = False

    def _perform(self, effect: events.Effect) -> None:
        match effect:
            case events.Send(connection, frames):
                link = self._links.get(connection)
                if link is not None:
                    link.send(frames)
            case events.Changed(changes):
                self._announce(changes)
            case events.Close(connection, reason):
                self._close(connection, reason)
            case events.Hold(connection) if connection in self._links:
                self._links[connection].hold()
            case events.Release(connection) if connection in self._links:
                self._links[connection].release()
            case _:
                self._tell_neighbours(effect)

    def _tell_neighbours(self, effect: events.Effect) -> None:
        neighbours = self._neighbours
        if neighbours is None:
            return
        match effect:
            case events.Linked(uuid):
                neighbours.linked(uuid)
            case events.Unlinked(uuid):
                neighbours.unlinked(uuid)
            case events.Found(uuid, host, port):
                neighbours.found(uuid, host, port)

    def _announce(self, changes: list[DirectoryEvent]) -> None:
        for change in changes:
            if change.type is DirectoryEventType.LEFT:
                _log.info("node %r left", change.node.alias)
        self._directory.publish(changes)

    def _close(self, connection: int, reason: str) -> None:
        link = self._links.get(connection)
        if link is not None:
            _log.warning("closed the connection of %s: %s", link.address, reason)
            # Cut, not closed: whoever does not read would keep the connection open for ever.
            link.abort(reason)
