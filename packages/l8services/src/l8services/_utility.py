# SPDX-License-Identifier: Apache-2.0
"""What the handlers without a model of their own have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from l8types.errors import ClosedError, InvalidInputError

if TYPE_CHECKING:
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Call
    from l8types.sla import ServiceLevelAgreement

__all__ = ["UtilityHandler", "request_of"]

T = TypeVar("T")


class UtilityHandler:
    """A handler that refuses every verb; subclasses take those that they serve."""

    def __init__(self) -> None:
        self._vnic: VNic | None = None

    @property
    def vnic(self) -> VNic:
        """The interface of the node that it is active on."""
        if self._vnic is None:
            raise ClosedError("the service is not active; activate it first")
        return self._vnic

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Get ready to serve."""
        self._vnic = vnic

    async def deactivate(self) -> None:
        """Serve no longer."""
        self._vnic = None

    async def post(self, elements: Elements, call: Call) -> Elements:
        """Not served."""
        raise _refusal(call)

    async def put(self, elements: Elements, call: Call) -> Elements:
        """Not served."""
        raise _refusal(call)

    async def patch(self, elements: Elements, call: Call) -> Elements:
        """Not served."""
        raise _refusal(call)

    async def delete(self, elements: Elements, call: Call) -> Elements:
        """Not served."""
        raise _refusal(call)

    async def get(self, elements: Elements, call: Call) -> Elements:
        """Not served."""
        raise _refusal(call)

    async def notify(self, elements: Elements, call: Call) -> None:
        """Not served."""
        raise _refusal(call)

    async def failed(self, elements: Elements, call: Call) -> None:
        """A message came back; whoever sent it was told already."""


def request_of(elements: Elements, model: type[T], call: Call) -> T:
    """The one request of a call.

    Raises:
        InvalidInputError: There is none, more than one, or one of another type.
    """
    values = elements.values
    if len(values) != 1 or not isinstance(values[0], model):
        found = ", ".join(type(value).__name__ for value in values) or "nothing"
        raise InvalidInputError(
            f"service {call.key} takes one {model.__name__} on {call.action.name}, not {found}"
        )
    return values[0]


def _refusal(call: Call) -> InvalidInputError:
    return InvalidInputError(f"service {call.key} does not serve {call.action.name}")
