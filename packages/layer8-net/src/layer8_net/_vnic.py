# SPDX-License-Identifier: Apache-2.0
"""A node's interface to the network over TCP."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from l8types.enums import Action, MulticastMode, Priority
from l8types.errors import EncodeError, L8Error, RemoteError, UnavailableError
from layer8_net._api import BoundServiceApi
from layer8_net._payload import to_elements
from layer8_net._session import Session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    from l8types.protocols.data import Elements
    from l8types.protocols.net import NodeDirectory, Target
    from l8types.protocols.runtime import Resources
    from l8types.values import Message, ServiceKey
    from layer8_net._statistics import VNicStatistics

__all__ = ["TcpVNic"]

_log = logging.getLogger(__name__)


class TcpVNic:
    """Interface to the network through a switch.

    ``async with TcpVNic(resources) as vnic`` returns once the node is part of the network.
    It reconnects by itself; meanwhile ``send`` and ``request`` raise ``UnavailableError``.

    Args:
        resources: The parts of the node. ``settings``, ``security`` and ``elements`` are used from
            the start, ``services`` with the first message that arrives.

    Raises:
        ConfigurationError: What the wire profile of the settings needs is not there.
    """

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._settings = resources.settings
        self._session = Session(resources, self._handle)
        self._core = self._session.core

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
        """
        link = self._session.connected_link()
        frame = self._core.frame(
            self._core.address(target, one=False),
            service,
            area,
            action,
            to_elements(self._elements, payload).encode(),
            identity=identity,
            priority=priority,
        )
        await self._session.post(link, frame)

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
        address = self._core.address(target, one=True)
        data = to_elements(self._elements, payload).encode()
        limit = self._settings.request_timeout if timeout is None else timeout
        answer = await self._session.ask(
            address[0],
            limit,
            lambda sequence: self._core.frame(
                address,
                service,
                area,
                action,
                data,
                identity=identity,
                priority=priority,
                sequence=sequence,
                request=True,
                timeout=limit,
            ),
        )
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
    ) -> AsyncIterator[Elements]:
        """Send and receive the answer in parts; a provider answers in one part."""
        yield await self.request(
            target, service, area, action, payload, timeout=timeout, identity=identity
        )

    async def reply(self, message: Message, elements: Elements) -> None:
        """Answer a request.

        Raises:
            EncodeError: The answer cannot be encoded or is too large.
            UnavailableError: There is no connection to the switch now.
        """
        link = self._session.open_link()
        await self._session.post(link, self._core.reply_frame(message, elements.encode()))

    async def forward(
        self, message: Message, elements: Elements, target: Target, *, timeout: float | None = None
    ) -> Elements:
        """Send a received request on and wait for the answer; see ``Replier.forward``."""
        destination, mode = self._core.address(target, one=True)
        limit = timeout or message.timeout or self._settings.request_timeout
        sent_on = replace(
            self._core.stamp(message),
            destination=destination.decode(),
            mode=MulticastMode(mode),
            request=True,
            reply=False,
            failure="",
            timeout=limit,
            data=elements.encode(),
        )
        answer = await self._session.ask(
            destination,
            limit,
            lambda sequence: self._core.message_frame(replace(sent_on, sequence=sequence)),
        )
        return self._elements.decode(answer).raise_for_error()

    # Receiving

    async def _handle(self, message: Message) -> None:
        answer = await self._answer(message)
        if not message.request:
            return
        if answer is None:
            answer = self._elements.of()
        try:
            await self.reply(message, answer)
        except EncodeError as error:
            await self.reply(message, self._elements.error(error))
        except UnavailableError as error:
            _log.debug("an answer to %s was lost: %s", message.source, error.message)

    async def _answer(self, message: Message) -> Elements | None:
        try:
            elements = self._elements.decode(message.data)
            return await self._resources.services.handle(elements, message, self)
        except L8Error as error:
            return self._elements.error(error)
        except Exception as error:  # noqa: BLE001 - the outermost boundary of a request
            # The caller learns that it failed, the log why.
            _log.exception("service %s area %d failed", message.service, message.area)
            return self._elements.error(RemoteError(f"the service failed: {type(error).__name__}"))

    # The network

    async def announce(self, service: ServiceKey, *, model: str = "") -> None:
        """Offer a service; repeated by itself after a reconnection."""
        self._session.perform(self._core.offer(service, model))

    async def withdraw(self, service: ServiceKey) -> None:
        """No longer offer a service."""
        self._session.perform(self._core.withdraw(service))

    async def wait_connected(self) -> None:
        """Wait until connected; cancel or ``asyncio.timeout`` to give up."""
        await self._session.online.wait()

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
        return self._session.statistics()
