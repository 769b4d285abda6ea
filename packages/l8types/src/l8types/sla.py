# SPDX-License-Identifier: Apache-2.0
"""The agreement under which a service runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from l8types.enums import Durability, Quorum
from l8types.errors import ConfigurationError, InvalidInputError
from l8types.protocols.data import Counter
from l8types.protocols.services import ServiceHandler, ServiceHook
from l8types.protocols.stores import Storage
from l8types.protocols.web import WebService
from l8types.values import ServiceKey

__all__ = ["ServiceLevelAgreement"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLevelAgreement:
    """Everything a service declares about itself. ``dataclasses.replace`` makes variants."""

    name: str
    """Service name; at most 10 bytes of UTF-8 in a network of the ``go`` profile."""
    area: int = 0
    """Partition of the name, 0 to 255; each is a service of its own."""
    handler: Callable[[], ServiceHandler]
    """Makes the handler: a class or a factory."""
    model: type | None = None
    """Model of the items."""
    primary_keys: tuple[str, ...] = ()
    """Attributes that identify an item."""
    unique_keys: tuple[str, ...] = ()
    """Attributes that no two items share."""
    non_unique_keys: tuple[str, ...] = ()
    """Attributes to index."""
    always_overwrite: tuple[str, ...] = ()
    """Attribute paths that are replaced as a whole, never merged."""
    initial_items: tuple[object, ...] = ()
    """Content to start with when the store is empty."""
    stateful: bool = True
    """Whether instances keep the items in memory."""
    store: Storage | None = None
    """Durable copy of the items."""
    write_behind: float | None = None
    """``None`` stores a write before it is acknowledged; otherwise the seconds for which writes are
    collected before they are stored, repeated until the store takes them."""
    hook: ServiceHook | None = None
    """User code around the operations."""
    group: str = ""
    """Services of one group share a leader; the service name by default."""
    voter: bool = True
    """Whether this instance may become leader."""
    transactional: bool = False
    """Whether writes are ordered by the leader and applied everywhere or nowhere."""
    quorum: Quorum = Quorum.MAJORITY
    """Of a transactional service: who may go on when nodes are lost."""
    expected: int = 1
    """Of a transactional service: how many nodes it has at most when it is new. Nothing is written
    before more than half of them are members, so that nodes which do not see each other cannot
    begin two services; with 1 whoever comes first begins. The same on all nodes."""
    durability: Durability = Durability.DISK
    """Of a transactional service: what an acknowledged write survives."""
    replication_count: int | None = None
    """Of a transactional service: how many of its instances hold each item, ``None`` for all."""
    web: WebService | None = None
    """How the service shows on the web; ``None`` keeps it off."""
    counters: Mapping[str, Counter] = field(default_factory=dict)
    """Metadata counters over the items."""
    arguments: Mapping[str, object] = field(default_factory=dict)
    """Free settings for the handler."""

    def __post_init__(self) -> None:
        ServiceKey(self.name, self.area)
        self._check_replication()
        if self.expected < 1:
            raise InvalidInputError(
                f"service {self.name!r} expects {self.expected} nodes, it has at least 1"
            )
        if self.model is not None and self.stateful and not self.primary_keys:
            raise InvalidInputError(
                f"service {self.name!r} keeps {self.model.__name__} items but declares no "
                "primary key; name the attributes in primary_keys"
            )

    def _check_replication(self) -> None:
        count = self.replication_count
        if count is None:
            return
        if count < 1:
            raise ConfigurationError(
                f"replication count {count} of service {self.name!r} leaves no instance to hold an "
                "item; say how many are to, or None for all"
            )
        if not self.transactional:
            raise ConfigurationError(
                f"service {self.name!r} asks for {count} replicas without being transactional; "
                "say transactional=True, or replication_count=None for items on all instances"
            )

    @property
    def key(self) -> ServiceKey:
        """Name and area."""
        return ServiceKey(self.name, self.area)

    @property
    def election_group(self) -> str:
        """The group, or the service name when none is declared."""
        return self.group or self.name
