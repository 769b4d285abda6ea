# SPDX-License-Identifier: Apache-2.0
"""Services: handlers, their manager, elections, transactions and replication."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from l8types.enums import Action
from l8types.protocols.data import Elements
from l8types.values import Message, ServiceKey, TimeSeriesPoint

if TYPE_CHECKING:
    from l8types.protocols.net import VNic
    from l8types.sla import ServiceLevelAgreement

__all__ = [
    "Activation",
    "Call",
    "Dispatcher",
    "ElectionEffect",
    "ElectionEvent",
    "ElectionStrategy",
    "HookResult",
    "Leadership",
    "MapReduceService",
    "ReplicationConfig",
    "ServiceHandler",
    "ServiceHook",
    "Services",
    "StreamingService",
    "TimeSeriesService",
    "TransactionConfig",
    "TransactionEngine",
]


@dataclass(frozen=True, slots=True)
class Call:
    """Circumstances of one call of a handler."""

    vnic: VNic
    """The interface through which the handler may talk to the network."""
    action: Action
    key: ServiceKey
    identity: str = ""
    """Who asks; authorized already."""
    source: str = ""
    """Id of the node that asks, empty for a call from this process."""
    deadline: float | None = None
    """Time on the node's monotonic clock by which the caller needs the answer."""
    message: Message | None = None
    """The message that asked, ``None`` for a call from this process."""


