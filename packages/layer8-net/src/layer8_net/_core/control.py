# SPDX-License-Identifier: Apache-2.0
"""The messages about requests: cancel, grant credit, send a part, and the echo that drains.

Only the native profile has them; a core of another profile has no ``Controls``, and its node
then does without: work that nobody waits for ends at its deadline, answers come in one part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from l8types.enums import Action
from layer8_net._core import records
from layer8_net._core.frame import NO_DESTINATION, Flag, encode_frame, node_bytes
from layer8_net._core.stream import CREDIT, Window

if TYPE_CHECKING:
    from l8types.values import Message

__all__ = ["Controls"]

_REPLY: Final = int(Flag.REPLY)
_REQUEST: Final = int(Flag.REQUEST)
_PART: Final = int(Flag.REPLY | Flag.STREAM)
_CANCEL: Final = int(Flag.REPLY | Flag.CANCEL)
_CREDIT: Final = int(Flag.REPLY | Flag.CREDIT)


class Controls:
    """Makes these messages, and keeps the windows of the streams that this node reads.

    Args:
        me: Id of this node in wire form.
    """

    def __init__(self, me: bytes) -> None:
        self._id = me
        self.switch = NO_DESTINATION
        """Id of the switch in wire form; the core keeps it up to date."""
        self.windows: dict[int, Window] = {}
        """Of the streams that are read, by sequence."""

    def cancel_frame(self, node: bytes, service: str, area: int, sequence: int) -> bytes:
        """Nobody waits any more for the answer to a request of this node.

        Args:
            node: Who works on it, in wire form.
            service: The service that was asked.
            area: Its area.
            sequence: That of the request.
        """
        return self._about(node, service, area, sequence, _CANCEL, b"")

    def consume(self, sequence: int, size_bytes: int) -> tuple[int, int] | None:
        """A part was read: the grant to send, ``None`` for none yet."""
        window = self.windows.get(sequence)
        return None if window is None else window.consume(size_bytes)

    def credit_frame(
        self, node: bytes, service: str, area: int, sequence: int, grant: tuple[int, int]
    ) -> bytes:
        """There is room for more parts of a stream; arguments as for :meth:`cancel_frame`."""
        return self._about(node, service, area, sequence, _CREDIT, CREDIT.pack(*grant))

    def part_frame(self, message: Message, data: bytes, *, last: bool = False) -> bytes:
        """A part of the answer to a request; the last one may be empty."""
        return encode_frame(
            self._id,
            self.switch,
            node_bytes(message.source),
            message.service.encode(),
            message.area,
            Action.REPLY,
            data,
            priority=message.priority,
            mode=message.mode,
            flags=_REPLY if last else _PART,
            sequence=message.sequence,
            identity=message.identity.encode(),
            trace=message.trace.encode(),
        )

    def echo_request_frame(self, node: str, sequence: int) -> bytes:
        """Ask an interface itself for an empty answer, behind everything it sent before."""
        return self._system(node_bytes(node), Action.GET, _REQUEST, sequence)

    def echo_frame(self, node: bytes, sequence: int) -> bytes:
        """The answer to it."""
        return self._system(node, Action.REPLY, _REPLY, sequence)

    def _system(self, node: bytes, action: Action, flags: int, sequence: int) -> bytes:
        name, area = records.SYSTEM_SERVICE, records.SYSTEM_AREA
        return encode_frame(
            self._id, self.switch, node, name, area, action, b"", flags=flags, sequence=sequence
        )

    def _about(
        self, node: bytes, service: str, area: int, sequence: int, flags: int, data: bytes
    ) -> bytes:
        return encode_frame(
            self._id,
            self.switch,
            node,
            service.encode(),
            area,
            Action.HANDLE,
            data,
            flags=flags,
            sequence=sequence,
        )
