# SPDX-License-Identifier: Apache-2.0
"""What runs behind an interface: its connection, its tasks and timers, and the core they drive."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Final

from l8types.errors import ClosedError, EncodeError, L8Error, UnavailableError
from l8types.values import Message, NodeStatistics
from layer8_net._core import vnic_events as events
from layer8_net._core.backoff import Backoff
from layer8_net._core.handshake import Endpoint
from layer8_net._directory import DirectoryView
from layer8_net._inbound import Inbound
from layer8_net._meter import Meter
from layer8_net._profiles import profile_of
from layer8_net._statistics import VNicStatistics
from layer8_net._uplink import Uplink, UplinkEvents

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from l8types.protocols.runtime import Resources
    from layer8_net._link import Link
    from layer8_net._machines import VNicMachine, Waiter

__all__ = ["Session"]

_log = logging.getLogger(__name__)

_HANDLERS: Final = 256
"""Handlers at a time: far more than a few cores can work on, few enough to be held in memory."""
_DRAIN_SECONDS: Final = 5.0
"""How long handlers and the send queue may take to finish when the interface is left."""


class Session:
    """The running half of an interface, from its start to its end.

    Args:
        resources: The parts of the node.
        handle: Handles one received message.
    """

    def __init__(self, resources: Resources, handle: Callable[[Message], Awaitable[None]]) -> None:
        settings = resources.settings
        self._resources = resources
        self._settings = settings
        self._handle = handle
        self._now = resources.clock.monotonic
        self._me = Endpoint(settings.uuid, settings.alias, settings.keep_alive)
        self._profile = profile_of(settings)
        self.core: VNicMachine = self._profile.vnic(self._me, resources)
        self.directory = DirectoryView(settings.uuid, self.core.directory)
        self.online = asyncio.Event()
        """Set while messages can leave."""
        self._offline = asyncio.Event()
        self._meter = Meter(resources.metrics, settings.alias)
        self._random = random.SystemRandom()
        self._link: Link | None = None
        self._inbound: Inbound | None = None
        self._workers: list[asyncio.Task[None]] = []
        self._earlier = (0, 0, 0, 0)
        self._connections = 0
        self._last_message = -1.0
        self._last_error = ""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._entered = False
        self._closing = False

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._entered and not self._closing

    # Life

    async def start(self) -> None:
        """Connect; returns once the node is part of the network.

        Raises:
            ClosedError: It was started before.
            UnavailableError: The switch could not be reached in time.
            L8Error: The switch and this node do not agree, or it refused.
        """
        if self._entered:
            raise ClosedError("an interface is entered once; make a new one")
        self._entered = True
        self._uplink = Uplink(
            self._settings,
            self._resources.security,
            self._me,
            UplinkEvents(self._opened, self._received, self._closed),
        )
        self._started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        self._inbound = Inbound(
            self._handle,
            self._tasks,
            self._now,
            limit=_HANDLERS,
            queue_bytes=self._settings.queue_bytes,
            hold=self._hold,
            release=self._release,
        )
        self._workers = [
            self._tasks.create_task(self._supervise(), name="vnic: supervisor"),
            self._tasks.create_task(self._beat(), name="vnic: keep-alive"),
        ]
        try:
            await self._wait_started()
        except BaseException:
            await self._cut()
            raise

    async def _wait_started(self) -> None:
        limit = self._settings.request_timeout
        try:
            async with asyncio.timeout(limit):
                await self._started
        except TimeoutError as error:
            where = f"{self._settings.host}:{self._settings.port}"
            reason = self._last_error or f"cannot reach the switch at {where}"
            raise UnavailableError(f"{reason} (tried for {limit:g} s)") from error

    async def stop(self) -> None:
        """Let handlers finish for a while, answer who waits, close the connection."""
        self._closing = True
        try:
            if self._inbound is not None:
                self._refuse(self._inbound.forget())
                await self._inbound.drain(_DRAIN_SECONDS)
            self._fail_pending()
            await self._drain_link()
        finally:
            await self._cut()

    async def _drain_link(self) -> None:
        if self._link is None:
            return
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self._link.drain(empty=True)
        except TimeoutError:
            _log.warning("the send queue was given up after %g s", _DRAIN_SECONDS)

    async def _cut(self) -> None:
        """End everything, now."""
        self._closing = True
        self._fail_pending()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for worker in self._workers:
            worker.cancel()
        if self._inbound is not None:
            self._inbound.cancel()
        link = self._link
        if link is not None:
            link.close("the interface is shut down")
            await link.wait_closed(_DRAIN_SECONDS)
        await self._tasks.__aexit__(None, None, None)
        self._measure()

    def _fail_pending(self) -> None:
        for request in self.core.pending.take_all():
            error = ClosedError("the interface was shut down before the answer came")
            _wake([(request.waiter, error, b"")])

    # The connection

    async def _supervise(self) -> None:
        """Connect, and again whenever the connection is gone."""
        backoff = Backoff()
        while True:
            try:
                await self._uplink.connect()
            except L8Error as error:
                if not self._bearable(error):
                    return
            else:
                backoff.reset()
                await self._offline.wait()
            await asyncio.sleep(backoff.next(self._random.random()))

    def _bearable(self, error: L8Error) -> bool:
        """Whether to go on trying after a failed attempt."""
        news = error.message != self._last_error
        self._last_error = error.message
        if self._started.done() or isinstance(error, UnavailableError):
            # Who was connected once keeps trying, whatever the switch says: it may be
            # misconfigured for a moment, and this node is not to be restarted for that.
            quiet = isinstance(error, UnavailableError) or not news
            level = logging.DEBUG if quiet else logging.WARNING
            _log.log(level, "%s: %s", self._settings.alias, error.message)
            return True
        self._started.set_exception(error)
        return False

    def _opened(self, link: Link, switch: Endpoint) -> None:
        self._link = link
        self._connections += 1
        self._last_error = ""
        self._offline.clear()
        if self._inbound is not None and self._inbound.holding:
            link.hold()
        _log.info("%s connected to switch %s", self._settings.alias, switch.alias)
        self.perform(self.core.step(events.Connected(switch), self._now()))

    def _received(self, frames: list[bytes]) -> None:
        self._last_message = self._resources.clock.now()
        self.perform(self.core.step(events.FramesReceived(frames), self._now()))

    def _closed(self, reason: str) -> None:
        if not self._closing:
            _log.warning("%s lost the connection to the switch: %s", self._settings.alias, reason)
        self._earlier = self._traffic()
        self._link = None
        self.online.clear()
        self._offline.set()
        self.perform(self.core.step(events.ConnectionLost(reason), self._now()))

    def perform(self, effects: list[events.Effect[Waiter]]) -> None:
        """Carry out what the core wants."""
        link, inbound = self._link, self._inbound
        for effect in effects:
            match effect:
                case events.Completed(answers):
                    _wake(answers)
                case events.Deliver(messages) if inbound is not None:
                    if self._closing:
                        self._refuse(messages)
                    else:
                        inbound.put(messages)
                case events.Send(frames) if link is not None:
                    link.send(frames)
                case events.Changed(changes):
                    self.directory.publish(changes)
                case events.Ready():
                    self._became_ready()
                case events.Silent(reason) if link is not None:
                    link.abort(reason)

    def _refuse(self, messages: list[Message]) -> None:
        """Tell those who wait for an answer that none will come."""
        error = UnavailableError(f"node {self._settings.alias!r} is shutting down")
        frames = [self.core.refusal_frame(one, error) for one in messages if one.request]
        if self._link is not None and frames:
            self._link.send(frames)

    def _became_ready(self) -> None:
        self.online.set()
        if not self._started.done():
            self._started.set_result(None)

    def _hold(self) -> None:
        if self._link is not None:
            self._link.hold()

    def _release(self) -> None:
        if self._link is not None:
            self._link.release()

    async def _beat(self) -> None:
        """Report to the switch, and see whether it is alive."""
        while True:
            await asyncio.sleep(self._settings.keep_alive)
            self.perform(self.core.step(events.Tick(), self._now()))
            if self._link is not None and self.online.is_set():
                self._link.send([self.core.report(self._node_statistics())])
            self._measure()

    # Sending

    async def ask(self, destination: bytes, timeout: float, build: Callable[[int], bytes]) -> bytes:
        """Send a request and wait for the data of its answer.

        Args:
            destination: Where it goes, in wire form.
            timeout: Seconds to wait.
            build: Makes the frame of the sequence number.
        """
        link = self.connected_link()
        waiter: Waiter = asyncio.get_running_loop().create_future()
        sequence = self.core.open_request(waiter, destination, timeout, self._now())
        try:
            frame = build(sequence)
            self._arm()
            await self.post(link, frame)
            return await waiter
        finally:
            self.core.pending.close(sequence)

    async def post(self, link: Link, frame: bytes) -> None:
        """Send a frame; waits only while the send queue is full.

        Raises:
            EncodeError: The frame is too large.
        """
        limit = self._settings.max_frame_bytes
        if len(frame) - self._profile.length_size > limit:
            raise EncodeError(f"message of {len(frame)} bytes is above max_frame_bytes {limit}")
        link.send([frame])
        if link.pressure:
            await link.drain()

    def connected_link(self) -> Link:
        """The connection, for a new message.

        Raises:
            ClosedError: The interface is not running.
            UnavailableError: There is no connection now.
        """
        if not self.running:
            raise ClosedError("the interface is not running")
        return self.open_link()

    def open_link(self) -> Link:
        """The connection, for an answer: also while the interface shuts down.

        Raises:
            UnavailableError: There is no connection now.
        """
        if self._link is None or not self.online.is_set():
            where = f"{self._settings.host}:{self._settings.port}"
            raise UnavailableError(f"no connection to the switch at {where} right now")
        return self._link

    # Time

    def _arm(self) -> None:
        """Have the timer go off for the earliest deadline."""
        deadline = self.core.next_deadline()
        if deadline is None or (self._timer is not None and self._timer_at <= deadline):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = deadline
        delay = max(0.0, deadline - self._now())
        self._timer = asyncio.get_running_loop().call_later(delay, self._expire)

    def _expire(self) -> None:
        self._timer = None
        self.perform(self.core.step(events.Tick(), self._now()))
        self._arm()

    # Figures

    def statistics(self) -> VNicStatistics:
        """Figures of this moment."""
        tx_messages, tx_bytes, rx_messages, rx_bytes = self._traffic()
        inbound = self._inbound
        return VNicStatistics(
            tx_messages=tx_messages,
            tx_bytes=tx_bytes,
            rx_messages=rx_messages,
            rx_bytes=rx_bytes,
            pending_requests=len(self.core.pending),
            active_handlers=0 if inbound is None else inbound.active,
            queued_messages=0 if inbound is None else len(inbound),
            late_answers=self.core.counters.late,
            malformed_messages=self.core.counters.malformed,
            expired_requests=0 if inbound is None else inbound.expired,
            connections=self._connections,
        )

    def _traffic(self) -> tuple[int, int, int, int]:
        """Messages and bytes sent and received, over all connections."""
        link = self._link
        if link is None:
            return self._earlier
        now = (link.tx_frames, link.tx_bytes, link.rx_frames, link.rx_bytes)
        first, second, third, fourth = (a + b for a, b in zip(self._earlier, now, strict=True))
        return first, second, third, fourth

    def _node_statistics(self) -> NodeStatistics:
        tx_messages, tx_bytes, rx_messages, rx_bytes = self._traffic()
        return NodeStatistics(
            last_message=self._last_message,
            tx_messages=tx_messages,
            tx_bytes=tx_bytes,
            rx_messages=rx_messages,
            rx_bytes=rx_bytes,
        )

    def _measure(self) -> None:
        figures = self.statistics()
        self._meter.count(
            {
                "layer8_messages_sent_total": figures.tx_messages,
                "layer8_bytes_sent_total": figures.tx_bytes,
                "layer8_messages_received_total": figures.rx_messages,
                "layer8_bytes_received_total": figures.rx_bytes,
                "layer8_late_answers_total": figures.late_answers,
                "layer8_malformed_messages_total": figures.malformed_messages,
                "layer8_connects_total": figures.connections,
            }
        )
        self._meter.gauge(
            {
                "layer8_connected": float(self.online.is_set()),
                "layer8_pending_requests": float(figures.pending_requests),
                "layer8_active_handlers": float(figures.active_handlers),
            }
        )


def _wake(answers: list[tuple[Waiter, L8Error | None, bytes]]) -> None:
    for waiter, error, data in answers:
        if waiter.done():
            continue
        if error is None:
            waiter.set_result(data)
        else:
            waiter.set_exception(error)
