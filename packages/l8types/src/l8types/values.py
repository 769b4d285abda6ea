# SPDX-License-Identifier: Apache-2.0
"""Frozen values that travel between packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, final

import msgspec

from l8types.constants import DESTINATION_SINGLE, MAX_AREA
from l8types.enums import (
    Action,
    AuthStatus,
    DirectoryEventType,
    MulticastMode,
    NodeState,
    NotificationType,
    Priority,
    TransactionState,
)
from l8types.errors import InvalidInputError
from l8types.naming import service_key
from l8types.pb import L8MetaData

__all__ = [
    "DELETED",
    "AuthResult",
    "Change",
    "ChangeSet",
    "Credential",
    "Deleted",
    "DirectoryEvent",
    "Element",
    "Header",
    "Identity",
    "ItemChange",
    "Message",
    "NodeInfo",
    "NodeStatistics",
    "Page",
    "ServiceKey",
    "TimeSeriesPoint",
    "Transaction",
]


@final
class Deleted:
    """Type of :data:`DELETED`."""

    _instance: Deleted | None = None

    def __new__(cls) -> Deleted:
        """The one instance."""
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "DELETED"

    def __reduce__(self) -> str:
        return "DELETED"


DELETED: Final = Deleted()
"""Stands for a removed entry as the new value of a :class:`Change`; never a value of a model."""


class ServiceKey(msgspec.Struct, frozen=True, order=True):
    """A service: its name and its area (a partition of the same service, 0 to 255)."""

    name: str
    area: int = 0

    def __post_init__(self) -> None:
        if not self.name:
            raise InvalidInputError("a service needs a name")
        if not 0 <= self.area <= MAX_AREA:
            raise InvalidInputError(
                f"service area {self.area} of {self.name!r} is not in 0..{MAX_AREA}"
            )

    def __str__(self) -> str:
        return service_key(self.name, self.area)


@lru_cache(maxsize=4096)
def _key_of(name: str, area: int) -> ServiceKey:
    """One key for all messages to a service, whose checks are made once."""
    return ServiceKey(name, area)


@dataclass(frozen=True, slots=True)
class Transaction:
    """Transaction part of a message. Times are Unix seconds, 0 when not reached yet."""

    state: TransactionState = TransactionState.NOT_A_TRANSACTION
    id: str = ""
    error: str = ""
    created: int = 0
    queued: int = 0
    running: int = 0
    end: int = 0
    timeout: int = 0
    replica: int = 0
    is_replica: bool = False
    epoch: int = 0
    """Fencing token: the term of the leader that ordered the write (native profile only)."""


@dataclass(frozen=True, slots=True)
class Header:
    """The part of a message that a switch reads; bodies are opaque to it."""

    source: str
    vnet: str
    destination: str
    service: str
    area: int
    priority: Priority
    mode: MulticastMode


class Message(msgspec.Struct, frozen=True):
    """One message of the overlay network, independent of the wire profile.

    ``data`` is an encoded ``Elements`` container and opaque to the network.
    """

    source: str = ""
    """Id of the sending node."""
    vnet: str = ""
    """Id of the switch behind which the sender lives."""
    destination: str = ""
    """Id of the receiving node, ``DESTINATION_SINGLE``, or empty when ``mode`` decides."""
    service: str = ""
    area: int = 0
    priority: Priority = Priority.P8
    mode: MulticastMode = MulticastMode.ALL
    action: Action = Action.POST
    identity: str = ""
    """Who asks: the AAA id under which the receiver authorizes; empty for the network itself."""
    sequence: int = 0
    """Correlates a reply with its request; unique per source while the request is pending."""
    timeout: float = 0.0
    """Seconds left until the deadline of a request when it was sent, 0 without one."""
    request: bool = False
    reply: bool = False
    stream: bool = False
    """Of a request: the answer is read in parts, at the reader's pace (native profile only)."""
    failure: str = ""
    """Why the network returned the message; empty for an ordinary one."""
    data: bytes = b""
    transaction: Transaction | None = None
    trace: str = ""
    """W3C ``traceparent`` of the caller, empty without tracing (native profile only)."""

    @property
    def key(self) -> ServiceKey:
        """The addressed service."""
        return _key_of(self.service, self.area)

    @property
    def to_any_provider(self) -> bool:
        """Whether one provider is to be chosen by the network."""
        return self.destination == DESTINATION_SINGLE


