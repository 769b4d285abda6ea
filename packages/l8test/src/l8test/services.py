# SPDX-License-Identifier: Apache-2.0
"""Sample services: handlers that count what they are asked and answer with what they were given."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from l8types.enums import Action
from l8types.errors import ConflictError
from l8types.sla import ServiceLevelAgreement

if TYPE_CHECKING:
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call

__all__ = ["CountingService", "counting_sla"]


class CountingService:
    """A service without data: counts calls by action and echoes their content.

    Attributes:
        instance: What tells it from others: the argument ``instance`` of its agreement, else the
            alias of its node; "" before it is activated.
        counts: Calls by the verb that was called, those that failed on purpose included.
        calls: Circumstances of the calls, in order.
        failing: Whether the five verbs raise ``ConflictError``.
        activations: How often it was activated.
        deactivations: How often it was deactivated.
        undelivered: Messages of the service that came back.
    """

    def __init__(self) -> None:
        self.instance = ""
        self.counts: Counter[Action] = Counter()
        self.calls: list[Call] = []
        self.failing = False
        self.activations = 0
        self.deactivations = 0
        self.undelivered = 0

    def reset(self) -> None:
        """Forget all calls and stop failing; the life cycle stays counted."""
        self.counts.clear()
        self.calls.clear()
        self.failing = False
        self.undelivered = 0

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Count the activation, and learn which instance this is."""
        self.activations += 1
        self.instance = str(sla.arguments.get("instance") or vnic.alias)

    async def deactivate(self) -> None:
        """Count the deactivation."""
        self.deactivations += 1

    async def post(self, elements: Elements, call: Call) -> Elements:
        """Count and echo."""
        return self._echo(Action.POST, elements, call)

    async def put(self, elements: Elements, call: Call) -> Elements:
        """Count and echo."""
        return self._echo(Action.PUT, elements, call)

    async def patch(self, elements: Elements, call: Call) -> Elements:
        """Count and echo."""
        return self._echo(Action.PATCH, elements, call)

    async def delete(self, elements: Elements, call: Call) -> Elements:
        """Count and echo."""
        return self._echo(Action.DELETE, elements, call)

    async def get(self, elements: Elements, call: Call) -> Elements:
        """Count and echo."""
        return self._echo(Action.GET, elements, call)

    async def notify(self, elements: Elements, call: Call) -> None:
        """Count; notifications never fail on purpose."""
        self.counts[Action.NOTIFY] += 1
        self.calls.append(call)

    async def failed(self, elements: Elements, call: Call) -> None:
        """Count a message that came back."""
        self.undelivered += 1

    def _echo(self, verb: Action, elements: Elements, call: Call) -> Elements:
        # The verb that was called counts, which a faulty caller need not have told.
        self.counts[verb] += 1
        self.calls.append(call)
        if self.failing:
            raise ConflictError(f"{call.key} was told to fail on {verb.name}")
        return elements


def counting_sla(
    service: CountingService | None = None, *, name: str = "Tests", area: int = 0
) -> ServiceLevelAgreement:
    """Agreement for a counting service.

    Args:
        service: The instance to activate; by default each activation makes one of its own.
        name: Service name.
        area: Service area.
    """
    if service is None:
        return ServiceLevelAgreement(name=name, area=area, handler=CountingService)
    instance = service
    return ServiceLevelAgreement(name=name, area=area, handler=lambda: instance)