class ServiceHandler(Protocol):
    """A service: what happens on the five verbs.

    Calls of one handler may overlap. An exception becomes an error element of the caller's answer;
    the service stays up.
    """

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Get ready to serve; called once, before the service is announced."""
        ...

    async def deactivate(self) -> None:
        """Release everything; called once, after the service was withdrawn."""
        ...

    async def post(self, elements: Elements, call: Call) -> Elements:
        """Add items."""
        ...

    async def put(self, elements: Elements, call: Call) -> Elements:
        """Replace items."""
        ...

    async def patch(self, elements: Elements, call: Call) -> Elements:
        """Merge what is present into items."""
        ...

    async def delete(self, elements: Elements, call: Call) -> Elements:
        """Remove the items given, or those that a query matches."""
        ...

    async def get(self, elements: Elements, call: Call) -> Elements:
        """Answer a query, or find the items given as examples."""
        ...

    async def notify(self, elements: Elements, call: Call) -> None:
        """Take notice of changes on another instance (``L8NotificationSet`` values)."""
        ...

    async def failed(self, elements: Elements, call: Call) -> None:
        """A message that this service sent came back undelivered."""
        ...


class TransactionConfig(Protocol):
    """Optional part of a handler whose writes are ordered by the leader."""

    @property
    def voter(self) -> bool:
        """Whether this instance may become leader."""
        ...

    def replication(self) -> ReplicationConfig | None:
        """How items are spread, ``None`` when every instance holds all."""
        ...

    def key_of(self, elements: Elements) -> str:
        """Key that decides where an item lives."""
        ...


@dataclass(frozen=True, slots=True)
class ReplicationConfig:
    """How many instances hold each item."""

    count: int


class MapReduceService(Protocol):
    """Optional part of a handler whose answers are merged from all providers."""

    async def merge(self, answers: Mapping[str, Elements]) -> Elements:
        """One answer from the answers by node id."""
        ...


class StreamingService(Protocol):
    """Optional part of a handler whose answers may be larger than one message."""

    def stream(self, elements: Elements, call: Call) -> AsyncIterator[Elements]:
        """Answer a query in parts; the next part is asked for when the reader has room for it.

        The iterator is closed when the reader stops or goes away.
        """
        ...


class TimeSeriesService(Protocol):
    """Optional part of a handler that keeps samples."""

    async def add_points(self, property_id: str, points: Sequence[TimeSeriesPoint]) -> None:
        """Append samples."""
        ...

    async def points(self, property_id: str, start: int, end: int) -> list[TimeSeriesPoint]:
        """Samples from ``start`` to ``end`` (Unix seconds), ascending."""
        ...


@dataclass(frozen=True, slots=True)
class HookResult:
    """What a hook decides: carry on with ``item`` (``None`` keeps it) or end with success."""

    item: object | None = None
    proceed: bool = True


class ServiceHook(Protocol):
    """User code around the operations of a ready-made service; raising ends the operation."""

    async def before(self, item: object, call: Call) -> HookResult:
        """Called before an item is written, or with the container before a read."""
        ...

    async def after(self, item: object, call: Call) -> HookResult:
        """Called with the written item, or with each item of an answer."""
        ...


class Activation(Protocol):
    """Life of the services of a node."""

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> ServiceHandler:
        """Start a service and announce it.

        Raises:
            ConflictError: Name and area are active already.
            InvalidInputError: The agreement contradicts itself or the network's profile.
        """
        ...

    async def deactivate(self, key: ServiceKey) -> None:
        """Withdraw and stop a service.

        Raises:
            NotFoundError: It is not active.
        """
        ...

    def handler(self, key: ServiceKey) -> ServiceHandler | None:
        """Handler of an active service."""
        ...

    def active(self) -> Mapping[ServiceKey, str]:
        """Active services with the short names of their models."""
        ...

    async def aclose(self) -> None:
        """Withdraw and stop all services."""
        ...


class Dispatcher(Protocol):
    """Entry of every message that is not a reply."""

    async def handle(self, elements: Elements, message: Message, vnic: VNic) -> Elements | None:
        """Authorize, dispatch to the service, filter what the caller may see.

        Returns:
            The answer; ``None`` when the message asks for none.

        Errors are part of the answer, never raised.
        """
        ...

    def stream(self, elements: Elements, message: Message, vnic: VNic) -> AsyncIterator[Elements]:
        """The same for a request whose answer is read in parts.

        A service without :class:`StreamingService` answers in one part. Errors are the last part,
        never raised; every part holds only what the caller may see.
        """
        ...

    async def call(
        self, key: ServiceKey, action: Action, elements: Elements, vnic: VNic, *, identity: str = ""
    ) -> Elements:
        """The same for a call from this process.

        Raises:
            NotFoundError: The service is not active here.
            L8Error: What the service answered.
        """
        ...


class Leadership(Protocol):
    """Who takes part in a service and who leads it."""

    def leader(self, key: ServiceKey) -> str:
        """Node id of the leader, "" when there is none."""
        ...

    def epoch(self, key: ServiceKey) -> int:
        """Term of the leader, 0 when there never was one."""
        ...

    def participants(self, key: ServiceKey) -> tuple[str, ...]:
        """Node ids of the participants, sorted."""
        ...

    def placement(self, key: ServiceKey, count: int) -> tuple[str, ...]:
        """The next ``count`` participants in turn; the position is the replica number."""
        ...


class Services(Activation, Dispatcher, Leadership, Protocol):
    """The service manager of a node."""


@dataclass(frozen=True, slots=True)
class ElectionEvent:
    """Input of an election: a message, a peer that came or went, or a tick of the clock.

    Attributes:
        action: The election action received, ``None`` for the other inputs.
        source: The node it is about.
        epoch: Term named by the message.
        joined: ``True`` and ``False`` when the source came or went, otherwise ``None``.
    """

    action: Action | None = None
    source: str = ""
    epoch: int = 0
    joined: bool | None = None


@dataclass(frozen=True, slots=True)
class ElectionEffect:
    """Output of an election.

    Attributes:
        action: Election action to send, ``None`` for the other effects.
        target: Node id to send it to, "" for all participants.
        leader: The leader known from now on, "" for none, ``None`` when unchanged.
        epoch: Term of the message or of the leader.
        wake_at: Time at which a tick is due, ``None`` when unchanged.
    """

    action: Action | None = None
    target: str = ""
    leader: str | None = None
    epoch: int = 0
    wake_at: float | None = None


class ElectionStrategy(Protocol):
    """Election of one leader per service group as a pure state machine."""

    def step(self, event: ElectionEvent, now: float) -> Sequence[ElectionEffect]:
        """Advance by one input; ``now`` never goes back. Effects are to be carried out in order."""
        ...


class TransactionEngine(Protocol):
    """Leader-ordered writes."""

    async def submit(self, elements: Elements, call: Call, handler: ServiceHandler) -> Elements:
        """Run a write as a transaction.

        Raises:
            OutcomeUnknownError: The outcome could not be learnt before the deadline.
            UnavailableError: There is no leader.
        """
        ...

    async def handle(self, elements: Elements, message: Message, vnic: VNic) -> Elements | None:
        """Process a transaction message of a peer."""
        ...
