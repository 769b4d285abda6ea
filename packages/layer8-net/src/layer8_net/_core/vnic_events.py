# SPDX-License-Identifier: Apache-2.0
"""What goes into an interface and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

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
    "PartReceived",
    "Ready",
    "Send",
    "Silent",
    "StreamAsked",
    "Tick",
]

W = TypeVar("W")


@dataclass(frozen=True, slots=True)
class Connected:
    """The handshake with a switch is done."""

    switch: Endpoint


@dataclass(frozen=True, slots=True)
class FramesReceived:
    """Complete frames of the switch, in order."""

    frames: list[bytes]


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The connection is gone."""

    reason: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passes; due at ``next_deadline`` and a few times per keep-alive interval."""


Event = Connected | FramesReceived | ConnectionLost | Tick


@dataclass(frozen=True, slots=True)
class Completed(Generic[W]):
    """Wake those who wait: each with an error, or with the data of the answer."""

    answers: list[tuple[W, L8Error | None, bytes]]


@dataclass(frozen=True, slots=True)
class Deliver:
    """Start the handling of messages, in this order."""

    messages: list[Message]


@dataclass(frozen=True, slots=True)
class PartReceived(Generic[W]):
    """Hand a part of a streamed answer to its reader."""

    reader: W
    source: str
    """Id of the node that makes the parts."""
    data: bytes


@dataclass(frozen=True, slots=True)
class StreamAsked:
    """Start to answer a request in parts."""

    message: Message


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A node does not wait any more for the answer to the request of this number."""

    source: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Granted:
    """The reader of a streamed answer has room for more."""

    source: str
    sequence: int
    parts: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Send:
    """Write frames to the switch, in this order."""

    frames: list[bytes]


@dataclass(frozen=True, slots=True)
class Changed:
    """Tell those who watch the directory."""

    events: list[DirectoryEvent]


@dataclass(frozen=True, slots=True)
class Ready:
    """The directory is complete; the node is part of the network."""


@dataclass(frozen=True, slots=True)
class Silent:
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
    | Silent
)
