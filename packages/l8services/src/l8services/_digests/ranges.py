# SPDX-License-Identifier: Apache-2.0
"""Digests of ranges of keys: two copies are equal when theirs are.

Keys are spread over a fixed number of ranges by a hash. The digest of a range is the sum of the
hashes of its items, each made of key and version; so it follows a change without a look at the
other items, and the order of changes does not matter. One root stands for all ranges.

Changed keys are only noted, and counted when a digest is asked for: an item that changes a hundred
times in between costs one hash. A synchronous core.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from l8services._versions import Stamp

__all__ = ["RANGES", "RangeDigests", "range_of"]

RANGES: Final = 256
"""A million items make ranges of four thousand, which still travel in one message."""
DIGEST_BYTES: Final = 6
_MODULUS: Final = 1 << (8 * DIGEST_BYTES)
_MASK: Final = (1 << 64) - 1
# Odd, so that nothing is lost, with bits of no pattern: fractions of the golden ratio, of the
# square roots of 2 and 3. A checksum alone would be linear: what two changes do to it may cancel.
_KEY: Final = 0x9E3779B97F4A7C15
_TIME: Final = 0x6A09E667F3BCC909
_SPREAD: Final = 0xBB67AE8584CAA73B


class _Sources(dict[str, int]):
    """Numbers of the ids of nodes, made once each."""

    def __missing__(self, source: str) -> int:
        digest = blake2b(source.encode(), digest_size=8).digest()
        number = self[source] = int.from_bytes(digest, "big")
        return number


def range_of(key: str) -> int:
    """The range to which a key belongs, the same on every node."""
    return crc32(key.encode()) % RANGES


class RangeDigests:
    """The digests of one copy.

    Args:
        version: Version of an item by its key, ``None`` for one that is not there.
    """

    def __init__(self, version: Callable[[str], Stamp | None]) -> None:
        self._version = version
        self._touched: set[str] = set()
        self._hashes: tuple[dict[str, int], ...] = tuple({} for _ in range(RANGES))
        self._sums = [0] * RANGES
        self._root = ""
        self._sources = _Sources()

    def touch(self, key: str) -> None:
        """The item has changed, came or went."""
        self._touched.add(key)

    def touch_all(self, keys: Iterable[str]) -> None:
        """The same for several items."""
        self._touched.update(keys)

    @property
    def waiting(self) -> int:
        """How many noted changes are not counted yet."""
        return len(self._touched)

    def fold(self, limit: int) -> None:
        """Count up to so many of the noted changes, so that a long list need not wait for all."""
        touched, version, sums = self._touched, self._version, self._sums
        for _ in range(min(limit, len(touched))):
            key = touched.pop()
            base = crc32(key.encode())
            number = base % RANGES
            hashes = self._hashes[number]
            before = hashes.get(key, 0)
            stamp = version(key)
            if stamp is None:
                hashes.pop(key, None)
                now = 0
            else:
                time, source = stamp
                mixed = (base * _KEY + time * _TIME + self._sources[source]) & _MASK
                now = hashes[key] = ((mixed ^ mixed >> 29) * _SPREAD & _MASK) % _MODULUS
            if now != before:
                sums[number] = (sums[number] + now - before) % _MODULUS
                self._root = ""

    def sums(self) -> tuple[int, ...]:
        """Digest of each range."""
        self.fold(len(self._touched))
        return tuple(self._sums)

    def root(self) -> str:
        """Digest of all ranges, as a text of hexadecimal digits."""
        self.fold(len(self._touched))
        if not self._root:
            whole = b"".join(digest.to_bytes(DIGEST_BYTES, "big") for digest in self._sums)
            self._root = blake2b(whole, digest_size=8).hexdigest()
        return self._root

    def keys(self, ranges: Iterable[int]) -> list[str]:
        """Keys of the items in some ranges."""
        self.fold(len(self._touched))
        return [key for number in ranges for key in self._hashes[number]]
