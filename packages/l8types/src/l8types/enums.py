# SPDX-License-Identifier: Apache-2.0
"""Enumerations of the ecosystem; where a number travels on the wire it is part of the contract."""

from __future__ import annotations

from enum import Enum, IntEnum, StrEnum

__all__ = [
    "Action",
    "AuthStatus",
    "Container",
    "DecoratorType",
    "DirectoryEventType",
    "Downsample",
    "Durability",
    "Kind",
    "LogLevel",
    "MulticastMode",
    "NetworkMode",
    "NodeState",
    "NotificationType",
    "Numbered",
    "Operator",
    "OverflowPolicy",
    "Presence",
    "Priority",
    "Quantifier",
    "Quorum",
    "SerializerMode",
    "TransactionState",
    "UpdateMode",
    "VNicMethod",
    "WireProfile",
]


class Numbered(IntEnum):
    """A number with a name, hashed as quickly as the number that it equals.

    The enumerations of Python hash the name, in a function of several hundred nanoseconds, and
    actions are looked up several times for each message.
    """

    __hash__ = int.__hash__


class Priority(Numbered):
    """Message priority, four bits on the wire: ``P1`` goes first, ``P8`` is the default."""

    P8 = 0
    P7 = 1
    P6 = 2
    P5 = 3
    P4 = 4
    P3 = 5
    P2 = 6
    P1 = 7


class MulticastMode(Numbered):
    """How the network picks the receivers of a message that names a service instead of a node.

    ``UNICAST`` exists for completeness only: it does not fit the four bits of the header and an
    encoder must refuse it.
    """

    ALL = 0
    """Every live provider, the sender included when it is one."""
    ROUND_ROBIN = 1
    """One provider, each in turn."""
    PROXIMITY = 2
    """One provider, those behind the sender's own switch first."""
    LOCAL = 3
    """One provider on the sender's own node."""
    LEADER = 4
    """The elected leader of the service."""
    UNICAST = 128


class VNicMethod(Numbered):
    """Names of the send patterns for configuration files; not on the wire."""

    INVALID = 0
    UNICAST = 1
    REQUEST = 2
    MULTICAST = 3
    ROUND_ROBIN = 4
    ROUND_ROBIN_REQUEST = 5
    PROXIMITY = 6
    PROXIMITY_REQUEST = 7
    LEADER = 8
    LEADER_REQUEST = 9
    LOCAL = 10
    LOCAL_REQUEST = 11


class Action(Numbered):
    """What a message asks of its receiver. Map-reduce actions are the CRUD ones plus 20."""

    POST = 1
    PUT = 2
    PATCH = 3
    DELETE = 4
    GET = 5
    REPLY = 6
    NOTIFY = 7
    HANDLE = 8
    END_POINTS = 9
    ELECTION_REQUEST = 10
    ELECTION_RESPONSE = 11
    LEADER_ANNOUNCEMENT = 12
    LEADER_HEARTBEAT = 13
    LEADER_QUERY = 14
    LEADER_RESIGN = 15
    LEADER_CHALLENGE = 16
    SERVICE_REGISTER = 17
    SERVICE_UNREGISTER = 18
    SERVICE_QUERY = 19
    MAP_REDUCE_POST = 21
    MAP_REDUCE_PUT = 22
    MAP_REDUCE_PATCH = 23
    MAP_REDUCE_DELETE = 24
    MAP_REDUCE_GET = 25


class TransactionState(Numbered):
    """Life of a leader-ordered write."""

    NOT_A_TRANSACTION = 0
    CREATED = 1
    QUEUED = 2
    RUNNING = 3
    COMMITTED = 4
    ROLLBACK = 5
    FAILED = 6
    CLEANUP = 7


class Quorum(StrEnum):
    """Which members of a transactional service may go on without the others."""

    MAJORITY = "majority"
    """More than half of those who took part last, or half with the first of them; never two groups
    that do not know of each other."""
    AVAILABLE = "available"
    """Whoever is left. Two groups that lose sight of each other both go on; when they meet again,
    what one of them wrote meanwhile is dropped."""


class Durability(StrEnum):
    """What an acknowledged write of a transactional service survives."""

    DISK = "disk"
    """The crash of all nodes: each member has it in its journal."""
    MEMORY = "memory"
    """As long as one member lives."""


