# SPDX-License-Identifier: Apache-2.0
"""The quick reading and writing of messages that are like earlier ones.

Of the messages that one node sends to a service most of the header is the same each time. What was
understood once is remembered by its bytes; then only the sequence, the deadline and the data are
left to read, or to write. Only plain messages are remembered: no failures, trace contexts or
transactions.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from layer8_net._core.frame import HEADER_SIZE, LENGTH_SIZE, deadline_ms

if TYPE_CHECKING:
    from l8types.enums import Action, MulticastMode, Priority
    from l8types.values import Message

    Before = tuple[str, str, str, str, int, Priority, MulticastMode, Action, str]
    After = tuple[bool, bool, bool, str]
    Parts = tuple[Before, After]
    """The fields of a message before its sequence, and those between its deadline and its data."""

__all__ = ["Known", "Letter", "Repeated", "Template", "constant_of"]

_START: Final = struct.Struct(">I8sQI")
"""Length, the bytes up to the sequence, the sequence and the deadline."""

_LIMIT: Final = 1024
"""Messages that are remembered: what comes from outside must not fill the memory."""
_LONGEST: Final = HEADER_SIZE + 512
"""Longer names and identities are rare, and not worth the memory."""


def constant_of(frame: bytes, data_start: int) -> bytes:
    """The bytes of a plain frame that do not change from one message to the next."""
    return frame[6:10] + frame[24:data_start]


class Known(dict[bytes, "Parts"]):
    """What was understood, by its bytes."""

    def learn(self, frame: bytes, message: Message) -> None:
        """Remember a message that was read the long way, if it is a plain one."""
        data_start = len(frame) - len(message.data)
        if message.failure or message.trace or message.transaction or data_start > _LONGEST:
            return
        if len(self) >= _LIMIT:
            self.clear()
        self[constant_of(frame, data_start)] = (
            (
                message.source,
                message.vnet,
                message.destination,
                message.service,
                message.area,
                message.priority,
                message.mode,
                message.action,
                message.identity,
            ),
            (message.request, message.reply, message.stream, message.failure),
        )


class Template(NamedTuple):
    """What the frames of messages have in common that differ in number, deadline and data only."""

    size: int
    """Bytes after the length field, the data not counted."""
    first: bytes
    """What stands before the sequence, the length not counted."""
    rest: bytes
    """What stands between the deadline and the data."""


class Letter(msgspec.Struct, eq=False):
    """A message of a known kind on its way out: like the ``bytes`` of its frame, but not made yet.

    Attributes:
        template: What it has in common with others.
        sequence: Its number.
        left_ms: Milliseconds until its deadline, 0 without one.
        data: Its body.
    """

    template: Template
    sequence: int
    left_ms: int
    data: bytes

    def __len__(self) -> int:
        """Bytes of the frame."""
        return LENGTH_SIZE + self.template.size + len(self.data)

    def __bytes__(self) -> bytes:
        """The frame."""
        size, first, rest = self.template
        start = _START.pack(size + len(self.data), first, self.sequence, self.left_ms)
        return b"".join((start, rest, self.data))


class Repeated(dict[tuple[object, ...], Template]):
    """What frames of this node have in common, by what they are about."""

    def letter(
        self, key: tuple[object, ...], sequence: int, timeout: float, data: bytes
    ) -> Letter | None:
        """A message like the one that was learned for this key, ``None`` when there is none."""
        template = self.get(key)
        if template is None:
            return None
        return Letter(template, sequence, deadline_ms(timeout) if timeout else 0, data)

    def learn(self, key: tuple[object, ...], frame: bytes, data: bytes) -> None:
        """Remember the constant parts of a frame with this data."""
        data_start = len(frame) - len(data)
        if data_start > _LONGEST:
            return
        if len(self) >= _LIMIT:
            self.clear()
        first, rest = frame[LENGTH_SIZE:12], frame[24:data_start]
        self[key] = Template(data_start - LENGTH_SIZE, first, rest)
