# SPDX-License-Identifier: Apache-2.0
"""Elections of a node: feeds them with the directory, messages and time, and knows who leads."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from l8services._election._bully import BullyElection
from l8services._election._courier import Courier, epoch_file
from l8services._election._epochs import round_of
from l8services._election._memory import load_epochs
from l8services._election._notes import read
from l8services._election._race import Race
from l8services._election._rules import ElectionRules
from l8services._tasks import TaskScope, forever
from l8types.enums import Action, WireProfile
from l8types.errors import PermissionDeniedError
from l8types.frozen import replace
from l8types.protocols.services import ElectionEffect, ElectionEvent

if TYPE_CHECKING:
    from l8types.protocols.data import Elements, Subscription
    from l8types.protocols.net import VNic
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import LeaderListener
    from l8types.values import DirectoryEvent, Message, ServiceKey

__all__ = ["Elections"]

_log = logging.getLogger(__name__)

_POLL: Final = 0.5
"""Seconds between two looks at the connection; far below the silence that a leader may keep."""
_REFRESH: Final = 2.0
"""Seconds for which a caller's question for a leader elsewhere is not repeated."""
_HAND_OVER_TIMEOUT: Final = 4.0
"""Seconds after which a hand-over is given up; longer than an election of the go profile."""
_FLUSH_TIMEOUT: Final = 1.0
"""Seconds that the last messages may take to leave."""


class _Watch:
    """One listener; closing it twice is harmless."""

    def __init__(self, watches: list[_Watch], listener: LeaderListener) -> None:
        self._watches = watches
        self.listener = listener
        watches.append(self)

    def close(self) -> None:
        """Stop listening."""
        if self in self._watches:
            self._watches.remove(self)


