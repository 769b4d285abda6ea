# SPDX-License-Identifier: Apache-2.0
"""What a base service is made of when its writes are transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8services._live import LiveHub, Watchers
from l8services._reads import Reader
from l8services._replica import Replica
from l8services._replication.shares import Shares
from l8services._staged import StagedItems
from l8services._store import StoreWriter
from l8services._tasks import TaskScope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from l8services._tuning import Tuning
    from l8types.protocols.net import VNic
    from l8types.sla import ServiceLevelAgreement

__all__ = ["TransactionalParts"]


class TransactionalParts:
    """Cache, staged writes, reads, and the way to the store.

    Changes are not sent to the other instances: these make the same ones. The store follows the
    acknowledged writes, and only the instance that leads writes to it.
    """

    def __init__(self, sla: ServiceLevelAgreement, model: type, vnic: VNic, tuning: Tuning) -> None:
        resources = vnic.resources
        cache = resources.caches.create(model)
        for name, counter in sla.counters.items():
            cache.add_counter(name, counter)
        # Its counting of changes stays unused; reader and store writer see its cache.
        self.replica = Replica(
            cache,
            sla.key,
            vnic.uuid,
            codec=resources.notifications,
            clock=resources.clock,
            tuning=tuning,
            on_contested=lambda _: None,
        )
        self.items = StagedItems(cache, resources, sla.hook)
        self.reader = Reader(self.replica, resources, sla.hook)
        self.shares: Shares | None = None
        """Reads of items that are spread over the instances."""
        if sla.replication_count is not None:
            self.shares = Shares(sla, cache, self.reader, resources)
        self.live = LiveHub(sla.key, cache, vnic, sla.hook, tuning)
        name = resources.registry.info_of(model).name
        self.watchers = Watchers(sla.key, name, self.live, vnic, tuning)
        self._sla = sla
        self._tasks = TaskScope(str(sla.key))
        self._store: StoreWriter | None = None
        if sla.store is not None:
            delay = sla.write_behind or 0.0
            self._store = StoreWriter(sla.store, self.replica, sla.key, delay=delay, tuning=tuning)
        workers = {"live": self.live.run_for_ever, "watchers": self.watchers.run_for_ever}
        if self._store is not None:
            workers["store"] = self._store.run_for_ever
        self._tasks.start(**workers)

    @property
    def settled(self) -> bool:
        """Whether nothing waits to be stored."""
        return self._store is None or not len(self._store)

    async def initial(self) -> list[tuple[str, object]]:
        """What a new service begins with: the store, else the initial items."""
        if self._sla.store is not None:
            stored = [entry async for entry in self._sla.store.items()]
            if stored:
                return stored
        key_of = self.replica.cache.key_of
        return [(key_of(item), item) for item in self._sla.initial_items]

    def leading(self) -> None:
        """What the last leader had not stored yet is here, but nowhere else."""
        if self._store is not None:
            self._store.mark_all()

    def applied(self, keys: Sequence[str]) -> None:
        """Store these."""
        if self._store is not None and keys:
            self._store.mark(*keys)

    async def aclose(self) -> None:
        """Store what is left."""
        self.live.close()
        await self._tasks.aclose()
        if self._store is not None:
            await self._store.drain()