class LogLevel(Numbered):
    """Log levels as numbered in configuration messages."""

    TRACE = 1
    DEBUG = 2
    INFO = 3
    WARNING = 4
    ERROR = 5


class SerializerMode(Numbered):
    """Representation that a serializer produces."""

    BINARY = 1
    JSON = 2
    STRING = 3


class NetworkMode(Numbered):
    """Where a node runs; it decides how addresses of the own host are recognised."""

    NATIVE = 1
    DOCKER = 2
    K8S = 3


class WireProfile(StrEnum):
    """Wire format of a network; every node of one network uses the same."""

    NATIVE = "native"
    GO = "go"


class Kind(Numbered):
    """Kind of a value, numbered as in the object codec, in typed text and in property ids.

    ``INT`` is the width-less integer of untyped data, ``MESSAGE`` any structured model.
    """

    BOOL = 1
    INT = 2
    INT32 = 5
    INT64 = 6
    UINT8 = 8
    UINT32 = 10
    UINT64 = 11
    FLOAT32 = 13
    FLOAT64 = 14
    MAP = 21
    MESSAGE = 22
    LIST = 23
    STRING = 24


class Container(Enum):
    """How often an attribute holds its value."""

    SINGLE = "single"
    LIST = "list"
    MAP = "map"


class Presence(Enum):
    """How an instance tells that an attribute is absent."""

    ALWAYS = "always"
    """The attribute always holds a value; a zero value stands for absent."""
    NONE = "none"
    """``None`` stands for absent (dataclasses, msgspec structs)."""
    HAS_FIELD = "has-field"
    """``HasField`` tells (protobuf messages and optional fields)."""


class DecoratorType(Numbered):
    """What a decorator on a model says; numbers as in ``L8DecoratorType``."""

    INVALID = 0
    PRIMARY = 1
    UNIQUE = 2
    NON_UNIQUE = 3
    TITLE = 4
    EDITOR = 5
    NO_NESTED_INSPECTION = 6
    IGNORE = 7
    IGNORE_ATTRIBUTE = 8
    ALWAYS_FULL = 9


class UpdateMode(Enum):
    """How much of a new item counts when it is compared with the old one."""

    PATCH = "patch"
    """Only what is present in the new item; zero values and absent entries leave the old alone."""
    PUT = "put"
    """The new item is complete: what it lacks is removed."""


class NotificationType(Numbered):
    """What happened to an item; numbers as in ``L8NotificationType``."""

    INVALID = 0
    POST = 1
    PUT = 2
    PATCH = 3
    DELETE = 4


class NodeState(Numbered):
    """Liveness of a node; numbers as in ``L8HealthState``."""

    INVALID = 0
    UP = 1
    DOWN = 2
    UNREACHABLE = 3


class DirectoryEventType(Enum):
    """What happened to a node of the network."""

    JOINED = "joined"
    CHANGED = "changed"
    LEFT = "left"


class Operator(StrEnum):
    """Comparison operators of the query language."""

    EQ = "="
    NE = "!="
    GT = ">"
    LT = "<"
    GE = ">="
    LE = "<="
    IN = "in"
    NOT_IN = "not in"
    LIKE = "like"
    NOT_LIKE = "not like"
    BETWEEN = "between"
    IS_NULL = "is null"
    IS_NOT_NULL = "is not null"
    MATCHES = "matches"
    """One object satisfies criteria of its own: ``any(ports: name=x and up=1)``."""


class Quantifier(Enum):
    """Which elements of the collections on a path must satisfy a comparison."""

    ANY = "any"
    ALL = "all"


class AuthStatus(Enum):
    """Outcome of a log-in attempt."""

    OK = "ok"
    REFUSED = "refused"
    NEEDS_TFA = "needs-tfa"
    SETUP_TFA = "setup-tfa"
    MUST_CHANGE_PASSWORD = "must-change-password"  # noqa: S105 - a status, not a secret


class Downsample(Enum):
    """What one value of a bucket of samples tells about them."""

    AVG = "avg"
    MIN = "min"
    MAX = "max"
    LAST = "last"
    """The value of the newest."""
    COUNT = "count"
    """How many there are."""


class OverflowPolicy(Enum):
    """What a full queue does with one more item."""

    WAIT = "wait"
    DROP_OLDEST = "drop-oldest"
    DROP_NEWEST = "drop-newest"
    FAIL = "fail"
