# SPDX-License-Identifier: Apache-2.0
"""The quick way of received frames: plain answers, and messages like earlier ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from l8types.errors import DecodeError, L8Error
from l8types.values import Message
from layer8_net._core.frame import (
    HEADER_SIZE,
    LENGTH_SIZE,
    USUAL,
    USUAL_KIND,
    Flag,
    node_bytes,
)
from layer8_net._core.pack import PACK_KIND, entries_of
from layer8_net._core.usual import Known, constant_of
from layer8_net._core.vnic_events import Completed, Deliver, Effect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from layer8_net._core.pending import Pending

__all__ = ["UsualReader", "VNicCounters", "append_answer", "append_message"]

W = TypeVar("W")

_REPLY: Final = int(Flag.REPLY)


@dataclass(slots=True)
class VNicCounters:
    """What an interface saw since it was made."""

    late: int = 0
    """Answers to requests that nobody waits for any more."""
    malformed: int = 0
    """Messages that could not be decoded."""
    packed: int = 0
    """Messages that came without a frame of their own, in that of another one."""


class UsualReader(Generic[W]):
    """Reads frames of which most is known already.

    Args:
        pending: Requests that wait for answers.
        counters: What to count.
    """

    def __init__(self, pending: Pending[W], counters: VNicCounters) -> None:
        self.known = Known()
        self._pending = pending
        self._counters = counters

    def take(self, frame: bytes, effects: list[Effect[W]]) -> bool:
        """Take a plain answer or a message like an earlier one, or a pack; whether it was one.

        Whatever is odd about a frame, the long way finds it.
        """
        size = len(frame)
        if size < HEADER_SIZE:
            return False
        length, kind, flags, name, sequence, left_ms, source, identity, failure, trace, last = (
            USUAL.unpack_from(frame)
        )
        start = HEADER_SIZE + name + identity
        if failure or trace or last or length != size - LENGTH_SIZE or start > size:
            return False
        entries: Iterable[tuple[int, int, bytes]]
        if kind == USUAL_KIND:
            entries = ((sequence, left_ms, frame[start:]),)
        elif kind == PACK_KIND:
            try:
                entries = entries_of(frame, sequence, start)
            except DecodeError:
                return False
        else:
            return False
        if flags == _REPLY:
            for number, _, data in entries:
                self.answered(number, source, data, effects)
        elif not self._deliver(constant_of(frame, start), entries, effects):
            return False
        if kind == PACK_KIND:
            self._counters.packed += sequence - 1
        return True

    def _deliver(
        self,
        constant: bytes,
        entries: Iterable[tuple[int, int, bytes]],
        effects: list[Effect[W]],
    ) -> bool:
        parts = self.known.get(constant)
        if parts is None:
            return False
        before, after = parts
        messages = [
            Message(*before, sequence, left_ms / 1000, *after, data)
            for sequence, left_ms, data in entries
        ]
        last = effects[-1] if effects else None
        if isinstance(last, Deliver):
            last.messages.extend(messages)
        else:
            effects.append(Deliver(messages))
        return True

    def answered(self, sequence: int, source: bytes, data: bytes, effects: list[Effect[W]]) -> None:
        """A plain answer."""
        request = self._pending.get(sequence)
        if request is None:
            self._counters.late += 1
            return
        if request.target and source != node_bytes(request.target):
            # Sequence numbers can be guessed: an answer counts from whom it was asked of.
            self._counters.malformed += 1
            return
        self._pending.close(sequence)
        append_answer(effects, (request.waiter, None, data))


def append_message(effects: list[Effect[W]], message: Message) -> None:
    """Have a message handled after what is to be done already."""
    last = effects[-1] if effects else None
    if isinstance(last, Deliver):
        last.messages.append(message)
    else:
        effects.append(Deliver([message]))


def append_answer(effects: list[Effect[W]], answer: tuple[W, L8Error | None, bytes]) -> None:
    """Wake somebody after what is to be done already."""
    last = effects[-1] if effects else None
    if isinstance(last, Completed):
        last.answers.append(answer)
    else:
        effects.append(Completed([answer]))