class Element(msgspec.Struct, frozen=True):
    """One entry of an ``Elements`` container: a value, its key, or what went wrong with it."""

    value: object = None
    key: object = None
    error: str = ""


class Change(msgspec.Struct, frozen=True):
    """One attribute of one item changed.

    Attributes:
        property_id: Full property id, root type and key included.
        old: Value before, ``None`` when there was none.
        new: Value after, ``DELETED`` when the entry was removed, ``None`` when the attribute was
            cleared.
    """

    property_id: str
    old: object
    new: object


class ChangeSet(msgspec.Struct, frozen=True):
    """All changes between two states of one item, in an order in which they can be applied.

    An empty set is falsy.
    """

    model: str
    key: str
    changes: tuple[Change, ...] = ()

    def __len__(self) -> int:
        return len(self.changes)

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)


class ItemChange(msgspec.Struct, frozen=True):
    """What happened to one item of a cache.

    Attributes:
        type: POST carries ``item``, PUT and PATCH carry ``changes``, DELETE carries the last
            state in ``item``.
        model: Short type name.
        key: Plain primary key text.
        item: The item as above; for PUT and PATCH the state afterwards where it is known (it does
            not travel in the native profile). Owned by the event, not to be changed.
        changes: The changes of a PUT or PATCH.
        source: Id of the node where it happened, empty for this one.
        sequence: Counts the changes of one cache on one node, from 1; 0 when unknown.
    """

    type: NotificationType
    model: str
    key: str
    item: object | None = None
    changes: ChangeSet | None = None
    source: str = ""
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an answer: the items and the counters over all matches (``Total`` among them)."""

    items: Sequence[object] = ()
    metadata: L8MetaData = field(default_factory=L8MetaData)

    @property
    def total(self) -> int:
        """Number of matches over all pages."""
        return int(self.metadata.key_count.counts.get("Total", len(self.items)))


@dataclass(frozen=True, slots=True)
class NodeStatistics:
    """Figures that a node reports about itself; -1 means not known."""

    last_message: float = -1.0
    """Unix seconds of the last message received."""
    tx_messages: int = 0
    tx_bytes: int = 0
    rx_messages: int = 0
    rx_bytes: int = 0
    memory_bytes: int = -1
    cpu_ratio: float = -1.0
    """Share of all cores, 0 to 1."""


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """One node of the network as the directory knows it."""

    uuid: str
    alias: str
    switch: str
    """Id of the switch behind which the node lives; its own id for a switch."""
    state: NodeState = NodeState.UP
    services: Mapping[ServiceKey, str] = field(default_factory=dict)
    """Services offered, each with the short name of its model ("" when not declared)."""
    is_switch: bool = False
    started: float = 0.0
    """Unix seconds."""
    statistics: NodeStatistics = field(default_factory=NodeStatistics)


@dataclass(frozen=True, slots=True)
class DirectoryEvent:
    """A node joined, changed or left."""

    type: DirectoryEventType
    node: NodeInfo


@dataclass(frozen=True, slots=True)
class Identity:
    """An authenticated caller."""

    id: str
    """The AAA id that travels in messages; empty is nobody."""
    user: str = ""
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AuthResult:
    """Outcome of a log-in attempt; ``token`` is set only with status ``OK``."""

    status: AuthStatus
    token: str = ""
    pending: str = ""
    """Names the unfinished log-in when a second factor is needed."""
    portal: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """Secret with which a collector or a database is accessed; never shown by ``repr``."""

    user: str = ""
    secret: str = ""
    realm: str = ""
    port: int = 0

    def __repr__(self) -> str:
        return f"Credential(user={self.user!r}, secret=…, realm={self.realm!r}, port={self.port})"


@dataclass(frozen=True, slots=True, order=True)
class TimeSeriesPoint:
    """One sample; ``stamp`` in Unix seconds."""

    stamp: int
    value: float
