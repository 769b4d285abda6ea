# SPDX-License-Identifier: Apache-2.0
"""Brings targets to the collectors: when one is written, and whenever the collectors change."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from collect._assignment import owner_of
from collect._handler import items_of
from collect._hosts import hosts_of
from collect._links import DEFAULT_LINKS, TARGETS, Links
from collect._tasks import TaskScope
from collect.model import L8PTarget, L8PTargetList
from collect.model.pollaris_pb2 import L8PTargetState
from l8types.enums import Action, DirectoryEventType
from l8types.errors import L8Error, NotFoundError
from l8types.protocols.services import HookResult

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from l8types.protocols.data import Subscription
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call
    from l8types.values import DirectoryEvent

__all__ = ["FeederSettings", "TargetFeeder", "TargetsHook"]

_log = logging.getLogger(__name__)

_WRITES: Final = frozenset({Action.POST, Action.PUT, Action.PATCH})


async def _hand_over(vnic: VNic, links: Links, target: L8PTarget) -> None:
    """Give a target to its collector, and see to it that no other one polls it."""
    service = links.route_of(target).collector
    up = target.state == L8PTargetState.Up
    collectors = vnic.directory.providers(service)
    owner = owner_of(target.target_id, collectors) if up else ""
    for collector in collectors:
        action = Action.POST if collector == owner or not up else Action.DELETE
        await vnic.send(collector, service.name, service.area, action, target)


class TargetsHook:
    """Hook of the service that keeps the targets; implements ``ServiceHook``.

    A written target goes to its collector when it is up, and is stopped everywhere when it is not
    or was deleted. That there is no collector, or that it cannot be reached, does not fail the
    write: a :class:`TargetFeeder` brings the targets once there is one.

    Args:
        links: The collectors by links id.
    """

    def __init__(self, links: Links = DEFAULT_LINKS) -> None:
        self._links = links

    async def before(self, item: object, call: Call) -> HookResult:
        """Refuse a target that no collector could poll.

        Raises:
            InvalidInputError: It has no hosts, or a host has no protocol or address.
            NotFoundError: Its links id is unknown.
        """
        if isinstance(item, L8PTarget) and call.action in (Action.POST, Action.PUT):
            self._links.route_of(item)
            hosts_of(item)
        return HookResult()

    async def after(self, item: object, call: Call) -> HookResult:
        """Bring a written target to the collectors."""
        if isinstance(item, L8PTarget) and call.action in (*_WRITES, Action.DELETE):
            try:
                await self._bring(item, call)
            except L8Error as error:
                _log.warning("target %s did not reach a collector: %s", item.target_id, error)
        return HookResult()

    async def _bring(self, item: L8PTarget, call: Call) -> None:
        if call.action is not Action.DELETE:
            await _hand_over(call.vnic, self._links, await self._complete(item, call))
            return
        for service in self._links.collectors():
            for collector in call.vnic.directory.providers(service):
                await call.vnic.send(collector, service.name, service.area, Action.DELETE, item)

    async def _complete(self, item: L8PTarget, call: Call) -> L8PTarget:
        """The target as it is stored: what was patched may be a part of it."""
        if call.action is not Action.PATCH or item.hosts:
            return item
        resources = call.vnic.resources
        example = resources.elements.of(L8PTarget(target_id=item.target_id))
        stored = await resources.services.call(
            call.key, Action.GET, example, call.vnic, identity=call.identity
        )
        found = next(items_of(stored, L8PTarget, L8PTargetList), None)
        if found is None:
            raise NotFoundError(f"target {item.target_id!r} is not stored")
        return found


@dataclass(frozen=True, slots=True)
class FeederSettings:
    """Settings of a feeder."""

    page: int = 500
    """Targets that are read at a time."""
    settle: float = 0.5
    """Seconds to wait after a change of the collectors, so that several are dealt with at once."""
    retry: float = 2.0
    """Seconds until the targets are read again after that failed."""
    refresh: float = 60.0
    """Seconds until the targets are brought again without any change, since a message may get
    lost; a collector that has them already does nothing."""


class TargetFeeder:
    """Brings all targets to the collectors whenever a collector joins or leaves.

    It runs on the nodes that keep the targets; only the one that leads the service is active. While
    it runs, each target is polled by one collector, and moves when that one is gone.

    Args:
        vnic: Interface of a node with the service that keeps the targets.
        links: The collectors by links id.
        settings: Settings.
    """

    def __init__(
        self,
        vnic: VNic,
        *,
        links: Links = DEFAULT_LINKS,
        settings: FeederSettings | None = None,
    ) -> None:
        self._vnic = vnic
        self._links = links
        self._settings = settings or FeederSettings()
        self._scope = TaskScope("targets")
        self._subscription: Subscription | None = None
        self._changed = asyncio.Event()
        self._fed: frozenset[str] = frozenset()

    async def __aenter__(self) -> Self:
        await self._scope.open()
        self._subscription = self._vnic.directory.watch(self._on_change)
        self._scope.start(self._run, "feeder")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.close()
        await self._scope.aclose()

    @property
    def running(self) -> bool:
        """Whether it was entered and not left."""
        return self._subscription is not None

    def _on_change(self, event: DirectoryEvent) -> None:
        """Wake up when a collector came, went or began to serve.

        One that came back may have the id that it had before, so the ids alone do not tell.
        """
        services = self._links.collectors()
        came_or_went = event.type is not DirectoryEventType.CHANGED
        if (came_or_went and services & event.node.services.keys()) or (
            self._present() != self._fed
        ):
            self._changed.set()

    def _present(self) -> frozenset[str]:
        providers = self._vnic.directory.providers
        return frozenset(
            collector for service in self._links.collectors() for collector in providers(service)
        )

    async def _run(self) -> None:
        pause = 0.0
        while True:
            await self._wait(pause)
            self._changed.clear()
            present = self._present()
            done = await self._feed_safely(present)
            self._fed = present if done else frozenset()
            pause = self._settings.refresh if done else self._settings.retry

    async def _wait(self, pause: float) -> None:
        """Wait for a change of the collectors and until it has settled, or for the pause."""
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._changed.wait()
            await asyncio.sleep(self._settings.settle)

    async def _feed_safely(self, present: frozenset[str]) -> bool:
        if not present or not self._leads():
            return True
        try:
            count = await self._feed()
        except L8Error as error:
            _log.warning("targets cannot be brought to the collectors yet: %s", error)
            return False
        except Exception:  # noqa: BLE001 - the boundary of a round, which must not end the next ones
            _log.exception("bringing the targets to the collectors failed")
            return False
        _log.info("brought %d targets to %d collectors", count, len(present))
        return True

    def _leads(self) -> bool:
        return self._vnic.resources.services.leader(TARGETS) in ("", self._vnic.uuid)

    async def _feed(self) -> int:
        count = page = 0
        while True:
            targets = await self._read(page)
            for target in targets:
                if target.state == L8PTargetState.Up:
                    await _hand_over(self._vnic, self._links, target)
                    count += 1
            if len(targets) < self._settings.page:
                return count
            page += 1

    async def _read(self, page: int) -> list[L8PTarget]:
        resources = self._vnic.resources
        size = int(self._settings.page)
        # Numbers only; the query never reaches SQL as text.
        query = f"select * from L8PTarget limit {size} page {page}"  # noqa: S608
        answer = await resources.services.call(
            TARGETS, Action.GET, resources.elements.query(query), self._vnic
        )
        return list(items_of(answer.raise_for_error(), L8PTarget, L8PTargetList))
