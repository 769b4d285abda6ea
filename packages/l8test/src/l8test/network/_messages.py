# SPDX-License-Identifier: Apache-2.0
"""Counts the messages that reach the services of a network."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from l8types.enums import Action
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import Services
    from l8types.values import Message, ServiceKey

__all__ = ["CountedServices", "MessageCounter", "Received"]


class Received(NamedTuple):
    """What messages are told apart by."""

    node: str
    """Alias of the node that it reached."""
    service: ServiceKey
    action: Action


class MessageCounter:
    """Messages that reached the service managers of some nodes, whatever came of them.

    Replies, and what switches and interfaces tell each other, are not among them.

    Attributes:
        counts: How many, by what they were.
    """

    def __init__(self) -> None:
        self.counts: Counter[Received] = Counter()

    def total(
        self,
        *,
        node: str | None = None,
        service: ServiceKey | None = None,
        action: Action | None = None,
    ) -> int:
        """How many there were; each argument that is given leaves the others out."""
        return sum(
            count
            for one, count in self.counts.items()
            if node in {None, one.node}
            and service in {None, one.service}
            and action in {None, one.action}
        )

    def clear(self) -> None:
        """Begin anew."""
        self.counts.clear()


class CountedServices:
    """The service manager of a node, with a counter at its entry.

    It is made before the manager, which :attr:`inner` is set to; everything else passes on to it.

    Args:
        counter: Where messages are counted.
        node: Alias of the node.
    """

    inner: Services

    def __init__(self, counter: MessageCounter, node: str) -> None:
        self._counter = counter
        self._node = node

    def as_services(self) -> Services:
        """This, as what it stands for."""
        return cast("Services", self)

    async def handle(self, elements: Elements, message: Message, vnic: VNic) -> Elements | None:
        """Count a message and pass it on."""
        self._count(message)
        return await self.inner.handle(elements, message, vnic)

    def stream(self, elements: Elements, message: Message, vnic: VNic) -> AsyncIterator[Elements]:
        """The same for a request whose answer is read in parts."""
        self._count(message)
        return self.inner.stream(elements, message, vnic)

    def __getattr__(self, name: str) -> object:
        """Everything else is the manager's."""
        if name == "inner":
            raise AttributeError("the service manager is not there yet")
        return getattr(self.inner, name)

    def _count(self, message: Message) -> None:
        self._counter.counts[Received(self._node, message.key, message.action)] += 1
