# SPDX-License-Identifier: Apache-2.0
"""A switch over TCP: accepts nodes and moves frames as its core says."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import itertools
import logging
from typing import TYPE_CHECKING, Final, Self

from l8types.enums import DirectoryEventType
from l8types.errors import ClosedError, ConfigurationError
from l8types.values import NodeStatistics
from layer8_net._core import switch_events as events
from layer8_net._core.handshake import Endpoint
from layer8_net._directory import DirectoryView
from layer8_net._entrance import Entrance, EntranceEvents
from layer8_net._link import Link
from layer8_net._meter import Meter
from layer8_net._profiles import profile_of
from layer8_net._statistics import SwitchStatistics

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

    from l8types.protocols.net import NodeDirectory
    from l8types.protocols.runtime import Resources
    from l8types.settings import NodeSettings
    from l8types.values import DirectoryEvent

__all__ = ["TcpSwitch"]

_log = logging.getLogger(__name__)

_STRANGERS: Final = 256
"""Connections that may be shaking hands at a time; more are cut, so that strangers who open
connections cannot use up the memory."""
_CLOSE_SECONDS: Final = 2.0
"""How long the last bytes to the nodes may take when the switch ends."""
_TLS_SECONDS: Final = 10.0
"""How long a TLS handshake may take."""
_TICKS: Final = 4
"""Looks at the clock per keep-alive interval; liveness is that exact."""


class TcpSwitch:
    """Joins the interfaces of a network.

    Args:
        resources: The parts of the node; ``settings``, ``security``, ``clock`` and ``metrics`` are
            used.

    Raises:
        ConfigurationError: The settings ask for a wire profile, or for links to other switches,
            that this switch does not offer.
    """

    def __init__(self, resources: Resources) -> None:
        settings = resources.settings
        _check_settings(settings)
        self._settings = settings
        self._guard = resources.security
        self._clock = resources.clock
        self._now = resources.clock.monotonic
        self._me = Endpoint(settings.uuid, settings.alias, settings.keep_alive, is_switch=True)
        self._profile = profile_of(settings)
        self._core = self._profile.switch(self._me, resources)
        self._directory = DirectoryView(settings.uuid, self._core.directory)
        self._meter = Meter(resources.metrics, settings.alias)
        self._links: dict[int, Link] = {}
        self._entrances: dict[int, Entrance] = {}
        self._numbers = itertools.count(1)
        self._refused = 0
        self._tx_bytes = 0
        self._rx_bytes = 0
        self._port = 0
        self._server: asyncio.Server | None = None
        self._running = False

    # Life

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            ConfigurationError: The address cannot be listened on, or not without certificates.
        """
        if self._server is not None:
            raise ClosedError("a switch is entered once; make a new one")
        context = self._guard.tls(server_side=True)
        _check_exposure(self._settings, context)
        if not self._guard.network_secret():
            raise ConfigurationError("the network secret is empty; set one, equal on all nodes")
        server = await self._listen(context)
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        self._server = server
        self._port = server.sockets[0].getsockname()[1]
        self._running = True
        self._ticker = self._tasks.create_task(self._tick(), name="switch: clock")
        _log.info("%s listens on %s:%d", self._settings.alias, self._settings.host, self._port)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop listening, let the last bytes leave, close all connections."""
        self._running = False
        if self._server is not None:
            self._server.close()
        self._ticker.cancel()
        links = list(self._links.values())
        for link in links:
            link.close("the switch is shut down")
        for entrance in tuple(self._entrances.values()):
            entrance.cancel()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS), asyncio.TaskGroup() as closing:
                for link in links:
                    closing.create_task(link.wait_closed(_CLOSE_SECONDS))
        except TimeoutError:
            _log.warning("some connections were cut after %g s", _CLOSE_SECONDS)
        finally:
            for link in links:
                link.abort("the switch is shut down")
            await self._tasks.__aexit__(None, None, None)
            self._measure()

    async def _listen(self, context: ssl.SSLContext | None) -> asyncio.Server:
        host, port = self._settings.host, self._settings.port
        try:
            return await asyncio.get_running_loop().create_server(
                self._accept,
                host,
                port,
                ssl=context,
                ssl_handshake_timeout=None if context is None else _TLS_SECONDS,
            )
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ConfigurationError(
                    f"port {port} on {host} is in use; stop what listens there or choose another"
                ) from error
            reason = error.strerror or str(error)
            raise ConfigurationError(f"cannot listen on {host}:{port}: {reason}") from error

    @property
    def running(self) -> bool:
        """Whether it was entered and not left."""
        return self._running

    # Connections

    def _accept(self) -> Link:
        number = next(self._numbers)
        return Link(
            lambda _, frames: self._received(number, frames),
            lambda _, reason: self._lost(number, reason),
            frame_limit=self._profile.handshake_limit,
            queue_bytes=self._settings.queue_bytes,
            on_open=lambda link: self._opened(number, link),
            on_pressure=lambda _, pressure: self._perform(
                self._core.step(events.PressureChanged(number, pressure), self._now())
            ),
            profile=self._profile,
        )

    def _opened(self, number: int, link: Link) -> None:
        if len(self._entrances) >= _STRANGERS or not self._running:
            self._refused += 1
            link.abort("too many handshakes at a time")
            return
        self._links[number] = link
        self._entrances[number] = Entrance(
            link,
            self._profile.acceptor(self._me, self._guard),
            self._guard,
            self._tasks,
            EntranceEvents(
                self._core.objection,
                lambda peer: self._joined(number, link, peer),
                lambda: self._turned_away(number),
            ),
        )

    def _joined(self, number: int, link: Link, peer: Endpoint) -> None:
        self._entrances.pop(number, None)
        _log.info("node %r joined from %s", peer.alias, link.address)
        event = events.PeerJoined(number, peer, link.address, self._clock.now())
        self._perform(self._core.step(event, self._now()))
        link.raise_limit(self._settings.max_frame_bytes)

    def _turned_away(self, number: int) -> None:
        self._refused += 1
        self._entrances.pop(number, None)

    def _received(self, number: int, frames: list[bytes]) -> None:
        entrance = self._entrances.get(number)
        if entrance is None:
            event = events.FramesReceived(number, frames)
            self._perform(self._core.step(event, self._now()))
        else:
            entrance.frames(frames)

    def _lost(self, number: int, reason: str) -> None:
        link = self._links.pop(number, None)
        entrance = self._entrances.pop(number, None)
        if entrance is not None:
            entrance.cancel()
            self._refused += 1
            _log.info("a connection ended during the handshake: %s", reason)
        if link is not None:
            self._rx_bytes += link.rx_bytes
            self._tx_bytes += link.tx_bytes
            self._perform(self._core.step(events.PeerLost(number), self._now()))

    def _perform(self, effects: list[events.Effect]) -> None:
        for effect in effects:
            match effect:
                case events.Send(connection, frames):
                    link = self._links.get(connection)
                    if link is not None:
                        link.send(frames)
                case events.Changed(changes):
                    self._announce(changes)
                case events.Close(connection, reason):
                    self._close(connection, reason)
                case events.Hold(connection):
                    link = self._links.get(connection)
                    if link is not None:
                        link.hold()
                case events.Release(connection):
                    link = self._links.get(connection)
                    if link is not None:
                        link.release()

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

    async def _tick(self) -> None:
        """Tell the core that time passes."""
        while True:
            await asyncio.sleep(self._settings.keep_alive / _TICKS)
            self._core.report(self._node_statistics())
            self._perform(self._core.step(events.Tick(), self._now()))
            self._measure()

    async def connect(self, host: str, port: int) -> None:
        """Link to another switch.

        Raises:
            ConfigurationError: Always: this switch serves one host; its nodes connect to it alone.
        """
        raise ConfigurationError(
            f"no link to {host}:{port}: this switch does not link to others; connect the nodes "
            "to one switch"
        )

    @property
    def uuid(self) -> str:
        """Id of the switch."""
        return self._settings.uuid

    @property
    def port(self) -> int:
        """TCP port it listens on; 0 before it is entered."""
        return self._port

    @property
    def directory(self) -> NodeDirectory:
        """Nodes and services of the network."""
        return self._directory

    # Figures

    def statistics(self) -> SwitchStatistics:
        """Figures of this moment."""
        counters = self._core.counters
        return SwitchStatistics(
            connections=len(self._links) - len(self._entrances),
            forwarded_messages=counters.forwarded,
            forwarded_bytes=counters.forwarded_bytes,
            returned_messages=counters.returned,
            dropped_messages=counters.dropped,
            protocol_violations=counters.violations,
            refused_handshakes=self._refused,
        )

    def _node_statistics(self) -> NodeStatistics:
        counters = self._core.counters
        links = self._links.values()
        return NodeStatistics(
            tx_messages=counters.forwarded,
            tx_bytes=self._tx_bytes + sum(link.tx_bytes for link in links),
            rx_bytes=self._rx_bytes + sum(link.rx_bytes for link in links),
        )

    def _measure(self) -> None:
        figures = self.statistics()
        self._meter.count(
            {
                "layer8_switch_forwarded_messages_total": figures.forwarded_messages,
                "layer8_switch_forwarded_bytes_total": figures.forwarded_bytes,
                "layer8_switch_returned_messages_total": figures.returned_messages,
                "layer8_switch_dropped_messages_total": figures.dropped_messages,
                "layer8_switch_protocol_violations_total": figures.protocol_violations,
                "layer8_switch_refused_handshakes_total": figures.refused_handshakes,
            }
        )
        self._meter.gauge({"layer8_switch_connections": float(figures.connections)})


def _check_settings(settings: NodeSettings) -> None:
    if settings.peers:
        raise ConfigurationError(
            f"this switch does not link to others; remove the {len(settings.peers)} peers"
        )


def _check_exposure(settings: NodeSettings, context: ssl.SSLContext | None) -> None:
    """Refuse to be reached from other machines in the clear, unless told to."""
    if context is not None or settings.insecure or _is_loopback(settings.host):
        return
    raise ConfigurationError(
        f"listening on {settings.host!r} without certificates exposes the network; set up "
        "certificates, listen on 127.0.0.1, or allow it with insecure=True"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # A host name may resolve to anything.
        return False
