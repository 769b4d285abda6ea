# SPDX-License-Identifier: Apache-2.0
"""A sample service of which each item is on some nodes only, and which tells who has what."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from typing_extensions import override

from l8test.transactional import TransactionalCountingService, transactional_sla

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from l8types.protocols.data import Elements
    from l8types.protocols.services import AskAll, Call, Staged
    from l8types.sla import ServiceLevelAgreement

__all__ = ["ReplicatedCountingService", "replicated_sla"]


class ReplicatedCountingService(TransactionalCountingService):
    """Keeps those items that this instance holds; any query is answered with all items, by key.

    Attributes:
        replicas: How often it was asked to write a key as this replica, by key and number.
    """

    def __init__(self) -> None:
        super().__init__()
        self.replicas: Counter[tuple[str, int]] = Counter()

    @override
    def reset(self) -> None:
        super().reset()
        self.replicas.clear()

    @override
    async def stage(self, elements: Elements, call: Call) -> Staged:
        staged = await super().stage(elements, call)
        if elements.replica is not None:
            self.replicas.update((key, elements.replica) for key, _ in staged.changes)
        return staged

    def keys_of(self, elements: Elements) -> Sequence[str]:
        """Keys of items, in order."""
        return [self._key(item) for item in elements.values]

    def item(self, key: object) -> object | None:
        """The item with this key, if it is here."""
        found = self.items.get(str(key))
        return None if found is None else self._resources.cloner.clone(found)

    async def share(self, elements: Elements, call: Call, mine: Callable[[str], bool]) -> Elements:
        """The items with keys that are ``mine``."""
        found = [item for key, item in sorted(self.items.items()) if mine(key)]
        return self._resources.elements.of(*found)

    async def whole(self, elements: Elements, call: Call, ask: AskAll) -> Elements:
        """All items of all instances."""
        items = [item for share in await ask(elements) for item in share.values]
        return self._resources.elements.of(*sorted(items, key=self._key))


def replicated_sla(
    *, count: int = 2, name: str = "Tests", area: int = 2, model: type | None = None
) -> ServiceLevelAgreement:
    """Agreement for a sample service whose items are replicated; an instance for each node.

    Args:
        count: How many nodes hold each item.
        name: Service name.
        area: Service area.
        model: Model of its items, one of ``l8test.models``; by default the dataclass.
    """
    options = {} if model is None else {"model": model}
    whole = transactional_sla(name=name, area=area, **options)
    return replace(whole, handler=ReplicatedCountingService, replication_count=count)
