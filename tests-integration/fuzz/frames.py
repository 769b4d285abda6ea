# SPDX-License-Identifier: Apache-2.0
"""Damaged frames: real ones that were flipped, cut, spliced, or lie about what they contain."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EDGES: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF)
"""Numbers at which lengths and counters go wrong."""
_IN_HEADER: Final = 0.2
_HONEST: Final = 0.99
"""Share of the frames whose length is put right."""


class Mutator:
    """Makes damaged frames from good ones.

    Args:
        seed: The same frames are made for the same seed and the same good ones.
        corpus: Good frames, their lengths included.
        length_size: Bytes of the length in front, which is put right in most of the damaged ones,
            so that what is behind it is looked at.
        header_size: What a switch reads of a frame; most damage is behind it, since a peer whose
            header breaks a rule is cut off, and what it says next is not looked at.
        unseal: Good frame to its header and its content in the clear, where it is encrypted; every
            second frame is then damaged there.
        seal: The reverse, without the length put right.
    """

    def __init__(
        self,
        seed: str,
        corpus: Sequence[bytes],
        length_size: int,
        *,
        header_size: int = 0,
        unseal: Callable[[bytes], tuple[bytes, bytes]] | None = None,
        seal: Callable[[bytes, bytes], bytes] | None = None,
    ) -> None:
        self._dice = random.Random(seed)
        self.corpus = corpus
        self._length_size = length_size
        self._header_size = header_size or length_size
        self._unseal, self._seal = unseal, seal
        self._front = length_size
        self._ways: tuple[Callable[[bytearray], bytearray], ...] = (
            self._flip,
            self._cut,
            self._splice,
            self._lie,
            self._stretch,
            self._noise,
        )

    def frame(self) -> bytes:
        """The next one."""
        good = self._dice.choice(self.corpus)
        if self._dice.random() < _IN_HEADER:
            frame = self._damaged(good, self._length_size)
        elif self._unseal is None or self._seal is None:
            frame = self._damaged(good, self._header_size)
        else:
            header, content = self._unseal(good)
            frame = bytearray(self._seal(header, bytes(self._damaged(content, 0))))
        if self._dice.random() < _HONEST:
            self._put_right(frame)
        return bytes(frame)

    def _damaged(self, good: bytes, front: int) -> bytearray:
        self._front = min(front, len(good) - 1)
        frame = bytearray(good)
        for _ in range(self._dice.choice((1, 1, 1, 2, 4))):
            frame = self._dice.choice(self._ways)(frame)
        return frame

    def frames(self, count: int) -> list[bytes]:
        """The next ones."""
        return [self.frame() for _ in range(count)]

    def _at(self, frame: bytearray) -> int:
        """A place behind what stays whole, most often soon behind it."""
        end = max(self._front + 1, len(frame))
        if self._dice.random() < 0.5:
            end = min(end, self._front + 24)
        return self._dice.randrange(self._front, end)

    def _flip(self, frame: bytearray) -> bytearray:
        at = self._at(frame)
        if at < len(frame):
            frame[at] ^= 1 << self._dice.randrange(8)
        return frame

    def _cut(self, frame: bytearray) -> bytearray:
        return frame[: self._at(frame)]

    def _splice(self, frame: bytearray) -> bytearray:
        at = self._at(frame)
        return frame[:at] + self._dice.choice(self.corpus)[at:]

    def _lie(self, frame: bytearray) -> bytearray:
        size = self._dice.choice((1, 2, 4))
        at = self._at(frame)
        limit = (1 << 8 * size) - 1
        value = min(self._dice.choice(EDGES), limit)
        frame[at : at + size] = value.to_bytes(size, "big")
        return frame

    def _stretch(self, frame: bytearray) -> bytearray:
        return frame + self._dice.randbytes(self._dice.randrange(1, 200))

    def _noise(self, frame: bytearray) -> bytearray:
        at = self._at(frame)
        return frame[:at] + self._dice.randbytes(max(0, len(frame) - at))

    def _put_right(self, frame: bytearray) -> None:
        size = self._length_size
        frame[:size] = max(0, len(frame) - size).to_bytes(size, "big")
