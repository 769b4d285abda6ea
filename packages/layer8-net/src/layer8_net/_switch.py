# SPDX-License-Identifier: Apache-2.0
"""A switch over TCP: accepts nodes and moves frames as its core says."""

from __future__ import annotations

import asyncio
import errno
import logging
import random
from typing import TYPE_CHECKING, Final, Self

from l8types.errors import ClosedError, ConfigurationError
from l8types.values import NodeStatistics
from layer8_net._certificates import Certificates
from layer8_net._connections import Connections, Neighbours
from layer8_net._core import switch_events as events
from layer8_net._directory import DirectoryView
from layer8_net._discovery import Discovery
from layer8_net._exposure import check_exposure, is_wildcard
from layer8_net._inside import SwitchVNic
from layer8_net._meter import Meter
from layer8_net._peers import Peers
from layer8_net._profiles import profile_of
from layer8_net._statistics import SwitchStatistics
from layer8_net._tls import certificate_error, watch
from layer8_net._usage import Usage

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

    from l8types.protocols.net import NodeDirectory
    from l8types.protocols.runtime import Resources

__all__ = ["TcpSwitch"]

_log = logging.getLogger(__name__)

_CLOSE_SECONDS: Final = 2.0
"""How long the last bytes to the nodes may take when the switch ends."""
_TLS_SECONDS: Final = 10.0
"""How long a TLS handshake may take."""
_TICKS: Final = 4
"""Looks at the clock per keep-alive interval; liveness is that exact."""


