# SPDX-License-Identifier: Apache-2.0
"""A sample service whose writes are transactions, and which tells what became of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from typing_extensions import override

from l8test.models import SAMPLES, ModelKind
from l8test.services import CountingService
from l8types.enums import Action
from l8types.errors import ConflictError
from l8types.protocols.services import Staged
from l8types.sla import ServiceLevelAgreement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call

__all__ = ["TransactionalCountingService", "transactional_sla"]

_RECORD = next(sample for sample in SAMPLES if sample.kind is ModelKind.DATACLASS)


class TransactionalCountingService(CountingService):
    """Keeps items by key, and takes part in transactions; writes answer with the items.

    POST, PUT and PATCH set whole items, DELETE removes them. GET gives the items of the keys of
    the examples, in their order, or all of them by key when it is given none.

    Attributes:
        changed: How often each key was changed on this instance.
        items: What is visible.
        staged: What is not yet; ``None`` for what will be removed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.changed: Counter[str] = Counter()
        self.items: dict[str, object] = {}
        self.staged: dict[str, object] = {}

    @override
    def reset(self) -> None:
        """Forget calls and what was counted, and stop failing; the items stay."""
        super().reset()
        self.changed.clear()

    @override
    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        await super().activate(sla, vnic)
        self._resources = vnic.resources

    @override
    async def get(self, elements: Elements, call: Call) -> Elements:
        await super().get(elements, call)
        examples = [value for value in elements.values if value is not None]
        keys = [self._key(value) for value in examples] if examples else sorted(self.items)
        found = [self.items[key] for key in keys if key in self.items]
        return self._resources.elements.of(*found)

    async def stage(self, elements: Elements, call: Call) -> Staged:
        """Count a write and work out what it changes.

        Raises:
            ConflictError: The service was told to fail.
        """
        self.counts[call.action] += 1
        self.calls.append(call)
        if self.failing:
            raise ConflictError(f"{call.key} was told to fail on {call.action.name}")
        gone = call.action is Action.DELETE
        changes = [(self._key(item), None if gone else item) for item in elements.values]
        self.staged.update(changes)
        return Staged(self._resources.elements.of(*elements.values), changes)

    def unstage(self) -> None:
        """Drop what is staged."""
        self.staged.clear()

    def apply(self, changes: Sequence[tuple[str, object]]) -> None:
        """Make changes visible, and count them."""
        for key, item in changes:
            self.changed[key] += 1
            self.staged.pop(key, None)
            if item is None:
                self.items.pop(key, None)
            else:
                self.items[key] = item

    def content(self) -> Iterator[tuple[str, object]]:
        """Keys and items that are visible."""
        return iter(list(self.items.items()))

    async def initial(self) -> Sequence[tuple[str, object]]:
        """A new service is empty."""
        return ()

    def leading(self) -> None:
        """Nothing is to be done when this instance begins to lead."""

    def applied(self, keys: Sequence[str]) -> None:
        """Nothing is to be done when this instance has acknowledged writes."""

    def _key(self, item: object) -> str:
        return self._resources.introspector.primary_key(item)


def transactional_sla(
    *, name: str = "Tests", area: int = 1, model: type = _RECORD.model
) -> ServiceLevelAgreement:
    """Agreement for a sample service with transactions; each node gets an instance of its own.

    Args:
        name: Service name.
        area: Service area.
        model: Model of its items, with ``MyString`` as the key: one of ``l8test.models``.
    """
    return ServiceLevelAgreement(
        name=name,
        area=area,
        handler=TransactionalCountingService,
        model=model,
        primary_keys=("MyString",),
        transactional=True,
    )
