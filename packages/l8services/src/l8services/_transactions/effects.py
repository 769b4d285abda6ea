# SPDX-License-Identifier: Apache-2.0
"""What a leader wants to be done."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message to a node, this one included, and tell the leader the answer or the loss."""

    address: str
    message: Promise | Accept | Order
    timeout: float


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell all nodes of the service an order at once.

    Members answer with messages of their own, which the leader is told. What is lost is lost.
    """

    order: Order


@dataclass(frozen=True, slots=True)
class Decide:
    """Carry out the outcome on this node, before what follows."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Resolve:
    """The command has its result: what this member remembers, or ``error`` (``code: message``)."""

    id: str
    error: str = ""
    member: str = ""
    """The member that refused it, "" when all agree."""


@dataclass(frozen=True, slots=True)
class Reject:
    """The command was not done."""

    id: str
    error: str
    """``code: message``."""
    leader: str = ""
    """Who may do it."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The read may be answered from this node, or not: ``error`` says why."""

    token: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Admit:
    """Answer to a node that wants to join; without a message it gets the rest of the changes."""

    member: str
    message: Joined | Refused | None


@dataclass(frozen=True, slots=True)
class Copy:
    """Become a copy of this node and tell the leader."""

    source: str


@dataclass(frozen=True, slots=True)
class Lead:
    """This view is in force. The office ``began`` with it, or even the group was ``founded``."""

    view: View
    began: bool = False
    founded: bool = False


Effect = Send | Tell | Decide | Resolve | Reject | Grant | Admit | Copy | Lead
