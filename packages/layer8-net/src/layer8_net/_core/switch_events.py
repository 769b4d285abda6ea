# SPDX-License-Identifier: Apache-2.0
"""What goes into a switch and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from l8types.values import DirectoryEvent
from layer8_net._core.handshake import Endpoint

__all__ = [
    "Changed",
    "Close",
    "Effect",
    "Event",
    "Found",
    "FramesReceived",
    "Gathered",
    "Hold",
    "InterfaceOpened",
    "Linked",
    "Listening",
    "PeerJoined",
    "PeerLost",
    "Pressure",
    "PressureChanged",
    "Release",
    "Send",
    "Tick",
    "Unlinked",
]


class Pressure(IntEnum):
    """How much waits to be written to a connection."""

    NONE = 0
    HIGH = 1
    """Above the limit: those who send there are held back."""
    FULL = 2
    """More than twice the limit: messages come back to their senders."""


@dataclass(frozen=True, slots=True)
class PeerJoined:
    """A peer was authenticated and admitted.

    Attributes:
        connection: Number that the shell gave to the connection.
        peer: Who it is.
        address: Where it comes from.
        started: Wall clock, Unix seconds.
        dialled: Whether this side dialled; only switches are.
        more: Whether others may come in together with it; then ``Gathered`` follows.
    """

    connection: int
    peer: Endpoint
    address: str
    started: float
    dialled: bool = False
    more: bool = False


@dataclass(frozen=True, slots=True)
class InterfaceOpened:
    """The switch has an interface of its own from now on, for services that it offers itself.

    Attributes:
        connection: Number that the shell gave to the connection inside the process.
    """

    connection: int


@dataclass(frozen=True, slots=True)
class Gathered:
    """Those who came together are all there: all others can be told of them at once."""


@dataclass(frozen=True, slots=True)
class FramesReceived:
    """Complete frames of a connection, in order."""

    connection: int
    frames: list[bytes]


@dataclass(frozen=True, slots=True)
class PeerLost:
    """A connection is gone."""

    connection: int


@dataclass(frozen=True, slots=True)
class PressureChanged:
    """More or less waits to be written to a connection than before."""

    connection: int
    pressure: Pressure


@dataclass(frozen=True, slots=True)
class Listening:
    """The switch can be dialled from now on.

    Attributes:
        host: Name or address for other switches; empty for the one that they see it come from.
        port: TCP port.
    """

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passes; due a few times per keep-alive interval."""


Event = (
    PeerJoined
    | InterfaceOpened
    | Gathered
    | FramesReceived
    | PeerLost
    | PressureChanged
    | Listening
    | Tick
)


@dataclass(frozen=True, slots=True)
class Send:
    """Write frames to a connection, in this order."""

    connection: int
    frames: list[bytes]


@dataclass(frozen=True, slots=True)
class Close:
    """Close a connection; it was forgotten already."""

    connection: int
    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Stop reading from a connection."""

    connection: int


@dataclass(frozen=True, slots=True)
class Release:
    """Read from a connection again."""

    connection: int


@dataclass(frozen=True, slots=True)
class Changed:
    """Tell those who watch the directory."""

    events: list[DirectoryEvent]


@dataclass(frozen=True, slots=True)
class Linked:
    """A link to another switch stands."""

    uuid: str


@dataclass(frozen=True, slots=True)
class Unlinked:
    """The link to another switch is gone, with all that was behind it."""

    uuid: str


@dataclass(frozen=True, slots=True)
class Found:
    """Another switch told where a switch can be dialled."""

    uuid: str
    host: str
    port: int


Effect = Send | Close | Hold | Release | Changed | Linked | Unlinked | Found
