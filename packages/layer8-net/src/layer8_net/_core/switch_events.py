# SPDX-License-Identifier: Apache-2.0
"""What goes into a switch and what comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import msgspec

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


class PeerJoined(msgspec.Struct, frozen=True):
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


class InterfaceOpened(msgspec.Struct, frozen=True):
    """The switch has an interface of its own from now on, for services that it offers itself.

    Attributes:
        connection: Number that the shell gave to the connection inside the process.
    """

    connection: int


class Gathered(msgspec.Struct, frozen=True):
    """Those who came together are all there: all others can be told of them at once."""


class FramesReceived(msgspec.Struct, frozen=True):
    """Complete frames of a connection, in order."""

    connection: int
    frames: list[bytes]


class PeerLost(msgspec.Struct, frozen=True):
    """A connection is gone.

    Attributes:
        connection: Which one.
        unsent: Frames for the peer that never left this process, in order.
    """

    connection: int
    unsent: Sequence[bytes] = ()


class PressureChanged(msgspec.Struct, frozen=True):
    """More or less waits to be written to a connection than before."""

    connection: int
    pressure: Pressure


class Listening(msgspec.Struct, frozen=True):
    """The switch can be dialled from now on.

    Attributes:
        host: Name or address for other switches; empty for the one that they see it come from.
        port: TCP port.
    """

    host: str
    port: int


class Tick(msgspec.Struct, frozen=True):
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


class Send(msgspec.Struct, frozen=True):
    """Write frames to a connection, in this order."""

    connection: int
    frames: list[bytes]


class Close(msgspec.Struct, frozen=True):
    """Close a connection; it was forgotten already."""

    connection: int
    reason: str


class Hold(msgspec.Struct, frozen=True):
    """Stop reading from a connection."""

    connection: int


class Release(msgspec.Struct, frozen=True):
    """Read from a connection again."""

    connection: int


class Changed(msgspec.Struct, frozen=True):
    """Tell those who watch the directory."""

    events: list[DirectoryEvent]


class Linked(msgspec.Struct, frozen=True):
    """A link to another switch stands."""

    uuid: str


class Unlinked(msgspec.Struct, frozen=True):
    """The link to another switch is gone, with all that was behind it."""

    uuid: str


class Found(msgspec.Struct, frozen=True):
    """Another switch told where a switch can be dialled."""

    uuid: str
    host: str
    port: int


Effect = Send | Close | Hold | Release | Changed | Linked | Unlinked | Found
