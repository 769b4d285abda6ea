# SPDX-License-Identifier: Apache-2.0
"""Data collection: protocols of devices and rules that turn answers into properties."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from l8types.protocols.net import Lifecycle
from l8types.values import Credential

__all__ = [
    "CollectorFactory",
    "CollectorProtocol",
    "HostAddress",
    "ParsingRule",
    "PollOperation",
    "PollRequest",
    "PollResult",
    "RuleContext",
]


@dataclass(frozen=True, slots=True)
class HostAddress:
    """Where and how one host is reached.

    Attributes:
        host: Name or IP address.
        port: Port of the protocol, 0 for its default.
        timeout: Seconds that one exchange may take.
        options: Settings of the protocol, e.g. ``{"version": "2c"}``.
    """

    host: str
    port: int = 0
    credential: Credential = field(default_factory=Credential)
    timeout: float = 5.0
    options: Mapping[str, str] = field(default_factory=dict)


class PollOperation(StrEnum):
    """What a poll does."""

    GET = "get"
    """One value or a few named ones."""
    WALK = "walk"
    """All values below a point."""
    TABLE = "table"
    """Rows of a table."""
    COMMAND = "command"
    """Text in, text out."""


@dataclass(frozen=True, slots=True)
class PollRequest:
    """One question to a host; ``what`` is in the language of the protocol (OIDs, a command)."""

    name: str
    operation: PollOperation
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PollResult:
    """The answer: scalars by name, and rows by index with their columns."""

    values: Mapping[str, object] = field(default_factory=dict)
    rows: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


class CollectorProtocol(Lifecycle, Protocol):
    """One protocol session with one host; used by one task at a time."""

    @property
    def name(self) -> str:
        """Name of the protocol, e.g. ``snmp``."""
        ...

    async def poll(self, request: PollRequest) -> PollResult:
        """Ask the host.

        Raises:
            RequestTimeoutError: No answer in time.
            AuthenticationError: The host refused the credential.
            RemoteError: The host answered with an error.
            UnavailableError: The host cannot be reached.
        """
        ...


CollectorFactory = Callable[[HostAddress], CollectorProtocol]
"""Makes a session with a host; what the entry points of ``layer8.collector`` provide."""


@dataclass(frozen=True, slots=True)
class RuleContext:
    """Circumstances of one application of a rule."""

    model: str
    key: str
    """Primary key of the item that is written."""
    parameters: Mapping[str, str] = field(default_factory=dict)


class ParsingRule(Protocol):
    """One step from an answer to property values."""

    @property
    def name(self) -> str:
        """Name by which poll definitions refer to the rule."""
        ...

    def apply(self, result: PollResult, context: RuleContext) -> Mapping[str, object]:
        """Values by property path below the item.

        Raises:
            InvalidInputError: The answer does not have the expected form.
        """
        ...
