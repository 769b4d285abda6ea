# SPDX-License-Identifier: Apache-2.0
"""What a leader wants to be done."""

from __future__ import annotations

import msgspec

from l8services._transactions.messages import Accept, Joined, Order, Outcome, Promise, Refused
from l8services._transactions.views import View

__all__ = [
    "Admit",
    "Copy",
    "Decide",
    "Effect",
    "Grant",
    "Lead",
    "Reject",
    "Resolve",
    "Send",
    "Tell",
]


class Send(msgspec.Struct, frozen=True):
    """Send a message to a node, this one included, and tell the leader the answer or the loss."""

    address: str
    message: Promise | Accept | Order
    timeout: float


class Tell(msgspec.Struct, frozen=True):
    """Tell all nodes of the service an order at once.

    Members answer with messages of their own, which the leader is told. What is lost is lost.
    """

    order: Order


class Decide(msgspec.Struct, frozen=True):
    """Carry out the outcome on this node, before what follows."""

    outcome: Outcome


class Resolve(msgspec.Struct, frozen=True):
    """The command has its result: what this member remembers, or ``error`` (``code: message``)."""

    id: str
    error: str = ""
    member: str = ""
    """The member that refused it, "" when all agree."""


class Reject(msgspec.Struct, frozen=True):
    """The command was not done."""

    id: str
    error: str
    """``code: message``."""
    leader: str = ""
    """Who may do it."""


class Grant(msgspec.Struct, frozen=True):
    """The read may be answered from this node, or not: ``error`` says why."""

    token: int
    error: str = ""


class Admit(msgspec.Struct, frozen=True):
    """Answer to a node that wants to join; without a message it gets the rest of the changes."""

    member: str
    message: Joined | Refused | None


class Copy(msgspec.Struct, frozen=True):
    """Become a copy of this node and tell the leader."""

    source: str


class Lead(msgspec.Struct, frozen=True):
    """This view is in force. The office ``began`` with it, or even the group was ``founded``."""

    view: View
    began: bool = False
    founded: bool = False


Effect = Send | Tell | Decide | Resolve | Reject | Grant | Admit | Copy | Lead
