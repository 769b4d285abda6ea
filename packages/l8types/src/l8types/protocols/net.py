# SPDX-License-Identifier: Apache-2.0
"""The overlay network as its users see it.

Nothing here presumes a switch of our own: an interface may as well be built on an existing
messaging engine.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

from l8types.enums import Action, MulticastMode, Priority
from l8types.protocols.data import Elements, Subscription
from l8types.values import DirectoryEvent, Message, NodeInfo, ServiceKey

if TYPE_CHECKING:
    from l8types.protocols.runtime import Resources

__all__ = [
    "Announcer",
    "Batch",
    "Batching",
    "DirectoryListener",
    "Drainer",
    "Lifecycle",
    "NodeDirectory",
    "Replier",
    "Requester",
    "Sender",
    "ServiceApi",
    "Switch",
    "SwitchInterface",
    "Target",
    "VNic",
]

Target = str | MulticastMode
"""The id of a node, or the rule by which the network picks providers of the service."""

DirectoryListener = Callable[[DirectoryEvent], None]
"""Told of every change of the directory, in order; must not block or raise."""


class Lifecycle(Protocol):
    """A component that runs: an async context manager that owns its tasks."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    @property
    def running(self) -> bool:
        """Whether it was entered and not left."""
        ...


class Sender(Protocol):
    """Messages without an answer."""

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
        """Hand a message to the network; waits only while the send queue is full.

        Args:
            target: A node id, or ``MulticastMode.ALL`` for every provider, or another mode for one.
            service: Name of the addressed service.
            area: Its area.
            action: What is asked.
            payload: ``None``, an ``Elements`` container, a model instance, a list of them, an
                ``L8Query`` or the text of a query.
            identity: Who asks.
            priority: Order among messages that wait.

        Raises:
            ClosedError: The interface is shut down.
            EncodeError: The payload cannot be represented in the network's profile.
        """
        ...


