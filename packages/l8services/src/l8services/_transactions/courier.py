# SPDX-License-Identifier: Apache-2.0
"""Carries the messages of a group over the overlay network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8services._transactions.messages import (
    Message,
    Order,
    Submit,
    decode,
    encode,
)
from l8types.enums import Action, MulticastMode, TransactionState
from l8types.values import Message as Envelope
from l8types.values import ServiceKey, Transaction

if TYPE_CHECKING:
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic

__all__ = ["Courier"]


class Courier:
    """Sends messages of one service and reads the answers.

    Args:
        key: The service.
        vnic: The way to the other nodes.
    """

    def __init__(self, key: ServiceKey, vnic: VNic) -> None:
        self._key = key
        self._vnic = vnic
        self._elements = vnic.resources.elements
        self.nothing = self._elements.of()
        """What the network is handed for a message that has no answer."""

    async def ask(self, address: str, message: Message, timeout: float) -> Message:
        """Send a message to a node and return its answer.

        Raises:
            L8Error: No answer came, or none that is understood.
        """
        envelope = Envelope(
            service=self._key.name,
            area=self._key.area,
            action=Action.HANDLE,
            request=True,
            timeout=timeout,
            transaction=_part(message),
        )
        payload = self._elements.of(encode(message))
        answer = await self._vnic.forward(envelope, payload, address, timeout=timeout)
        return decode(answer.first)

    async def tell(self, message: Message) -> None:
        """Send a message to all nodes of the service at once; there is no answer to it.

        Raises:
            L8Error: There is no connection to the network.
        """
        await self.post(MulticastMode.ALL, message)

    async def post(self, target: str | MulticastMode, message: Message) -> None:
        """Send a message that has no answer.

        Raises:
            L8Error: There is no connection to the network.
        """
        key = self._key
        payload = self._elements.of(encode(message))
        await self._vnic.send(target, key.name, key.area, Action.HANDLE, payload)

    def read(self, elements: Elements) -> Message:
        """The message in a container.

        Raises:
            DecodeError: There is none.
        """
        return decode(elements.first)

    def pack(self, message: Message) -> Elements:
        """A container with a message."""
        return self._elements.of(encode(message))


def _part(message: Message) -> Transaction:
    """What the header tells of it: the state of the transactions in it, and the term."""
    match message:
        case Submit():
            return Transaction(TransactionState.CREATED, id=message.command.id)
        case Order() if message.batch is not None:
            return Transaction(TransactionState.RUNNING, epoch=message.ballot[0])
        case Order() if message.outcome.committed:
            return Transaction(TransactionState.COMMITTED, epoch=message.ballot[0])
        case Order():
            return Transaction(TransactionState.ROLLBACK, epoch=message.ballot[0])
        case _:
            return Transaction(TransactionState.NOT_A_TRANSACTION)
