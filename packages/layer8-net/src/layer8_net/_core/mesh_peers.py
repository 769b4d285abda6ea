# SPDX-License-Identifier: Apache-2.0
"""Which switches to dial, and when.

Those that the settings name are never given up. Those that others told of, or that were found on
the network, are kept for a while after they were last linked or heard of. Whoever is linked is
left alone. Of two switches that learn of each other the one with the lower id dials first, so that
they seldom dial at once.
"""

from __future__ import annotations

from typing import Final

from layer8_net._core.backoff import Backoff

__all__ = ["PeerBook", "Target"]

_FORGET_LINKED: Final = 3600.0
"""Seconds after which a switch that was linked once is forgotten. Long: the switch that told of it
may be gone, and nobody else would tell again after a long partition."""
_FORGET_HEARD: Final = 60.0
"""Seconds after which a switch that was never reached is forgotten, unless it is heard of again."""
_MAX_LEARNED: Final = 1024
"""Learned addresses that are kept, so that nobody can fill the memory with them."""
_YIELD_SECONDS: Final = 1.0
"""How long the switch with the higher id waits for the other one to dial."""


class Target:
    """An address at which a switch may be dialled."""

    __slots__ = (
        "backoff",
        "complaint",
        "dialling",
        "due",
        "host",
        "is_self",
        "linked",
        "port",
        "seen",
        "uuid",
    )

    def __init__(self, host: str, port: int, uuid: str, due: float) -> None:
        self.host = host
        self.port = port
        self.uuid = uuid
        """Id of the switch that was there last, empty while not known."""
        self.due = due
        self.seen = due
        self.backoff = Backoff()
        self.dialling = False
        self.linked = False
        self.is_self = False
        self.complaint = ""
        """What the last attempt failed with."""


class PeerBook:
    """Addresses of other switches.

    Args:
        me: Id of this switch.
    """

    def __init__(self, me: str) -> None:
        self._me = me
        self._targets: dict[tuple[str, int], Target] = {}
        self._fixed: set[tuple[str, int]] = set()
        self._up: set[str] = set()

    def __len__(self) -> int:
        return len(self._targets)

    @property
    def linked(self) -> frozenset[str]:
        """Ids of the switches that are linked now."""
        return frozenset(self._up)

    def add(self, host: str, port: int, now: float) -> Target:
        """Dial an address, and never give it up."""
        self._fixed.add((host, port))
        return self._targets.setdefault((host, port), Target(host, port, "", now))

    def learn(self, host: str, port: int, now: float, uuid: str = "") -> None:
        """Somebody told of an address, with the id of the switch there if it is known."""
        if uuid == self._me:
            return
        target = self._targets.get((host, port))
        if target is None:
            self._make_room()
            pause = _YIELD_SECONDS if uuid and uuid < self._me else 0.0
            self._targets[host, port] = target = Target(host, port, uuid, now + pause)
            target.linked = uuid in self._up
        target.seen = now
        if uuid and not target.uuid:
            target.uuid = uuid

    def due(self, now: float) -> list[Target]:
        """Those to dial now; each is to be reported as reached or failed."""
        self._forget(now)
        busy = self._busy()
        found = []
        for target in self._targets.values():
            if target.due <= now and self._is_wanted(target) and target.uuid not in busy:
                target.dialling = True
                if target.uuid:
                    busy.add(target.uuid)
                found.append(target)
        return found

    def next_due(self) -> float | None:
        """When to ask again, ``None`` when nothing is to be dialled before something happens."""
        busy = self._busy()
        waiting = [
            one.due
            for one in self._targets.values()
            if self._is_wanted(one) and one.uuid not in busy
        ]
        return min(waiting, default=None)

    def reached(self, target: Target, uuid: str, now: float, jitter: float) -> None:
        """There is a switch at that address, perhaps this one itself, and perhaps linked already.

        Args:
            target: What was dialled.
            uuid: Who is there.
            now: Monotonic seconds.
            jitter: Random number from 0 to 1.
        """
        target.dialling = False
        target.uuid = uuid
        target.is_self = uuid == self._me
        target.seen = now
        target.due = now + target.backoff.next(jitter)

    def failed(self, target: Target, now: float, jitter: float) -> None:
        """Nobody was there, or not to be agreed with; again later."""
        target.dialling = False
        target.due = now + target.backoff.next(jitter)

    def up(self, uuid: str, now: float) -> None:
        """A link stands."""
        self._up.add(uuid)
        for target in self._of(uuid):
            target.linked = True
            target.seen = now
            target.backoff.reset()

    def down(self, uuid: str, now: float, jitter: float) -> None:
        """A link is gone."""
        self._up.discard(uuid)
        for target in self._of(uuid):
            target.linked = True
            target.seen = now
            target.backoff.reset()
            target.due = now + target.backoff.next(jitter)

    def _busy(self) -> set[str]:
        """Switches that are being dialled; not at a second address at the same time."""
        return {one.uuid for one in self._targets.values() if one.dialling and one.uuid}

    def _of(self, uuid: str) -> list[Target]:
        return [target for target in self._targets.values() if target.uuid == uuid]

    def _is_wanted(self, target: Target) -> bool:
        return not target.dialling and not target.is_self and target.uuid not in self._up

    def _forget(self, now: float) -> None:
        for key, target in tuple(self._targets.items()):
            limit = _FORGET_LINKED if target.linked else _FORGET_HEARD
            if now - target.seen > limit and key not in self._fixed and self._is_wanted(target):
                del self._targets[key]

    def _make_room(self) -> None:
        if len(self._targets) - len(self._fixed) < _MAX_LEARNED:
            return
        loose = [one for key, one in self._targets.items() if key not in self._fixed]
        spare = [one for one in loose if self._is_wanted(one)] or loose
        oldest = min(spare, key=lambda one: one.seen)
        del self._targets[oldest.host, oldest.port]
