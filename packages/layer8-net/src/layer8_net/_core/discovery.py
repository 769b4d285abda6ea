# SPDX-License-Identifier: Apache-2.0
"""Switches that find each other by datagrams.

An announcement has exactly 91 bytes::

    offset size  field
         0    4  "L8sw"
         4    1  version, 1
         5   36  switch id
        41    2  TCP port on which it listens
        43   16  random bytes
        59   32  HMAC-SHA-256 with the network secret of all that stands before

Whoever does not know the secret cannot make one, but can send one again that he saw. That leads
to an attempt to connect, which ends with the handshake, and there is a limit to how often.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from l8types.errors import EncodeError
from layer8_net._core.frame import node_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ANNOUNCEMENT_SIZE", "Announcer", "DiscoveryCounters", "Found"]

_FORMAT: Final = struct.Struct(">4sB36sH16s")
_CODE_SIZE: Final = 32
ANNOUNCEMENT_SIZE: Final = _FORMAT.size + _CODE_SIZE
_MAGIC: Final = b"L8sw"
_VERSION: Final = 1
_PURPOSE: Final = b"layer8 discovery 1\0"
_FIRST_PAUSES: Final = (1.0, 2.0)
_PAUSE: Final = 5.0
"""Seconds between announcements. Networks are promised to be one again within 15 s."""
_RATE: Final = 20.0
"""Announcements per second that are looked at, on average; as many as 100 switches send."""
_BURST: Final = 100.0


class Found(NamedTuple):
    """A switch that announced itself."""

    uuid: str
    host: str
    port: int


@dataclass(slots=True)
class DiscoveryCounters:
    """What discovery did since it was started."""

    sent: int = 0
    heard: int = 0
    """Announcements of other switches of this network."""
    malformed: int = 0
    """Datagrams that are no announcements of this version."""
    forged: int = 0
    """Announcements of another network, or of somebody without the secret."""
    distant: int = 0
    """Datagrams from outside of the networks of this machine."""
    limited: int = 0
    """Datagrams that were not looked at because there were too many."""

    @property
    def refused(self) -> int:
        """Datagrams that led to nothing."""
        return self.malformed + self.forged + self.distant + self.limited


class Announcer:
    """Makes and understands announcements, and says when the next one is due.

    Args:
        me: Id of this switch.
        secret: Secret of the network.
        is_near: Whether an address is on a network of this machine.
    """

    def __init__(self, me: str, secret: bytes, is_near: Callable[[str], bool]) -> None:
        self._me = me
        self._secret = secret
        self._is_near = is_near
        self._tokens = _BURST
        self._refilled: float | None = None
        self._sent = 0
        self.counters = DiscoveryCounters()

    def announcement(self, port: int, nonce: bytes) -> bytes:
        """Datagram that tells of this switch.

        Args:
            port: TCP port on which it listens.
            nonce: 16 random bytes.
        """
        start = _FORMAT.pack(_MAGIC, _VERSION, node_bytes(self._me), port, nonce)
        return start + self._code(start)

    def pause(self, jitter: float) -> float:
        """Seconds until the next announcement: soon at first, then at an even pace.

        Args:
            jitter: Random number from 0 to 1; it keeps switches that started together apart.
        """
        longest = _FIRST_PAUSES[self._sent] if self._sent < len(_FIRST_PAUSES) else _PAUSE
        self._sent += 1
        return longest * (0.8 + jitter / 5)

    def receive(self, datagram: bytes, host: str, now: float) -> Found | None:
        """Take a datagram; the switch that it tells of, ``None`` when it is not to be dialled.

        Args:
            datagram: What was received.
            host: Address that it came from.
            now: Monotonic seconds.
        """
        counters = self.counters
        if not self._allow(now):
            counters.limited += 1
        elif not self._is_near(host):
            counters.distant += 1
        elif len(datagram) != ANNOUNCEMENT_SIZE:
            counters.malformed += 1
        else:
            return self._understand(datagram, host)
        return None

    def _understand(self, datagram: bytes, host: str) -> Found | None:
        start, code = datagram[: _FORMAT.size], datagram[_FORMAT.size :]
        magic, version, node, port, _ = _FORMAT.unpack(start)
        if magic != _MAGIC or version != _VERSION or port == 0:
            self.counters.malformed += 1
            return None
        if not hmac.compare_digest(code, self._code(start)):
            self.counters.forged += 1
            return None
        try:
            uuid = node.rstrip(b"\0").decode("ascii")
            node_bytes(uuid)
        except (UnicodeDecodeError, EncodeError):
            self.counters.malformed += 1
            return None
        if uuid == self._me:
            return None
        self.counters.heard += 1
        return Found(uuid, host, port)

    def _code(self, start: bytes) -> bytes:
        return hmac.new(self._secret, _PURPOSE + start, hashlib.sha256).digest()

    def _allow(self, now: float) -> bool:
        """Whether there is room for one more; the room grows with time up to a burst."""
        if self._refilled is not None:
            self._tokens = min(_BURST, self._tokens + (now - self._refilled) * _RATE)
        self._refilled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
