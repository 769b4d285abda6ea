# SPDX-License-Identifier: Apache-2.0
"""What messages of elections carry: in the native profile an epoch and the id of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from l8types.enums import Action
from l8types.errors import InvalidInputError
from l8types.protocols.services import ElectionEvent

if TYPE_CHECKING:
    from l8types.protocols.data import Elements, ElementsFactory
    from l8types.protocols.services import ElectionEffect
    from l8types.values import Message

__all__ = ["ELECTIONS", "LIMIT", "REGISTRATIONS", "read", "write"]

ELECTIONS: Final = frozenset(
    Action(number) for number in range(Action.ELECTION_REQUEST, Action.LEADER_CHALLENGE + 1)
)
REGISTRATIONS: Final = frozenset(
    {Action.SERVICE_REGISTER, Action.SERVICE_UNREGISTER, Action.SERVICE_QUERY}
)
LIMIT: Final = 1 << 62
"""Epochs are below it, so that there is always a next one that fits into 63 bits."""


def write(effect: ElectionEffect, elements: ElementsFactory, *, terms: bool) -> Elements:
    """Payload of a message; empty where nodes expect nothing."""
    if not terms:
        return elements.of()
    return elements.of(effect.epoch, effect.named) if effect.named else elements.of(effect.epoch)


def read(message: Message, elements: Elements, *, terms: bool) -> ElectionEvent:
    """Event of a received message.

    Raises:
        InvalidInputError: The payload is not one of an election.
    """
    if not terms:
        return ElectionEvent(message.action, message.source)
    values = tuple(elements.values)
    epoch = values[0] if values else 0
    named = values[1] if len(values) > 1 else ""
    if type(epoch) is not int or not isinstance(named, str) or not 0 <= epoch < LIMIT:
        raise InvalidInputError(
            f"{message.action.name} of {message.source} carries {values!r:.100}, "
            "which is no epoch with a node"
        )
    return ElectionEvent(message.action, message.source, epoch, named)