class Elections:
    """All elections of a node.

    Without a connection time stands still for them: who cannot reach the network neither loses its
    leader nor makes itself one.

    Args:
        resources: The parts of the node.
        rules: Times and habits; by default those of the node's wire profile.
    """

    def __init__(self, resources: Resources, rules: ElectionRules | None = None) -> None:
        self._resources = resources
        self._given = rules
        self._races: dict[ServiceKey, Race] = {}
        self._watches: list[_Watch] = []
        self._vnic: VNic | None = None
        self._subscription: Subscription | None = None
        self._scope: TaskScope | None = None
        self._rearmed = asyncio.Event()
        self._stopped_at: float | None = None
        self._lag = 0.0

    # Taking part

    async def join(self, key: ServiceKey, vnic: VNic, *, voter: bool) -> None:
        """Take part in an election; the service or group is announced already."""
        self._start(vnic)
        file = self._file
        epochs = {} if file is None else await asyncio.to_thread(load_epochs, file)
        old = self._races.get(key)
        if old is not None:
            # It may have led, and is not a voter any more.
            self._step(old, ElectionEvent(source=vnic.uuid, joined=False))
        epoch = max(epochs.get(str(key), 0), old.epoch if old else 0)
        strategy = BullyElection(vnic.uuid, self._rules, voter=voter, epoch=epoch)
        race = self._races[key] = Race(key, strategy, voter, member=True, epoch=epoch)
        self._sync(race, vnic)
        self._rearmed.set()

    async def leave(self, key: ServiceKey) -> None:
        """Take part no longer; the others are told."""
        race = self._races.pop(key, None)
        if race is None or self._vnic is None:
            return
        self._step(race, ElectionEvent(source=self._vnic.uuid, joined=False))
        race.member = False
        if any(race.member for race in self._races.values()):
            return
        await self._flush()
        await self.aclose()

    def takes_part(self, key: ServiceKey) -> bool:
        """Whether this node serves what the election is about."""
        race = self._races.get(key)
        return race is not None and race.member

    async def hand_over(self, key: ServiceKey) -> str:
        """Let another participant lead; see ``Leadership.hand_over``."""
        race, vnic = self._races.get(key), self._vnic
        if race is None or vnic is None or race.leader != vnic.uuid or not vnic.connected:
            return self.leader(key)
        changed = race.changed
        self._step(race, ElectionEvent(Action.LEADER_RESIGN, vnic.uuid))
        try:
            async with asyncio.timeout(_HAND_OVER_TIMEOUT):
                await changed.wait()
        except TimeoutError:
            _log.warning("%s: nobody took over within %g s", key, _HAND_OVER_TIMEOUT)
            return race.leader
        return await self.wait_leader(key, _HAND_OVER_TIMEOUT)

    async def aclose(self) -> None:
        """Stop all elections and forget them; idempotent."""
        scope, self._scope = self._scope, None
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None
        if scope is not None:
            await scope.aclose()
        for race in self._races.values():
            race.news()
        self._races.clear()

    # Who leads

    def leader(self, key: ServiceKey) -> str:
        """Node id of the leader, "" when there is none or none is known yet."""
        race = self._races.get(key) or self._observe(key)
        if race is None:
            return ""
        self._inquire(race)
        return race.leader

    async def wait_leader(self, key: ServiceKey, limit: float) -> str:
        """The leader, once there is one; "" when there is none within so many seconds."""
        try:
            async with asyncio.timeout(limit):
                while (race := self._races.get(key)) is not None:
                    if race.leader:
                        return race.leader
                    self._inquire(race)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._rules.search):
                            await race.changed.wait()
        except TimeoutError:
            return ""
        return ""

    def epoch(self, key: ServiceKey) -> int:
        """Term of the leader, 0 when there never was one."""
        race = self._races.get(key)
        return race.epoch if race else 0

    def why(self, key: ServiceKey) -> str:
        """When and why the leader changed last, in one line."""
        race = self._races.get(key)
        return race.why if race else ""

    def watch(self, listener: LeaderListener) -> Subscription:
        """Be told of changes of leaders from now on."""
        return _Watch(self._watches, listener)

    # Inputs

    def handle(self, elements: Elements, message: Message, key: ServiceKey) -> None:
        """Take a message of an election; one about a service without leader is ignored.

        Args:
            elements: What it carries.
            message: The message. Who asks by the name of a service is answered under it.
            key: What the service elects its leader under.

        Raises:
            PermissionDeniedError: The sender does not take part in what it speaks about.
            InvalidInputError: The payload makes no sense.
        """
        race, vnic = self._races.get(key), self._vnic
        if race is None or vnic is None:
            return
        if key != message.key:
            self._answer_member(race, message, vnic)
            return
        event = read(message, elements, terms=self._rules.terms)
        self._sync(race, vnic)
        if message.source not in race.peers:
            if message.source == vnic.uuid:
                return
            if event.action is not Action.LEADER_QUERY:
                raise PermissionDeniedError(
                    f"node {message.source} sent {message.action.name} of {race.key} "
                    "without taking part in it"
                )
            # Whoever asks may know the answer, but has no say about epochs.
            event = ElectionEvent(event.action, event.source)
        self._step(race, event)

    def _answer_member(self, race: Race, message: Message, vnic: VNic) -> None:
        """Who does not know the group of a service asks for the leader of the service."""
        if message.action is Action.LEADER_QUERY and race.leader == vnic.uuid:
            answer = ElectionEffect(
                Action.LEADER_ANNOUNCEMENT, target=message.source, epoch=race.epoch
            )
            self._courier.take(replace(race, key=message.key), answer)

    def _changed(self, event: DirectoryEvent) -> None:
        vnic = self._vnic
        if vnic is None:
            return
        for race in tuple(self._races.values()):
            self._sync(race, vnic)

    def _sync(self, race: Race, vnic: VNic) -> None:
        """Let an election know what the directory shows."""
        there = frozenset(vnic.directory.providers(race.key))
        peers, me = there - {vnic.uuid}, vnic.uuid
        gone, new, race.peers = race.peers - peers, peers - race.peers, peers
        for node in sorted(gone):
            self._step(race, ElectionEvent(source=node, joined=False))
        for node in sorted(new):
            self._step(race, ElectionEvent(source=node, joined=True))
        listed = race.member and me in there
        if listed != race.listed:
            # It was announced, or the interface drains: it still answers, but is not to lead.
            race.listed = listed
            self._step(race, ElectionEvent(source=me, joined=listed))

    def _observe(self, key: ServiceKey) -> Race | None:
        """Follow an election of other nodes, from now on."""
        vnic = self._vnic
        if vnic is None or self._scope is None or not vnic.directory.providers(key):
            return None
        strategy = BullyElection(vnic.uuid, self._rules, voter=False)
        race = self._races[key] = Race(key, strategy, voter=False)
        self._sync(race, vnic)
        return race

    def _inquire(self, race: Race) -> None:
        """Ask for the leader on behalf of a caller, where nobody tells this node."""
        vnic, now = self._vnic, self._now()
        pause = _REFRESH if race.leader else self._rules.search
        if vnic is not None and not race.listed and now >= race.asked + pause:
            race.asked = now
            self._step(race, ElectionEvent(Action.LEADER_QUERY, vnic.uuid))

    # Time

    def _now(self) -> float:
        """Time while there was a connection."""
        if self._stopped_at is not None:
            return self._stopped_at
        return self._resources.clock.monotonic() - self._lag

    async def _tick(self) -> None:
        vnic = self._vnic
        if vnic is not None and not vnic.connected:
            await self._outage(vnic)
        now = self._now()
        for race in tuple(self._races.values()):
            if race.wake_at is not None and race.wake_at <= now:
                race.wake_at = None
                self._step(race, ElectionEvent())
        waking = (race.wake_at for race in self._races.values() if race.wake_at is not None)
        due = min(waking, default=now + _POLL)
        try:
            async with asyncio.timeout(min(max(due - now, 0.0), _POLL)):
                await self._rearmed.wait()
        except TimeoutError:
            return
        self._rearmed.clear()

    async def _outage(self, vnic: VNic) -> None:
        self._stopped_at = self._now()
        try:
            await vnic.wait_connected()
        finally:
            self._lag = self._resources.clock.monotonic() - self._stopped_at
            self._stopped_at = None

    # Effects

    def _start(self, vnic: VNic) -> None:
        if self._scope is not None:
            return
        go = self._resources.settings.profile is WireProfile.GO
        self._rules = self._given or (ElectionRules.go() if go else ElectionRules())
        self._vnic = vnic
        self._subscription = vnic.directory.watch(self._changed)
        self._file = epoch_file(vnic)
        self._courier = Courier(vnic, self._file, self._lead, terms=self._rules.terms)
        self._scope = TaskScope("elections")
        self._scope.start(
            clock=lambda: forever(self._tick, what="the clock of elections"),
            effects=lambda: forever(self._courier.work, what="effects of elections"),
            mail=lambda: forever(self._courier.post, what="messages of elections"),
        )

    def _step(self, race: Race, event: ElectionEvent) -> None:
        for effect in race.strategy.step(event, self._now()):
            if effect.wake_at is not None:
                race.wake_at = effect.wake_at
                self._rearmed.set()
            else:
                self._courier.take(race, effect)

    def _lead(self, race: Race, effect: ElectionEffect) -> None:
        leader = effect.leader or ""
        changed = (leader, effect.epoch) != (race.leader, race.epoch)
        race.leader, race.epoch = leader, effect.epoch
        if changed:
            when = datetime.fromtimestamp(self._resources.clock.now(), UTC)
            race.why = (
                f"{when:%Y-%m-%d %H:%M:%S}Z {race.key}: {self._name(leader)} leads in round "
                f"{round_of(effect.epoch)}: {effect.reason}"
            )
            _log.info("%s", race.why)
        race.news()
        if changed:
            self._tell(race)

    def _tell(self, race: Race) -> None:
        for watch in tuple(self._watches):
            try:
                watch.listener(race.key, race.leader, race.epoch)
            except Exception:  # noqa: BLE001 - a listener is foreign code at the edge
                _log.exception("a listener failed on the leader of %s", race.key)

    def _name(self, node: str) -> str:
        info = self._vnic.directory.node(node) if self._vnic is not None and node else None
        if info is None:
            return node or "nobody"
        return f"{info.alias} ({node})"

    async def _flush(self) -> None:
        try:
            async with asyncio.timeout(_FLUSH_TIMEOUT):
                await self._courier.wait_idle()
        except TimeoutError:
            _log.info("the end of elections is not told: the network does not take it")
