# SPDX-License-Identifier: Apache-2.0
"""What runs behind an interface: its connection, its tasks and timers, and the core they drive."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Final

from l8types.enums import DirectoryEventType
from l8types.errors import ClosedError, L8Error, UnavailableError
from l8types.values import Message, ServiceKey
from layer8_net._alarm import Alarm
from layer8_net._answers import Answers
from layer8_net._calls import Calls, wake
from layer8_net._certificates import Certificates
from layer8_net._core import vnic_events as events
from layer8_net._core.backoff import Backoff
from layer8_net._directory import DirectoryView
from layer8_net._figures import Figures
from layer8_net._inbound import Inbound
from layer8_net._leaving import Leaving
from layer8_net._offers import Offers
from layer8_net._options import OutagePolicy
from layer8_net._outage import Held, Waitlist
from layer8_net._profiles import profile_of
from layer8_net._streams import Inlet, Outlets
from layer8_net._uplink import Uplink, UplinkEvents
from layer8_net.errors import PayloadTooLargeError

if TYPE_CHECKING:
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import Services
    from l8types.values import DirectoryEvent
    from layer8_net._batch import ServiceBatch
    from layer8_net._core.handshake import Endpoint
    from layer8_net._core.usual import Letter
    from layer8_net._link import Link
    from layer8_net._machines import VNicMachine, Waiter
    from layer8_net._options import VNicOptions
    from layer8_net._uplink import Connector

__all__ = ["Session"]

_log = logging.getLogger(__name__)

_HANDLERS: Final = 256
"""Handlers at a time: far more than a few cores can work on, few enough to be held in memory."""
_DRAIN_SECONDS: Final = 5.0
"""How long handlers and the send queue may take to finish when the interface is left."""
_LAST_SECONDS: Final = 1.0
"""How long the services may take to learn which of their last messages came back."""
_FIRST_BEAT: Final = 1.0
"""Seconds until the first report: who looks at the directory wants figures soon."""


class Session:
    """The running half of an interface, from its start to its end.

    Args:
        resources: The parts of the node.
        options: How it behaves in trouble.
        vnic: The interface, as the services of the node see it.
        connector: Makes what connects; by default the switch of the settings is dialled.
    """

    def __init__(
        self,
        resources: Resources,
        options: VNicOptions,
        vnic: VNic,
        connector: Connector | None = None,
    ) -> None:
        settings = resources.settings
        self.resources = resources
        self._settings = settings
        self._options = options
        self._connector = connector
        self.now = resources.clock.monotonic
        self._profile = profile_of(settings)
        self.me = self._profile.endpoint(settings, is_switch=False)
        self.core: VNicMachine = self._profile.vnic(self.me, resources)
        self.directory = DirectoryView(settings.uuid, self.core.directory)
        self.online = asyncio.Event()
        """Set while messages can leave, and for good once the interface is closed."""
        self._offline = asyncio.Event()
        self.link: Link | None = None
        """The connection, also while it is not part of the network yet."""
        self.ready_link: Link | None = None
        """The same while new messages can leave, ``None`` otherwise."""
        self.waitlist = Waitlist(options.held_bytes)
        self.batches: set[ServiceBatch] = set()
        self.seen: set[tuple[str, int]] = set()
        """Services that some node offered since this one joined."""
        self.offers = Offers()
        self.leaving = Leaving(self)
        self.answers = Answers(self, vnic)
        self.calls = Calls(self, options)
        self.figures = Figures(self, self.calls)
        self._random = random.SystemRandom()
        self._workers: list[asyncio.Task[None]] = []
        self._last_error = ""
        self.alarm = Alarm(self.core.next_deadline, self.now, self._tick)
        """Ends the requests whose time is over."""
        self._entered = False
        self._closing = False

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._entered and not self._closing

    def services(self) -> Services:
        """The service manager of the node."""
        return self.resources.services

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
        events = UplinkEvents(self._opened, self._received, self._closed)
        self._uplink = (self._connector or self._dialler)(events)
        self._started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.tasks = asyncio.TaskGroup()
        await self.tasks.__aenter__()
        self._make_receivers()
        self._workers = [
            self.tasks.create_task(self._supervise(), name="vnic: supervisor"),
            self.tasks.create_task(self._beat(), name="vnic: keep-alive"),
        ]
        try:
            await self._wait_started()
        except BaseException:
            await self._cut()
            raise

    def _dialler(self, events: UplinkEvents) -> Uplink:
        return Uplink(
            self._settings,
            self.resources.security,
            self.me,
            events,
            Certificates(self.resources.security, server_side=False, now=self.now),
        )

    def _make_receivers(self) -> None:
        self._inbound = self.figures.inbound = Inbound(
            self.answers.handle,
            self.tasks,
            self.now,
            limit=_HANDLERS,
            queue_bytes=self._settings.queue_bytes,
            hold=self._hold,
            release=self._release,
        )
        self._outlets = self.figures.outlets = Outlets(
            self.answers.parts,
            self._send_part,
            self.refuse,
            self.tasks,
            limit=self._options.max_streams,
        )

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
        """Let handlers finish for a while, answer who waits, close the connection; idempotent."""
        if not self.running:
            return
        try:
            await self._flush_batches()
            self._end()
            error = UnavailableError(f"node {self.me.alias!r} is shutting down")
            self.refuse(self._inbound.forget(), error)
            self._give_back_held()
            await self._inbound.drain(_DRAIN_SECONDS)
            self._outlets.break_off()
            await self._outlets.drain(_DRAIN_SECONDS)
            self._fail_pending()
            await self.leaving.leave()
            await self._inbound.drain(_LAST_SECONDS)
            await self._drain_link()
        finally:
            await self._cut()

    def _end(self) -> None:
        """Nothing new is sent any more."""
        self._closing = True
        self.ready_link = None

    async def drain(self, timeout: float) -> None:
        """Stop being chosen, finish what was begun; see ``Drainer.drain``."""
        for service in self.offers.retire():
            self.perform(self.core.withdraw(ServiceKey(*service)))
        deadline = self.now() + timeout
        # Whoever has answered the echo knows of the withdrawal, and all that it sent before it
        # knew has arrived.
        others = [node.uuid for node in self.directory.nodes() if not node.is_switch]
        await self.calls.echo([uuid for uuid in others if uuid != self.me.uuid], timeout)
        await self._inbound.drain(max(0.0, deadline - self.now()))
        await self._outlets.drain(max(0.0, deadline - self.now()))

    async def _flush_batches(self) -> None:
        for batch in tuple(self.batches):
            try:
                async with asyncio.timeout(_DRAIN_SECONDS):
                    await batch.aclose()
            except (L8Error, TimeoutError) as error:
                _log.warning("%s: a batch could not be sent: %s", self.me.alias, error)

    def _give_back_held(self) -> None:
        """What never left comes back, as what the network cannot deliver does."""
        failure = "closed: the interface was shut down before the connection came back"
        for held in self.waitlist.take():
            self._inbound.put([held.returned(failure)])

    async def _drain_link(self) -> None:
        if self.link is None:
            return
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self.link.drain(empty=True)
        except TimeoutError:
            _log.warning("the send queue was given up after %g s", _DRAIN_SECONDS)

    async def _cut(self) -> None:
        """End everything, now."""
        self._end()
        self._fail_pending()
        # Whoever waits for the connection learns that there will be none.
        self.online.set()
        self.alarm.cancel()
        for worker in self._workers:
            worker.cancel()
        self._inbound.cancel()
        self._outlets.break_off()
        link = self.link
        if link is not None:
            link.close("the interface is shut down")
            await link.wait_closed(_DRAIN_SECONDS)
        await self.tasks.__aexit__(None, None, None)
        self.leaving.tell()
        self.figures.measure()

    def _fail_pending(self) -> None:
        for request in self.core.pending.take_all():
            error = ClosedError("the interface was shut down before the answer came")
            wake([(request.waiter, error, b"")])

    # The connection

    async def _supervise(self) -> None:
        """Connect, and again whenever the connection is gone."""
        backoff = Backoff()
        while True:
            try:
                await self._uplink.connect()
            except L8Error as error:
                self.figures.connection_errors += 1
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
        self.link = link
        self.figures.connections += 1
        self._last_error = ""
        self._offline.clear()
        if self._inbound.holding:
            link.hold()
        _log.info("%s connected to switch %s", self._settings.alias, switch.alias)
        self.perform(self.core.step(events.Connected(switch), self.now()))

    def _received(self, frames: list[bytes]) -> None:
        self.figures.last_message = self.resources.clock.now()
        self.perform(self.core.step(events.FramesReceived(frames), self.now()))

    def _closed(self, reason: str) -> None:
        if not self._closing:
            _log.warning("%s lost the connection to the switch: %s", self._settings.alias, reason)
        self.figures.connection_ended(lost=not self._closing)
        self.link = self.ready_link = None
        if not self._closing:
            self.online.clear()
        self._offline.set()
        self.leaving.confirmed()
        # Nobody can read them any more; the requests at work may finish what they do.
        self._outlets.cancel_of()
        self.perform(self.core.step(events.ConnectionLost(reason), self.now()))

    def perform(self, effects: list[events.Effect[Waiter]]) -> None:
        """Carry out what the core wants."""
        for effect in effects:
            match effect:
                case events.Completed(answers):
                    wake(answers)
                case events.Deliver(messages):
                    if self._closing:
                        messages = self.leaving.turn_away(messages)
                    self._inbound.put(messages)
                case events.Send(frames):
                    if self.link is not None:
                        self.link.send(frames)
                case events.Changed(changes):
                    self._directory_changed(changes)
                case events.Ready():
                    self._became_ready()
                case _:
                    self._perform_rare(effect)

    def _perform_rare(self, effect: events.Effect[Waiter]) -> None:
        match effect:
            case events.PartReceived(reader, source, data):
                if isinstance(reader, Inlet):
                    reader.push(source, data)
            case events.StreamAsked(message):
                if self._closing:
                    self.leaving.turn_away([message])
                else:
                    self._outlets.start(message)
            case events.Granted(source, sequence, parts, size_bytes):
                self._outlets.grant((source, sequence), parts, size_bytes)
            case events.Silent(reason):
                if self.link is not None:
                    self.link.abort(reason)
            case events.Left():
                self.leaving.confirmed()
            case events.Cancelled(source, sequence):
                self._inbound.cancel_request((source, sequence))
                self._outlets.cancel((source, sequence))
            case _:
                raise TypeError(f"effect {effect!r} is not carried out")

    def _directory_changed(self, changes: list[DirectoryEvent]) -> None:
        self.calls.router.changed()
        for change in changes:
            self.seen.update((key.name, key.area) for key in change.node.services)
            if change.type is DirectoryEventType.LEFT:
                left = change.node.uuid
                self.calls.breakers.forget(left)
                self._inbound.cancel_requests_of(left)
                self._outlets.cancel_of(left)
        self.directory.publish(changes)

    def refuse(self, messages: list[Message], error: L8Error) -> None:
        """Give messages back to who sent them; nothing was executed."""
        self.leaving.refuse(messages, error)

    def _became_ready(self) -> None:
        link = self.link
        if link is not None:
            # They waited longest, so they leave first.
            for held in self.waitlist.take():
                link.post(held.build())
        self.online.set()
        if self.running:
            self.ready_link = link
        if not self._started.done():
            self._started.set_result(None)

    def _hold(self) -> None:
        if self.link is not None:
            self.link.hold()

    def _release(self) -> None:
        if self.link is not None:
            self.link.release()

    async def _beat(self) -> None:
        """Report to the switch, and see whether it is alive."""
        await asyncio.sleep(min(_FIRST_BEAT, self._settings.keep_alive))
        while True:
            self._tick()
            if self.link is not None and self.online.is_set():
                self.link.send([self.core.report(self.figures.of_node())])
            self.figures.measure()
            await asyncio.sleep(self._settings.keep_alive)

    # What this node offers

    def offer(self, service: ServiceKey, model: str) -> None:
        """Offer a service."""
        self.offers.add((service.name, service.area))
        self.perform(self.core.offer(service, model))

    def withdraw(self, service: ServiceKey) -> None:
        """No longer offer a service."""
        self.offers.remove((service.name, service.area))
        self.perform(self.core.withdraw(service))

    def deadline(self, message: Message) -> float | None:
        """Monotonic seconds at which the time of a request is over that is being handled."""
        return self._inbound.deadline(message)

    def deliver(self, message: Message) -> None:
        """Handle a message of this node itself."""
        self._inbound.put([message])

    # Sending

    async def post(self, link: Link, frame: bytes | Letter) -> None:
        """Send a message; waits only while the send queue is full.

        Raises:
            PayloadTooLargeError: The frame is too large.
        """
        self.put(link, frame)
        if link.pressure:
            await link.drain()

    def put(self, link: Link, frame: bytes | Letter) -> None:
        """Send a message; whoever can wait does so while ``link.pressure`` is high.

        Raises:
            PayloadTooLargeError: The frame is too large.
        """
        size, limit = len(frame), self._settings.max_frame_bytes
        if size - self._profile.length_size > limit:
            raise PayloadTooLargeError(f"message of {size} bytes is above max_frame_bytes {limit}")
        link.post(frame)

    def reply(self, message: Message, elements: Elements) -> Link:
        """Send the answer to a request; whoever can wait does so while ``link.pressure`` is high.

        Raises:
            EncodeError: The answer cannot be encoded or is too large; nothing was sent.
            UnavailableError: There is no connection to the switch now.
        """
        link = self.open_link()
        self.put(link, self.core.reply_frame(message, elements.encode()))
        return link

    async def _send_part(self, message: Message, data: bytes, last: bool) -> None:
        controls = self.core.controls
        if controls is not None:
            await self.post(self.open_link(), controls.part_frame(message, data, last=last))

    def hold(self, held: Held) -> None:
        """Keep a message until there is a connection.

        Raises:
            OverloadedError: There is no room for it.
        """
        self.waitlist.hold(held)

    def connected_link(self) -> Link | None:
        """The connection, for a new message; ``None`` when it is to be held until there is one.

        Raises:
            ClosedError: The interface is not running.
            UnavailableError: There is no connection now, and nothing is to be held.
        """
        if self.ready_link is not None:
            return self.ready_link
        if not self.running:
            raise ClosedError("the interface is not running")
        if self._options.outage is OutagePolicy.HOLD:
            return None
        return self.open_link()

    def open_link(self) -> Link:
        """The connection, for an answer: also while the interface shuts down.

        Raises:
            UnavailableError: There is no connection now.
        """
        if self.link is None or not self.online.is_set():
            where = f"{self._settings.host}:{self._settings.port}"
            raise UnavailableError(f"no connection to the switch at {where} right now")
        return self.link

    # Time

    def _tick(self) -> None:
        now = self.now()
        if self._inbound.holding:
            # Whoever does not read hears nothing, and must not take that for silence.
            self.perform(self.core.step(events.FramesReceived([]), now))
        self.perform(self.core.step(events.Tick(), now))
