# SPDX-License-Identifier: Apache-2.0
"""A node's interface to the network over TCP."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Self

from l8types.enums import Action, MulticastMode, Priority
from l8types.errors import (
    ClosedError,
    InvalidInputError,
    RequestTimeoutError,
)
from l8types.frozen import replace
from l8types.values import Message, ServiceKey
from layer8_net._api import BoundServiceApi
from layer8_net._batch import ServiceBatch
from layer8_net._calls import Call
from layer8_net._core.batch import Collector
from layer8_net._options import vnic_options_of
from layer8_net._outage import Held
from layer8_net._payload import to_elements
from layer8_net._session import Session
from layer8_net.errors import PayloadTooLargeError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from types import TracebackType

    from l8types.pb import L8NotificationSet
    from l8types.protocols.data import Elements
    from l8types.protocols.net import NodeDirectory, Target
    from l8types.protocols.runtime import Resources
    from layer8_net._calls import Build
    from layer8_net._core.targets import Address
    from layer8_net._core.usual import Letter
    from layer8_net._options import VNicOptions
    from layer8_net._statistics import VNicStatistics
    from layer8_net._uplink import Connector

__all__ = ["TcpVNic"]

_log = logging.getLogger(__name__)


class TcpVNic:
    """Interface to the network through a switch.

    ``async with TcpVNic(resources) as vnic`` returns once the node is part of the network.
    It reconnects by itself; meanwhile ``send`` and ``request`` raise ``UnavailableError``, or wait
    if the options say so.

    Args:
        resources: The parts of the node. ``settings``, ``security`` and ``elements`` are used from
            the start, ``services`` with the first message that arrives.
        options: How it behaves in trouble; by default what the settings say.
        connector: Makes what connects; by default the switch of the settings is dialled.

    Raises:
        ConfigurationError: What the wire profile of the settings needs is not there, or their
            options make no sense.
    """

    def __init__(
        self,
        resources: Resources,
        options: VNicOptions | None = None,
        *,
        connector: Connector | None = None,
    ) -> None:
        self._resources = resources
        self._settings = resources.settings
        options = options or vnic_options_of(self._settings.vnic)
        self._session = Session(resources, options, self, connector)
        self._core = self._session.core
        self._calls = self._session.calls

    # Life

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            UnavailableError: The switch could not be reached within ``settings.request_timeout``.
            HandshakeError: The switch and this node do not agree, most often on the secret.
            PermissionDeniedError: The switch does not admit this node.
        """
        self._elements = self._resources.elements
        await self._session.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let handlers finish for a while, answer who waits, close the connection."""
        await self._session.stop()

    @property
    def running(self) -> bool:
        """Whether it was entered and not left."""
        return self._session.running

    # Sending

    async def send(
        self,
        target: Target,
        service: str,
        area: int,
        action: Action,
        payload: object = None,
        *,
        identity: str = "",
        priority: Priority = Priority.P8,
    ) -> None:
        """Hand a message to the network; see ``l8types.protocols.net.Sender``.

        Raises:
            UnavailableError: There is no connection to the switch now.
            OverloadedError: There is none, and no room to keep the message until there is.
        """
        data = self._encode(payload)
        if target is MulticastMode.LOCAL and (service, area) in self._session.offers:
            message = self._message(service, area, action, data, identity, priority)
            self._session.deliver(message)
            return
        address = self._core.address(self._resolve(target, service, area), one=False)
        link = self._session.connected_link()

        if link is None:
            message = self._message(service, area, action, data, identity, priority)
            build = partial(
                self._core.frame, address, service, area, action, data, identity, priority
            )
            self._session.hold(Held(build, message))
        else:
            frame = self._core.frame(address, service, area, action, data, identity, priority)
            self._session.put(link, frame)
            if link.pressure:
                await link.drain()

    async def notify(self, changes: L8NotificationSet, *, identity: str = "") -> None:
        """Tell all instances of a service what changed, this node's own included.

        Args:
            changes: Names the service, its area, and what changed.
            identity: On whose behalf.

        Raises:
            UnavailableError: There is no connection to the switch now.
        """
        await self.send(
            MulticastMode.ALL,
            changes.service_name,
            changes.service_area,
            Action.NOTIFY,
            self._elements.of(changes, notification=True),
            identity=identity,
        )

    def batch(
        self,
        target: Target,
        service: str,
        area: int = 0,
        *,
        interval: float = 0.1,
        max_items: int = 1000,
        max_bytes: int = 1_048_576,
    ) -> ServiceBatch:
        """Collect items for one service; see ``l8types.protocols.net.Batching``.

        Raises:
            InvalidInputError: The limits or the target make no sense.
        """
        self._core.address(target, one=False)
        if interval <= 0:
            raise InvalidInputError(f"a batch needs an interval above zero, not {interval:g} s")
        if not self._session.running:
            raise ClosedError("the interface is not running")
        limit = self._settings.max_frame_bytes // 2
        batch = ServiceBatch(
            Collector(max_items, min(max_bytes, limit)),
            lambda action, items: self.send(target, service, area, action, items),
            lambda item: self._size_of(item, limit),
            self._session.tasks.create_task,
            interval=interval,
            closed=self._session.batches.discard,
        )
        self._session.batches.add(batch)
        return batch

    async def request(
        self,
        target: Target,
        service: str,
        area: int,
        action: Action,
        payload: object = None,
        *,
        timeout: float | None = None,
        identity: str = "",
        priority: Priority = Priority.P8,
    ) -> Elements:
        """Send and wait for the answer; see ``l8types.protocols.net.Requester``."""
        data = self._encode(payload)
        limit = self._settings.request_timeout if timeout is None else timeout
        if target is MulticastMode.LOCAL and (service, area) in self._session.offers:
            message = self._message(service, area, action, data, identity, priority, limit)
            return (await self._answer_here(message)).raise_for_error()
        frame = self._core.frame

        def build(address: Address, sequence: int, left: float) -> bytes | Letter:
            return frame(
                address,
                service,
                area,
                action,
                data,
                identity,
                priority,
                sequence,
                left,
                request=True,
            )

        answer = await self._calls.ask(Call(target, service, area, limit, len(data), build))
        return self._elements.decode(answer).raise_for_error()

    async def stream(
        self,
        target: Target,
        service: str,
        area: int,
        action: Action,
        payload: object = None,
        *,
        timeout: float | None = None,
        identity: str = "",
    ) -> AsyncGenerator[Elements, None]:
        """Send and receive the answer in parts; see ``l8types.protocols.net.Requester``.

        ``timeout`` is for each part, while the reader waits for it. Leaving the loop before the
        end, best with ``contextlib.aclosing``, lets the provider stop.
        """
        if self._core.controls is None:
            # The profile has no streams: the answer is one part.
            yield await self.request(
                target, service, area, action, payload, timeout=timeout, identity=identity
            )
            return
        data = self._encode(payload)
        limit = self._settings.request_timeout if timeout is None else timeout
        asked = self._message(service, area, action, data, identity, Priority.P8, limit)
        asked = replace(asked, stream=True)
        if target is MulticastMode.LOCAL and (service, area) in self._session.offers:
            parts = self._session.answers.parts(asked)
        else:
            parts = self._calls.stream(
                Call(target, service, area, limit, len(data), self._builder(asked))
            )
        async with aclosing(parts):
            async for part in parts:
                yield self._elements.decode(part).raise_for_error()

    async def reply(self, message: Message, elements: Elements) -> None:
        """Answer a request.

        Raises:
            EncodeError: The answer cannot be encoded or is too large.
            UnavailableError: There is no connection to the switch now.
        """
        link = self._session.reply(message, elements)
        if link.pressure:
            await link.drain()

    async def forward(
        self, message: Message, elements: Elements, target: Target, *, timeout: float | None = None
    ) -> Elements:
        """Send a received request on and wait for the answer; see ``Replier.forward``.

        It ends when the time of the received request is over, however long ``timeout`` is.
        """
        limit = timeout or message.timeout or self._settings.request_timeout
        deadline = self._session.deadline(message)
        if deadline is not None:
            limit = min(limit, deadline - self._session.now())
        data = elements.encode()
        sent_on = replace(message, request=True, reply=False, stream=False, failure="", data=data)
        answer = await self._calls.ask(
            Call(target, message.service, message.area, limit, len(data), self._builder(sent_on))
        )
        return self._elements.decode(answer).raise_for_error()

    async def drain(self, timeout: float | None = None) -> None:
        """Leave without a failed request; see ``l8types.protocols.net.Drainer``.

        Raises:
            ClosedError: The interface is not running.
        """
        if not self._session.running:
            raise ClosedError("the interface is not running")
        await self._session.drain(self._settings.request_timeout if timeout is None else timeout)

    def _builder(self, message: Message) -> Build:
        """Makes frames of a message for the address that it goes to."""

        def build(address: Address, sequence: int, left: float) -> bytes:
            sent = replace(
                self._core.stamp(message),
                destination=address[0].rstrip(b"\0").decode(),
                mode=address[1],
                sequence=sequence,
                timeout=left,
            )
            return self._core.message_frame(sent)

        return build

    def _resolve(self, target: Target, service: str, area: int) -> Target:
        """The elected leader by its id where it is known; the network does not know elections."""
        if target is MulticastMode.LEADER:
            return self._resources.services.leader(ServiceKey(service, area)) or target
        return target

    def _encode(self, payload: object) -> bytes:
        if self._session.ready_link is None and not self._session.running:
            raise ClosedError("the interface is not running")
        return to_elements(self._elements, payload).encode()

    def _size_of(self, item: object, limit: int) -> int:
        # Bytes travel as they are; what else can be sent, and how large it is, shows its encoding.
        size = len(item) if type(item) is bytes else len(self._elements.of(item).encode())
        if size > limit:
            raise PayloadTooLargeError(f"item of {size} bytes in a batch, {limit} are the limit")
        return size

    # Services of this node itself

    def _message(
        self,
        service: str,
        area: int,
        action: Action,
        data: bytes,
        identity: str,
        priority: Priority,
        timeout: float = 0.0,
    ) -> Message:
        return Message(
            source=self.uuid,
            destination=self.uuid,
            service=service,
            area=area,
            priority=priority,
            mode=MulticastMode.LOCAL,
            action=action,
            identity=identity,
            sequence=self._core.pending.next_sequence(),
            timeout=timeout,
            request=timeout > 0,
            data=data,
        )

    async def _answer_here(self, message: Message) -> Elements:
        """A request to a service of this very node does not see the wire."""
        try:
            async with asyncio.timeout(message.timeout):
                answer = await self._session.answers.answer(message)
        except TimeoutError as error:
            reason = f"no answer from this node within {message.timeout:g} s"
            raise RequestTimeoutError(reason) from error
        return self._elements.of() if answer is None else answer

    # The network

    async def announce(self, service: ServiceKey, *, model: str = "") -> None:
        """Offer a service; repeated by itself after a reconnection."""
        self._session.offer(service, model)

    async def withdraw(self, service: ServiceKey) -> None:
        """No longer offer a service."""
        self._session.withdraw(service)

    async def wait_connected(self) -> None:
        """Wait until connected; cancel or ``asyncio.timeout`` to give up.

        Raises:
            ClosedError: The interface was left meanwhile.
        """
        await self._session.online.wait()
        if not self._session.running:
            raise ClosedError("the interface is not running")

    def api(
        self, service: str, area: int = 0, *, target: Target = MulticastMode.PROXIMITY
    ) -> BoundServiceApi:
        """The five verbs of one service."""
        return BoundServiceApi(self, service, area, target)

    @property
    def uuid(self) -> str:
        """Id of this node."""
        return self._settings.uuid

    @property
    def alias(self) -> str:
        """Human-readable name of this node."""
        return self._settings.alias

    @property
    def is_switch(self) -> bool:
        """Whether this is the switch's own interface."""
        return False

    @property
    def connected(self) -> bool:
        """Whether messages can leave right now."""
        return self._session.online.is_set() and self._session.running

    @property
    def resources(self) -> Resources:
        """The parts this node is made of."""
        return self._resources

    @property
    def directory(self) -> NodeDirectory:
        """Nodes and services of the network, as this node knows them."""
        return self._session.directory

    def statistics(self) -> VNicStatistics:
        """Figures of this moment."""
        return self._session.figures.statistics()
