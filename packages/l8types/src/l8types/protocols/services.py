# SPDX-License-Identifier: Apache-2.0
"""Services: handlers, their manager, elections, transactions and replication."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec

from l8types.enums import Action
from l8types.protocols.data import Elements, Subscription
from l8types.values import Message, ServiceKey, TimeSeriesPoint

if TYPE_CHECKING:
    from l8types.protocols.net import VNic
    from l8types.sla import ServiceLevelAgreement

__all__ = [
    "Activation",
    "AskAll",
    "Call",
    "Dispatcher",
    "ElectionEffect",
    "ElectionEvent",
    "ElectionStrategy",
    "HookResult",
    "LeaderListener",
    "Leadership",
    "MapReduceService",
    "ReplicatedService",
    "ReplicationConfig",
    "ServiceHandler",
    "ServiceHook",
    "Services",
    "Staged",
    "StreamingService",
    "TimeSeriesService",
    "TransactionConfig",
    "TransactionEngine",
    "TransactionalService",
]


class Call(msgspec.Struct, frozen=True):
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
            ConflictError: Name and area are active already, under another agreement.
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
        self,
        key: ServiceKey,
        action: Action,
        elements: Elements,
        vnic: VNic,
        *,
        identity: str = "",
        timeout: float | None = None,
    ) -> Elements:
        """The same for a call from this process.

        Args:
            key: The service.
            action: What is asked.
            elements: The content.
            vnic: The interface of this node.
            identity: In whose name.
            timeout: Seconds that the service has, by default those of a request over the network.

        Raises:
            NotFoundError: The service is not active here.
            RequestTimeoutError: It did not answer in time, and was told to stop.
            L8Error: What the service answered.
        """
        ...


LeaderListener = Callable[[ServiceKey, str, int], None]
"""Told of a service or group, its leader ("" for none) and the epoch; must not block or raise."""


class Leadership(Protocol):
    """Who takes part in a service and who leads it.

    Only stateful services have leaders. Those of a group share one; it may be asked for by the key
    of each of them, or by that of the group: its name with area 0.
    """

    def leader(self, key: ServiceKey) -> str:
        """Node id of the leader, "" when there is none or none is known yet."""
        ...

    def epoch(self, key: ServiceKey) -> int:
        """Term of the leader, 0 when there never was one.

        It is greater than that of every leader this node knew before, and in the native profile no
        two leaders of a service have the same one. The numbers are not consecutive.
        """
        ...

    def why(self, key: ServiceKey) -> str:
        """When and why the leader changed last, in one line; "" when nothing is known."""
        ...

    def watch_leader(self, listener: LeaderListener) -> Subscription:
        """Be told of changes of leaders from now on."""
        ...

    async def hand_over(self, key: ServiceKey) -> str:
        """Let another participant lead; this node leads until the other one does.

        Returns:
            The leader afterwards: this node itself when nobody else can lead, and whoever leads
            when it was not this node.
        """
        ...

    def participants(self, key: ServiceKey) -> tuple[str, ...]:
        """Node ids of the participants, sorted; those of a group are the ones of its services."""
        ...

    def placement(self, key: ServiceKey, count: int) -> tuple[str, ...]:
        """The next ``count`` participants in turn; the position is the replica number."""
        ...


class Services(Activation, Dispatcher, Leadership, Protocol):
    """The service manager of a node."""


@dataclass(frozen=True, slots=True)
class ElectionEvent:
    """Input of an election: a message, a node that came or went, or a tick of the clock.

    A node is told of itself as of the others: it takes part from ``joined=True`` until
    ``joined=False`` with its own id. An action with its own id is a wish: ``LEADER_RESIGN`` to hand
    over, ``LEADER_QUERY`` to learn the leader without taking part.

    Attributes:
        action: The election action received, ``None`` for the other inputs.
        source: The node it is about.
        epoch: Term named by the message, 0 when it names none.
        named: Node named by the message: the leader in an announcement by another node, the
            successor in a resignation.
        joined: ``True`` and ``False`` when the source came or went, otherwise ``None``.
    """

    action: Action | None = None
    source: str = ""
    epoch: int = 0
    named: str = ""
    joined: bool | None = None


@dataclass(frozen=True, slots=True)
class ElectionEffect:
    """Output of an election; one of the first four is set.

    Attributes:
        action: Election action to send, ``None`` for the other effects.
        leader: The leader known from now on, "" for none; also told when an attempt to hand over
            ended without a change.
        keep: Epoch to be remembered beyond the life of the process before the effects after this
            one are carried out.
        wake_at: Time at which a tick is due; replaces the one told before.
        target: Node id to send to, "" for all participants.
        epoch: Term of the message or of the leader.
        named: Node to be named in the message.
        reason: Why the leader changed.
    """

    action: Action | None = None
    leader: str | None = None
    keep: int | None = None
    wake_at: float | None = None
    target: str = ""
    epoch: int = 0
    named: str = ""
    reason: str = ""


class ElectionStrategy(Protocol):
    """Election of one leader per service or group as a pure state machine, one per node and key.

    Nodes that see each other come to agree on one leader, whose epoch is above all that they saw.
    A leader that learns of a greater epoch steps down at once.
    """

    def step(self, event: ElectionEvent, now: float) -> Sequence[ElectionEffect]:
        """Advance by one input; ``now`` never goes back. Effects are to be carried out in order."""
        ...


class TransactionalService(Protocol):
    """Optional part of a handler: its items can be changed everywhere or nowhere.

    ``get`` of the handler answers from what is visible.

    Writes are staged first, one after the other, each on top of those staged before it. What is
    staged is seen by no reader; it is made visible with :meth:`apply`, or dropped. All instances
    stage the same writes in the same order, so the outcome must follow from the items and the write
    alone.
    """

    async def get(self, elements: Elements, call: Call) -> Elements:
        """Answer a query, or find the items given as examples."""
        ...

    async def stage(self, elements: Elements, call: Call) -> Staged:
        """Check a write and work out what it changes; one that is refused leaves nothing staged.

        Raises:
            L8Error: Why the write cannot be.
        """
        ...

    def unstage(self) -> None:
        """Drop all that is staged."""
        ...

    def apply(self, changes: Sequence[tuple[str, object]]) -> None:
        """Make keys have these items, ``None`` to remove one; they are staged no longer."""
        ...

    def content(self) -> Iterator[tuple[str, object]]:
        """Keys and items that are visible now."""
        ...

    async def initial(self) -> Sequence[tuple[str, object]]:
        """What a service that is entirely new begins with."""
        ...

    def leading(self) -> None:
        """This instance begins to order the writes; called each time."""
        ...

    def applied(self, keys: Sequence[str]) -> None:
        """Writes of these keys were acknowledged by this instance, which leads."""
        ...


@dataclass(frozen=True, slots=True)
class Staged:
    """What a write will do: the answer to its caller, and the new items of the changed keys."""

    answer: Elements
    changes: Sequence[tuple[str, object]] = ()
    """Keys with their new items, ``None`` for a removed one."""


class AskAll(Protocol):
    """Asks the instances of a replicated service for their shares of the answer to a query."""

    async def __call__(
        self, elements: Elements, /, *, key: str | None = None
    ) -> Sequence[Elements]:
        """Ask all of them, or only one that holds the item with a ``key``, whatever its case.

        Raises:
            L8Error: An instance refused, or not all of them answered in time.
        """
        ...


class ReplicatedService(TransactionalService, Protocol):
    """Optional part of a transactional handler: each item is on some of the instances only.

    An instance is handed those items of a write that it holds, with the number of its replica as
    ``replica`` of the container and in the transaction part of the message of the call. It may
    change or refuse them, but neither give them other keys nor leave one out.
    """

    def keys_of(self, elements: Elements) -> Sequence[str]:
        """Keys of the items of a request that is no query, in order.

        Raises:
            L8Error: Something in it is no item of this service.
        """
        ...

    def item(self, key: object) -> object | None:
        """Copy of the visible item with this key text, ``None`` when it is not here."""
        ...

    async def share(self, elements: Elements, call: Call, mine: Callable[[str], bool]) -> Elements:
        """What this instance has of the answer to a query: items with keys that are ``mine``.

        When the action of the call is ``MAP_REDUCE_GET``, it is a deletion that asks: then the keys
        of those that the caller may see are enough, as entries with a key and no value.
        """
        ...

    async def whole(self, elements: Elements, call: Call, ask: AskAll) -> Elements:
        """Answer a query from the shares of all instances, as if they were here.

        Raises:
            L8Error: The query cannot be answered.
        """
        ...


class TransactionEngine(Protocol):
    """Leader-ordered writes of one service: applied on all members or on none."""

    async def submit(self, elements: Elements, call: Call) -> Elements:
        """Run a call of this node as a transaction, or a read with all acknowledged writes seen.

        Raises:
            OutcomeUnknownError: The outcome could not be learnt before the deadline.
            UnavailableError: There is no leader, or it has lost too many members; nothing happened.
            L8Error: What the service answered; nothing happened.
        """
        ...

    async def handle(self, elements: Elements, message: Message) -> Elements:
        """Process a transaction message of a peer.

        Raises:
            PermissionDeniedError: The sender does not take part in the service.
        """
        ...

    async def aclose(self) -> None:
        """Take part no longer."""
        ...
