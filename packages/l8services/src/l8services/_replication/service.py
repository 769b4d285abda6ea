# SPDX-License-Identifier: Apache-2.0
"""The service ``Replicas``: which node holds which replica of a key, for whoever asks.

It is there on every node that has a replicated service. What it tells is the index of that node,
which follows the leader's within a moment. Of an index nothing can be changed but this: keys whose
holders are gone for good can be deleted from it, so that they may be written anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn, Protocol

from l8types.errors import InvalidInputError, L8Error, NotFoundError
from l8types.pb import L8MetaData, L8ReplicationIndex
from l8types.sla import ServiceLevelAgreement
from l8types.values import Element, ServiceKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call


class Placed(Protocol):
    """A replicated service as it is asked here."""

    def places(self) -> Iterable[tuple[str, tuple[str, ...]]]:
        """Keys, and the nodes that hold them, by replica."""
        ...

    def standing(self) -> Mapping[str, float]:
        """How the keys are spread, in figures."""
        ...

    async def forget(self, keys: Sequence[str]) -> None:
        """Forget keys whose holders are gone for good."""
        ...


__all__ = ["REPLICAS", "ReplicasService", "replicas_sla"]

REPLICAS: Final = ServiceKey("Replicas")
"""Where it is found."""


def replicas_sla(indexes: Callable[[], Mapping[ServiceKey, Placed]]) -> ServiceLevelAgreement:
    """Agreement of the service.

    Args:
        indexes: Gives the replicated services of the node.
    """
    return ServiceLevelAgreement(
        name=REPLICAS.name,
        area=REPLICAS.area,
        handler=lambda: ReplicasService(indexes),
        model=L8ReplicationIndex,
        primary_keys=("service_name", "service_area"),
        stateful=False,
    )


class ReplicasService:
    """Answers from the indexes of this node."""

    def __init__(self, indexes: Callable[[], Mapping[ServiceKey, Placed]]) -> None:
        self._indexes = indexes

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Nothing is needed."""

    async def deactivate(self) -> None:
        """Nothing is held."""

    async def post(self, elements: Elements, call: Call) -> Elements:
        """Refused."""
        self._refuse(call)

    async def put(self, elements: Elements, call: Call) -> Elements:
        """Refused."""
        self._refuse(call)

    async def patch(self, elements: Elements, call: Call) -> Elements:
        """Refused."""
        self._refuse(call)

    async def delete(self, elements: Elements, call: Call) -> Elements:
        """Forget the keys of indexes: items that were lost for good with all their holders.

        Raises:
            InvalidInputError: The index of a service as a whole cannot be deleted.
            ConflictError: A node that is there has the item.
            NotFoundError: There is no such key, or no such service.
        """
        for example in elements.values:
            if not isinstance(example, L8ReplicationIndex) or not example.keys:
                raise InvalidInputError(
                    f"service {REPLICAS} forgets the keys of an L8ReplicationIndex; none was named"
                )
            service = ServiceKey(example.service_name, example.service_area)
            await self._placed(service).forget(sorted(example.keys))
        return call.vnic.resources.elements.of()

    async def get(self, elements: Elements, call: Call) -> Elements:
        """Answer a query about indexes, or the indexes of the services named by examples.

        An example that has keys asks for these only. For each service named by an example the
        metadata tell under its name how the keys are spread: ``keys``, those ``short`` of holders,
        ``unavailable`` ones, the ``excess`` of the fullest node over the emptiest one, and the keys
        that were ``moved`` while this node led.
        """
        resources = call.vnic.resources
        if elements.query is not None:
            found = [self._index(key, ()) for key in self._indexes()]
            cache = resources.caches.create(L8ReplicationIndex, items=found)
            scope = resources.security.scope_item
            page = cache.fetch(
                resources.queries.from_wire(elements.query),
                scope=lambda item: scope(call.identity, item),
            )
            return resources.elements.page(page)
        entries = []
        metadata = L8MetaData()
        for example in elements.values:
            try:
                index = self._like(example)
            except L8Error as error:
                entries.append(Element(error=resources.elements.error(error).error))
                continue
            entries.append(Element(index))
            service = ServiceKey(index.service_name, index.service_area)
            counts = metadata.value_count[str(service)].counts
            counts.update(self._placed(service).standing())
        return resources.elements.entries(entries, metadata=metadata)

    async def notify(self, elements: Elements, call: Call) -> None:
        """Refused: indexes are changed by writes of their services."""
        self._refuse(call)

    async def failed(self, elements: Elements, call: Call) -> None:
        """It sends nothing."""

    def _like(self, example: object) -> L8ReplicationIndex:
        if not isinstance(example, L8ReplicationIndex):
            raise InvalidInputError(
                f"service {REPLICAS} is asked by L8ReplicationIndex, not {type(example).__name__}"
            )
        return self._index(
            ServiceKey(example.service_name, example.service_area), tuple(example.keys)
        )

    def _index(self, service: ServiceKey, keys: tuple[str, ...]) -> L8ReplicationIndex:
        placed = self._placed(service)
        index = L8ReplicationIndex(service_name=service.name, service_area=service.area)
        for key, nodes in placed.places():
            if not keys or key in keys:
                entry = index.keys[key]
                entry.replica0 = nodes[0] if nodes else ""
                for number, node in enumerate(nodes):
                    entry.location[node] = number
        return index

    def _placed(self, service: ServiceKey) -> Placed:
        placed = self._indexes().get(service)
        if placed is None:
            raise NotFoundError(f"service {service} is not active here, or not replicated")
        return placed

    @staticmethod
    def _refuse(call: Call) -> NoReturn:
        raise InvalidInputError(
            f"service {REPLICAS} tells of keys; {call.action.name} items of the service itself"
        )