class TcpSwitch:
    """Joins the interfaces of a network, and links to other switches.

    Args:
        resources: The parts of the node; ``settings``, ``security``, ``clock`` and ``metrics`` are
            used.
        dice: Randomness of pauses, that of the system by default; not used for secrets.

    Raises:
        ConfigurationError: The settings ask for a wire profile that this switch does not speak.
    """

    def __init__(self, resources: Resources, *, dice: random.Random | None = None) -> None:
        settings = resources.settings
        self._resources = resources
        self._settings = settings
        self._guard = resources.security
        self._certificates = Certificates(
            self._guard, server_side=True, now=resources.clock.monotonic
        )
        self._profile = profile_of(settings)
        self._me = self._profile.endpoint(settings, is_switch=True)
        self._core = self._profile.switch(self._me, resources)
        self._directory = DirectoryView(settings.uuid, self._core.directory)
        self._connections = Connections(
            self._me, resources, self._profile, self._core, self._directory
        )
        dice = dice or random.SystemRandom()
        self._peers = Peers(self._me, resources, self._connections, dice)
        self._discovery = Discovery(resources, self._peers.learn, dice)
        self._usage = Usage()
        self._meter = Meter(resources.metrics, settings.alias)
        self._port = 0
        self._server: asyncio.Server | None = None
        self._workers: list[asyncio.Task[None]] = []
        self._running = False

    # Life

    async def __aenter__(self) -> Self:
        """Listen, and begin to link to the peers of the settings.

        Raises:
            ConfigurationError: The address cannot be listened on, or not without certificates, or
                the same is true of a peer or of the port of discovery.
        """
        if self._server is not None:
            raise ClosedError("a switch is entered once; make a new one")
        context = self._certificates.context()
        check_exposure(self._settings, context)
        if not self._guard.network_secret():
            raise ConfigurationError("the network secret is empty; set one, equal on all nodes")
        for host, port in self._settings.peers:
            self._peers.add(host, port)
        await self._discovery.open()
        try:
            server = await self._listen(context)
        except BaseException:
            self._discovery.close()
            raise
        self._server = server
        self._port = server.sockets[0].getsockname()[1]
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        self._start()
        _log.info("%s listens on %s:%d", self._settings.alias, self._settings.host, self._port)
        return self

    def _start(self) -> None:
        """Begin with everything that goes on while the switch runs."""
        self._running = True
        peers, settings = self._peers, self._settings
        self._connections.open(
            self._tasks, Neighbours(peers.objection, peers.up, peers.down, peers.learn_switch)
        )
        host = settings.advertise_host or ("" if is_wildcard(settings.host) else settings.host)
        self._connections.step(events.Listening(host, self._port))
        work = {
            "clock": self._tick(),
            "links": peers.run(),
            "discovery": self._discovery.run(self._port),
        }
        self._workers = [
            self._tasks.create_task(one, name=f"switch: {name}") for name, one in work.items()
        ]

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
        for worker in self._workers:
            worker.cancel()
        self._discovery.close()
        links = self._connections.close()
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
        if context is not None:
            watch(context, self._no_tls)
            self._certificates.renew_within(context)
        try:
            return await asyncio.get_running_loop().create_server(
                self._connections.accept,
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

    def _no_tls(self, error: ssl.SSLError) -> None:
        """A connection ended before it was one of ours."""
        self._connections.refused += 1
        refusal = certificate_error(error, "a node that dialled")
        _log.warning("refused: %s: %s", refusal.code, refusal.message)

    @property
    def running(self) -> bool:
        """Whether it was entered and not left."""
        return self._running

    async def _tick(self) -> None:
        """Tell the core that time passes."""
        while True:
            await asyncio.sleep(self._settings.keep_alive / _TICKS)
            self._core.report(self._node_statistics())
            self._connections.step(events.Tick())
            self._measure()

    async def connect(self, host: str, port: int) -> None:
        """Link to another switch and keep the link up; returns at once.

        Args:
            host: Name or address.
            port: TCP port.

        Raises:
            ClosedError: The switch is not running.
            ConfigurationError: The link would leave this machine without certificates.
        """
        if not self._running:
            raise ClosedError("the switch is not running")
        self._peers.add(host, port)

    def interface(self) -> SwitchVNic:
        """The switch's own interface, for services that the switch offers itself.

        It is entered once, while the switch runs, and left before the switch is.

        Raises:
            ClosedError: The switch is not running.
            ConfigurationError: The profile of the network has no such interface.
        """
        if not self._running:
            raise ClosedError("the switch is not running")
        return SwitchVNic(self._resources, self._connections, self._me)

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
        peers, found = self._peers, self._discovery.counters
        return SwitchStatistics(
            connections=len(self._connections) - peers.links,
            links=peers.links,
            lost_links=peers.lost_links,
            dials=peers.dials,
            failed_dials=peers.failed_dials,
            duplicate_links=counters.duplicate_links,
            forwarded_messages=counters.forwarded,
            forwarded_bytes=counters.forwarded_bytes,
            returned_messages=counters.returned,
            dropped_messages=counters.dropped,
            foreign_messages=counters.foreign,
            protocol_violations=counters.violations,
            refused_handshakes=self._connections.refused,
            evicted_peers=counters.evicted,
            silent_peers=counters.silenced,
            contested_nodes=counters.contested,
            stale_changes=counters.stale_changes,
            resyncs=counters.resyncs,
            announcements_sent=found.sent,
            announcements_heard=found.heard,
            announcements_refused=found.refused,
        )

    def _node_statistics(self) -> NodeStatistics:
        tx_bytes, rx_bytes = self._connections.traffic()
        memory_bytes, cpu_ratio = self._usage.sample()
        return NodeStatistics(
            tx_messages=self._core.counters.forwarded,
            tx_bytes=tx_bytes,
            rx_bytes=rx_bytes,
            memory_bytes=memory_bytes,
            cpu_ratio=cpu_ratio,
        )

    def _measure(self) -> None:
        figures = self.statistics()
        self._meter.count(
            {
                "layer8_switch_forwarded_messages_total": figures.forwarded_messages,
                "layer8_switch_forwarded_bytes_total": figures.forwarded_bytes,
                "layer8_switch_returned_messages_total": figures.returned_messages,
                "layer8_switch_dropped_messages_total": figures.dropped_messages,
                "layer8_switch_foreign_messages_total": figures.foreign_messages,
                "layer8_switch_protocol_violations_total": figures.protocol_violations,
                "layer8_switch_refused_handshakes_total": figures.refused_handshakes,
                "layer8_switch_evicted_peers_total": figures.evicted_peers,
                "layer8_switch_silent_peers_total": figures.silent_peers,
                "layer8_switch_lost_links_total": figures.lost_links,
                "layer8_switch_dials_total": figures.dials,
                "layer8_switch_announcements_refused_total": figures.announcements_refused,
            }
        )
        self._meter.gauge(
            {
                "layer8_switch_connections": float(figures.connections),
                "layer8_switch_links": float(figures.links),
            }
        )
