# SPDX-License-Identifier: Apache-2.0
"""What goes into an interface and what comes out of it."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from l8types.errors import L8Error
from l8types.values import DirectoryEvent, Message
from layer8_net._core.handshake import Endpoint

__all__ = [
    "Cancelled",
    "Changed",
    "Completed",
    "Connected",
    "ConnectionLost",
    "Deliver",
    "Effect",
    "Event",
    "FramesReceived",
    "Granted",
    "Left",
    "PartReceived",
    "Ready",
    "Send",
    "Silent",
    "StreamAsked",
    "Tick",
]

W = TypeVar("W")


class Connected(msgspec.Struct, frozen=True):
    """The handshake with a switch is done."""

    switch: Endpoint


class FramesReceived(msgspec.Struct, frozen=True):
    """Complete frames of the switch, in order."""

    frames: list[bytes]


class ConnectionLost(msgspec.Struct, frozen=True):
    """The connection is gone."""

    reason: str


class Tick(msgspec.Struct, frozen=True):
    """Time passes; due at ``next_deadline`` and a few times per keep-alive interval."""


Event = Connected | FramesReceived | ConnectionLost | Tick


class Completed(msgspec.Struct, Generic[W], frozen=True):
    """Wake those who wait: each with an error, or with the data of the answer."""

    answers: list[tuple[W, L8Error | None, bytes]]


class Deliver(msgspec.Struct, frozen=True):
    """Start the handling of messages, in this order."""

    messages: list[Message]


class PartReceived(msgspec.Struct, Generic[W], frozen=True):
    """Hand a part of a streamed answer to its reader."""

    reader: W
    source: str
    """Id of the node that makes the parts."""
    data: bytes


class StreamAsked(msgspec.Struct, frozen=True):
    """Start to answer a request in parts."""

    message: Message


class Cancelled(msgspec.Struct, frozen=True):
    """A node does not wait any more for the answer to the request of this number."""

    source: str
    sequence: int


class Granted(msgspec.Struct, frozen=True):
    """The reader of a streamed answer has room for more."""

    source: str
    sequence: int
    parts: int
    size_bytes: int


class Send(msgspec.Struct, frozen=True):
    """Write frames to the switch, in this order."""

    frames: list[bytes]


class Changed(msgspec.Struct, frozen=True):
    """Tell those who watch the directory."""

    events: list[DirectoryEvent]


class Ready(msgspec.Struct, frozen=True):
    """The directory is complete; the node is part of the network."""


class Left(msgspec.Struct, frozen=True):
    """The switch knows that this node takes no more messages; nothing is on its way any more."""


class Silent(msgspec.Struct, frozen=True):
    """The switch gives no sign of life; close the connection."""

    reason: str


Effect = (
    Completed[W]
    | Deliver
    | PartReceived[W]
    | StreamAsked
    | Cancelled
    | Granted
    | Send
    | Changed
    | Ready
    | Left
    | Silent
)