class Requester(Protocol):
    """Messages with an answer."""

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
        """Send and wait for the answer; cancelling the call drops the pending request.

        Arguments as for :meth:`Sender.send`; ``timeout`` in seconds, ``None`` for the default of
        the interface. ``MulticastMode.ALL`` picks one provider as ``ROUND_ROBIN`` does.

        Returns:
            The answer without errors in it.

        Raises:
            RequestTimeoutError: No answer in time; a write may have happened.
            UnavailableError: No such node, no provider alive, or no connection.
            ClosedError: The interface was shut down meanwhile.
            L8Error: What the provider answered, as the class that its code names.
        """
        ...

    def stream(
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
        """Send and receive the answer in parts as they come, at the reader's pace."""
        ...


class Replier(Protocol):
    """Answers to received messages."""

    async def reply(self, message: Message, elements: Elements) -> None:
        """Answer a request."""
        ...

    async def forward(
        self, message: Message, elements: Elements, target: Target, *, timeout: float | None = None
    ) -> Elements:
        """Send a received request on with its transaction and identity; wait for the answer."""
        ...


class NodeDirectory(Protocol):
    """Who is there and what they offer; a local view that converges with the network."""

    @property
    def uuid(self) -> str:
        """Id of this node."""
        ...

    def node(self, uuid: str) -> NodeInfo | None:
        """A node, ``None`` when unknown."""
        ...

    def nodes(self) -> tuple[NodeInfo, ...]:
        """All known nodes, this one included, by id."""
        ...

    def providers(self, service: ServiceKey) -> tuple[str, ...]:
        """Ids of the live nodes that offer a service, sorted."""
        ...

    def services_of_model(self, model: str) -> tuple[ServiceKey, ...]:
        """Services on live nodes that declared this model, sorted."""
        ...

    def watch(self, listener: DirectoryListener) -> Subscription:
        """Be told of changes from now on."""
        ...


class Announcer(Protocol):
    """Tells the network what this node offers."""

    async def announce(self, service: ServiceKey, *, model: str = "") -> None:
        """Offer a service; others find it when this returns or soon after."""
        ...

    async def withdraw(self, service: ServiceKey) -> None:
        """No longer offer it; nothing happens when it was not offered."""
        ...


class Drainer(Protocol):
    """Leaves without a failed request."""

    async def drain(self, timeout: float | None = None) -> None:
        """Stop being chosen, finish what was begun, keep answering who came too late.

        Withdraws the services of this node, waits until the network has stopped sending to it and
        the handlers at work are done, for up to ``timeout`` seconds (``None`` for the time-out of
        a request). The interface stays connected: leave its block to close it. Idempotent.
        """
        ...


class Batch(Protocol):
    """Messages of one kind that are collected and leave together (fire and forget)."""

    async def add(self, action: Action, item: object) -> None:
        """Add an item; waits only while the send queue is full.

        Raises:
            ClosedError: The batch or its interface is closed.
        """
        ...

    async def flush(self) -> None:
        """Send what was collected: runs of one action, in order, as one message each."""
        ...

    async def aclose(self) -> None:
        """Flush and end; idempotent."""
        ...


class Batching(Protocol):
    """Fewer, larger messages to one service."""

    def batch(
        self,
        target: Target,
        service: str,
        area: int = 0,
        *,
        interval: float = 0.1,
        max_items: int = 1000,
        max_bytes: int = 1_048_576,
    ) -> Batch:
        """Collect items for ``interval`` seconds, or until there are enough of them.

        Closing the interface flushes its batches.
        """
        ...


class ServiceApi(Protocol):
    """The five verbs of one service."""

    async def post(self, payload: object) -> Elements:
        """Add items."""
        ...

    async def put(self, payload: object) -> Elements:
        """Replace items."""
        ...

    async def patch(self, payload: object) -> Elements:
        """Merge what is present into items."""
        ...

    async def delete(self, payload: object) -> Elements:
        """Remove items, or the matches of a query."""
        ...

    async def get(self, query: object) -> Elements:
        """Answer of a query, given as text, ``L8Query`` or example item."""
        ...


class VNic(Sender, Requester, Replier, Announcer, Batching, Drainer, Lifecycle, Protocol):
    """A node's interface to the network.

    Entering it starts it and returns once it is connected; it reconnects by itself with back-off
    and announces its services again. Received messages go to ``resources.services``.
    """

    @property
    def uuid(self) -> str:
        """Id of this node; stays the same over reconnections."""
        ...

    @property
    def alias(self) -> str:
        """Human-readable name of this node."""
        ...

    @property
    def is_switch(self) -> bool:
        """Whether this is the switch's own interface."""
        ...

    @property
    def connected(self) -> bool:
        """Whether messages can leave right now."""
        ...

    @property
    def resources(self) -> Resources:
        """The parts this node is made of."""
        ...

    @property
    def directory(self) -> NodeDirectory:
        """Nodes and services of the network."""
        ...

    async def wait_connected(self) -> None:
        """Wait until connected; cancel or ``asyncio.timeout`` to give up."""
        ...

    def api(
        self, service: str, area: int = 0, *, target: Target = MulticastMode.PROXIMITY
    ) -> ServiceApi:
        """The five verbs of one service."""
        ...


class Switch(Lifecycle, Protocol):
    """Joins interfaces, and links to other switches."""

    @property
    def uuid(self) -> str:
        """Id of the switch."""
        ...

    @property
    def port(self) -> int:
        """TCP port it listens on (the real one when 0 was asked for)."""
        ...

    @property
    def directory(self) -> NodeDirectory:
        """Nodes and services of the network."""
        ...

    async def connect(self, host: str, port: int) -> None:
        """Link to another switch and keep the link up."""
        ...


@runtime_checkable
class SwitchInterface(Protocol):
    """Optional part of a switch: an interface of its own, for services that it offers itself."""

    def interface(self) -> VNic:
        """The interface, with the id of the switch; it is entered while the switch runs."""
        ...
