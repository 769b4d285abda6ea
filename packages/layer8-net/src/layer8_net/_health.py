# SPDX-License-Identifier: Apache-2.0
"""The health of the nodes as a service: records that can be asked for with queries.

The records are those of the directory, which the network keeps by itself; nobody writes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.constants import HEALTH_SERVICE
from l8types.enums import Action
from l8types.errors import InvalidInputError, NotFoundError
from l8types.pb import L8Health
from l8types.sla import ServiceLevelAgreement
from layer8_net._asked import AskedService
from layer8_net._core.records import record_of
from layer8_net._profiling import PROFILE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from l8types.pb import L8Query
    from l8types.protocols.data import Elements, Subscription
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call
    from l8types.protocols.web import WebService
    from l8types.values import DirectoryEvent

__all__ = ["HealthService", "health_agreement"]


def health_agreement(web: WebService | None = None) -> ServiceLevelAgreement:
    """Agreement of the service, to be activated with the interface of a switch.

    Args:
        web: How it shows on the web; by default it does not.
    """
    return ServiceLevelAgreement(
        name=HEALTH_SERVICE,
        handler=HealthService,
        model=L8Health,
        primary_keys=("a_uuid",),
        stateful=False,
        web=web,
    )


class HealthService(AskedService):
    """Answers queries about the nodes of the network, and examples with their ids.

    An example with ``pprof_collect`` is answered with a profile of the node, by the node itself,
    if it allows that.
    """

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Follow the directory."""
        self._resources = vnic.resources
        self._directory = vnic.directory
        self._cache = self._resources.caches.create(L8Health)
        self._stale = {node.uuid for node in vnic.directory.nodes()}
        self._watch: Subscription = vnic.directory.watch(self._changed)

    async def deactivate(self) -> None:
        """Follow it no longer."""
        self._watch.close()

    def _changed(self, event: DirectoryEvent) -> None:
        # Most changes are figures, which nobody may ever ask for.
        self._stale.add(event.node.uuid)

    async def get(self, elements: Elements, call: Call) -> Elements:
        """Answer a query, or find the records of examples with ids.

        Raises:
            InvalidInputError: It is asked for something else than health.
            NotFoundError: There is no such node.
            L8Error: What a node answered that was to be profiled.
        """
        self._refresh()
        if elements.query is not None:
            return self._answer(elements.query, call)
        asked = [self._uuid(value) for value in elements.values]
        if not asked:
            raise InvalidInputError(f"service {call.key} was asked neither a query nor an example")
        first = elements.first
        if isinstance(first, L8Health) and first.pprof_collect:
            return await self._profile(asked, call)
        return self._resources.elements.of(*self._found(asked, call))

    def _answer(self, message: L8Query, call: Call) -> Elements:
        query = self._resources.queries.from_wire(message)
        if query.root.model is not L8Health:
            raise InvalidInputError(
                f"a query about {query.root.type_name} reached the service of the nodes' health"
            )
        scope_item = self._resources.security.scope_item
        page = self._cache.fetch(query, scope=lambda item: scope_item(call.identity, item))
        return self._resources.elements.page(page)

    def _found(self, uuids: Iterable[str], call: Call) -> Iterable[object]:
        for uuid in uuids:
            record = self._cache.get(uuid)
            if record is not None:
                record = self._resources.security.scope_item(call.identity, record)
            if record is None:
                raise NotFoundError(f"no node {uuid!r} in the network")
            yield record

    async def _profile(self, uuids: list[str], call: Call) -> Elements:
        if len(uuids) > 1:
            raise InvalidInputError("one node can be profiled at a time")
        left = None
        if call.deadline is not None:
            left = max(0.001, call.deadline - self._resources.clock.monotonic())
        example = L8Health(a_uuid=uuids[0], pprof_collect=True)
        return await call.vnic.request(
            uuids[0],
            PROFILE.name,
            PROFILE.area,
            Action.GET,
            example,
            timeout=left,
            identity=call.identity,
        )

    @staticmethod
    def _uuid(value: object) -> str:
        if isinstance(value, L8Health):
            return value.a_uuid
        raise InvalidInputError(
            f"a node is found by a record with its id, not by {type(value).__name__}"
        )

    def _refresh(self) -> None:
        stale, self._stale = self._stale, set()
        for uuid in stale:
            node = self._directory.node(uuid)
            if node is not None:
                self._cache.put(record_of(node))
            elif self._cache.get(uuid) is not None:
                self._cache.delete(uuid)
