# SPDX-License-Identifier: Apache-2.0
"""What an active base service with a cache is made of, and in which order it starts and stops."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from l8services._digests.exchange import DigestExchange
from l8services._fetch import CopyFetcher
from l8services._live import LiveHub, Watchers
from l8services._packer import Packer
from l8services._points import PointsApart
from l8services._reads import Reader
from l8services._replica import Replica
from l8services._store import StoreWriter
from l8services._sync import ReplicaSync
from l8services._tasks import TaskScope
from l8services._writes import Writer
from l8types.enums import WireProfile
from l8types.errors import L8Error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from l8services._tuning import Tuning
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call
    from l8types.sla import ServiceLevelAgreement
    from l8types.values import TimeSeriesPoint

__all__ = ["BaseParts"]

_log = logging.getLogger(__name__)


class BaseParts:
    """What an active base service is made of."""

    def __init__(
        self,
        sla: ServiceLevelAgreement,
        model: type,
        vnic: VNic,
        tuning: Tuning,
        *,
        points: bool,
    ) -> None:
        resources = vnic.resources
        self._key = sla.key
        cache = resources.caches.create(model)
        for name, counter in sla.counters.items():
            cache.add_counter(name, counter)
        self._apart = PointsApart(resources.notifications) if points else None
        name = resources.registry.info_of(model).name
        packer: Packer | None = None
        if resources.settings.profile is WireProfile.NATIVE:
            packer = Packer(
                model,
                name,
                codec=resources.codec,
                properties=resources.introspector,
                received=None if self._apart is None else self._apart.apart,
            )
        self.replica = Replica(
            cache,
            sla.key,
            vnic.uuid,
            codec=self._apart or resources.notifications,
            clock=resources.clock,
            tuning=tuning,
            on_contested=self._contested,
            packer=packer,
        )
        self.store: StoreWriter | None = None
        if sla.store is not None:
            self.store = StoreWriter(
                sla.store, self.replica, sla.key, delay=sla.write_behind, tuning=tuning
            )
        self._write_behind = sla.write_behind is not None
        self.writer = Writer(
            self.replica,
            resources,
            hook=sla.hook,
            through=None if self._write_behind else sla.store,
            behind=self.store,
            changed=self._changed,
        )
        self.reader = Reader(self.replica, resources, sla.hook, page_size=tuning.page_size)
        self.live = LiveHub(sla.key, cache, vnic, sla.hook, tuning)
        self.watchers = Watchers(sla.key, name, self.live, vnic, tuning)
        self._fetcher = CopyFetcher(vnic, self.replica, name, tuning)
        self.sync = ReplicaSync(
            vnic,
            self.replica,
            self._fetcher,
            tuning,
            repeat=self.writer.repeat,
            on_left=self._instance_left,
        )
        self.digests = DigestExchange(
            vnic,
            self.replica,
            self._fetcher,
            name,
            tuning,
            others=self.sync.others,
            fetch_all=self.sync.fetch_all,
        )
        self._tasks = TaskScope(str(sla.key))

    @property
    def settled(self) -> bool:
        return self.sync.idle and not (self.store is not None and len(self.store))

    def points(self) -> dict[str, list[TimeSeriesPoint]]:
        """Samples that were among the changes which arrived, by property id."""
        return {} if self._apart is None else self._apart.take()

    def opened(self, values: Iterable[object], call: Call) -> list[object]:
        """What another instance told: messages of one change, and batches.

        A batch that cannot be read is left out. What was in it is fetched.
        """
        messages: list[object] = []
        for value in values:
            if not isinstance(value, bytes):
                messages.append(value)
                continue
            try:
                messages.append(self.replica.unpack(value))
            except L8Error as error:
                _log.warning("%s: changes of %s are lost: %s", call.key, call.source, error)
                self.replica.missed(call.source)
        return messages

    async def fill(self, sla: ServiceLevelAgreement) -> bool:
        """Get the items: from another instance, else from the store, else the initial ones.

        Returns:
            Whether another instance answered.
        """
        # The leader first: it is the one that collects what others missed.
        answered = await self._fetcher.recover(sorted(self.sync.others(), reverse=True))
        cache = self.replica.cache
        if self.store is not None and not len(cache):
            await self.store.load()
        if not len(cache):
            for item in sla.initial_items:
                cache.post(item)
                if self.store is not None:
                    self.store.mark(cache.key_of(item))
        self.replica.loaded()
        return answered

    def start(self, *, complete: bool) -> None:
        self.sync.open(complete=complete)
        workers = {
            "send": self.sync.send_for_ever,
            "fetch": self.sync.fetch_for_ever,
            "live": self.live.run_for_ever,
            "watchers": self.watchers.run_for_ever,
        }
        if self.store is not None:
            workers["store"] = self.store.run_for_ever
        if self.digests.enabled:
            workers["digests"] = self.digests.run_for_ever
        self._tasks.start(**workers)

    async def aclose(self) -> None:
        self.live.close()
        self.sync.close()
        await self._tasks.aclose()
        await self.sync.drain()
        if self.store is not None:
            await self.store.drain()

    def _changed(self) -> None:
        self.sync.changed()

    def _contested(self, key: str) -> None:
        if self.store is not None:
            self.store.mark(key)

    def _instance_left(self) -> None:
        # What it had taken and not stored yet is here, but nowhere else.
        if self.store is not None and self._write_behind:
            self.store.mark_all()
