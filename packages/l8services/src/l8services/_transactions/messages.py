# SPDX-License-Identifier: Apache-2.0
"""What the members of a transaction group tell each other, and its bytes.

A message is one value of bytes in an ordinary container, MessagePack inside; the transaction part
of the overlay message has the state and the epoch beside it.
"""

from __future__ import annotations

from typing import Final, cast

import msgspec

from l8services._transactions.views import Ballot, View
from l8types.errors import DecodeError

__all__ = [
    "Accept",
    "Accepted",
    "Answered",
    "Batch",
    "Change",
    "Command",
    "Ended",
    "Fetch",
    "Forget",
    "Given",
    "Heard",
    "Joined",
    "Leave",
    "Leaving",
    "Look",
    "Message",
    "Order",
    "Ordered",
    "Outcome",
    "Page",
    "Pending",
    "Promise",
    "Promised",
    "Ready",
    "Refused",
    "Result",
    "Share",
    "Submit",
    "Submits",
    "Tail",
    "Track",
    "Tracked",
    "Want",
    "decode",
    "encode",
]

Change = tuple[str, bytes | None]
"""Key and encoded new item of it, ``None`` when it is gone."""


class _Struct(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Compact on the wire."""


class _Message(msgspec.Struct, frozen=True, array_like=True, tag=True, gc=False):
    """The same with the name of its kind in front."""


class Command(_Struct, frozen=True):
    """One write of a client, as it came."""

    id: str
    """Made by the node that the client asked; the same when it asks again."""
    action: int
    identity: str
    data: bytes
    """The encoded container."""


class Batch(_Struct, frozen=True):
    """Commands that are decided together."""

    number: int
    """Place in the order of all batches, from 1."""
    commands: tuple[Command, ...]


class Outcome(_Struct, frozen=True):
    """What became of a batch."""

    number: int = 0
    committed: bool = True


class Result(_Struct, frozen=True):
    """What a member answers to one command."""

    id: str
    answer: bytes = b""
    """The encoded answer, empty for a command that was refused."""
    error: str = ""
    """``code: message`` of a refusal."""


class Pending(_Struct, frozen=True):
    """A batch that a member has prepared and does not know the outcome of."""

    number: int
    ballot: Ballot
    ids: tuple[str, ...]
    refused: tuple[bool, ...]
    """Which of its commands were refused."""
    groups: tuple[tuple[str, ...], ...] = ()
    """Of a replicated service: ids of the members that hold an item, for each set of them. It is
    lost where none of a set has prepared the batch."""


# Of the leader, or of one who wants to be


class Promise(_Message, frozen=True):
    """Who are you, what do you have, and will you refuse lesser ballots from now on?"""

    ballot: Ballot


class Accept(_Message, frozen=True):
    """Shall this view follow that one?"""

    ballot: Ballot
    base: View
    view: View


class Order(_Message, frozen=True):
    """The outcome of the last batch, and the next one to prepare."""

    ballot: Ballot
    number: int
    """Of the view."""
    outcome: Outcome
    batch: Batch | None = None
    view: View | None = None
    """The view, for those who may not know it yet."""
    serial: int = 0
    """Tells the orders of a ballot apart, for answers that come as messages of their own."""


class Promised(_Message, frozen=True):
    """Answer to :class:`Promise`, the present state in any case."""

    granted: bool
    promised: Ballot
    member: str
    view: View | None = None
    accepted: tuple[Ballot, View] | None = None
    outcome: Outcome = Outcome()
    pending: Pending | None = None
    wait: float = 0.0
    """Seconds for which another leader still has the word of this member."""


class Accepted(_Message, frozen=True):
    """Answer to :class:`Accept`."""

    granted: bool
    promised: Ballot


class Ordered(_Message, frozen=True):
    """Answer to :class:`Order`: done and prepared."""

    number: int
    """Of the batch, 0 when there was none."""
    errors: tuple[str, ...] = ()
    """Per command, "" for one that is good."""


class Refused(_Message, frozen=True):
    """Answer to an order that cannot be followed, or to a client of no leader."""

    promised: Ballot
    reason: str
    """``code: message`` as in a container."""
    behind: bool = False
    """Whether this member has missed something, or was no member at all."""
    leader: str = ""
    """Node id of who may know better."""


class Heard(_Message, frozen=True):
    """Answer to an order that was told to all members at once, as a message of its own."""

    ballot: Ballot
    serial: int
    """Of the order."""
    reply: Ordered | Refused


# Of a node that wants to join


class Fetch(_Message, frozen=True):
    """The next items, please; ``start`` begins a copy."""

    member: str
    start: bool


class Ready(_Message, frozen=True):
    """I have everything up to this batch."""

    member: str
    lineage: str
    number: int


class Page(_Message, frozen=True):
    """Some items of a copy, at a number not above that of the changes that follow."""

    items: tuple[Change, ...]
    more: bool
    number: int
    """What the changes must begin behind."""
    view: View
    outcome: Outcome
    results: tuple[Result, ...] = ()
    """What is remembered of earlier commands, with the last page."""


class Tail(_Message, frozen=True):
    """What was written since, to be applied in order."""

    outcome: Outcome
    changes: tuple[tuple[Change, ...], ...]
    results: tuple[Result, ...]


class Joined(_Message, frozen=True):
    """You are a member of this view."""

    view: View


# Of a node with a client


class Submit(_Message, frozen=True):
    """A write or a read for the leader."""

    command: Command
    told: bool = False
    """Whether it was told before, and no answer came: it may have happened long ago."""


class Submits(_Message, frozen=True):
    """Writes for the leader; what becomes of them is told as :class:`Ended`."""

    commands: tuple[Command, ...]
    limits: tuple[float, ...]
    """Seconds that each of them has."""


class Answered(_Message, frozen=True):
    """Its result."""

    result: Result


class Ended(_Message, frozen=True):
    """What became of writes, by the ids of their commands."""

    answers: tuple[tuple[str, Answered | Refused], ...]


# Of a node whose client wants to know how far a write is


class Track(_Message, frozen=True):
    """Where do these transactions stand? None of them stands for all that have not ended."""

    ids: tuple[str, ...]


class Tracked(_Message, frozen=True):
    """Answer to :class:`Track`: an encoded ``L8Transaction`` of each that is known."""

    transactions: tuple[bytes, ...]


# Between the members of a replicated service


class Look(_Message, frozen=True):
    """Answer a read from your items, after you have done what this order says."""

    order: Order
    command: Command
    replica: int | None = None
    """Number of the replica that is asked by key; ``None`` asks for the share of a query."""
    key: str | None = None
    """The only key that the share is to be about; ``None`` for all that the member is first of."""


class Share(_Message, frozen=True):
    """Answer to a :class:`Look` for a share."""

    result: Result
    missing: int = 0
    """How many keys this member cannot answer for, though it should."""


class Want(_Message, frozen=True):
    """The entries of these keys with their items, please; the leader gets them from others."""

    keys: tuple[str, ...]


class Given(_Message, frozen=True):
    """Those of them that could be had."""

    items: tuple[Change, ...]


class Forget(_Message, frozen=True):
    """Let these keys be forgotten, since nobody who has their items will come back."""

    keys: tuple[str, ...]


class Leave(_Message, frozen=True):
    """I am about to leave: let others hold what I hold."""

    member: str


class Leaving(_Message, frozen=True):
    """So many keys you still have to hold."""

    left: int


Message = (
    Promise
    | Accept
    | Order
    | Promised
    | Accepted
    | Ordered
    | Refused
    | Heard
    | Fetch
    | Ready
    | Page
    | Tail
    | Joined
    | Submit
    | Submits
    | Ended
    | Answered
    | Track
    | Tracked
    | Look
    | Share
    | Want
    | Given
    | Forget
    | Leave
    | Leaving
)

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Message)


def encode(message: Message) -> bytes:
    """Bytes of a message."""
    return _encoder.encode(message)


def decode(data: object) -> Message:
    """The message of the bytes.

    Raises:
        DecodeError: They are none.
    """
    if not isinstance(data, bytes):
        raise DecodeError(f"a transaction message came as {type(data).__name__}, not as bytes")
    try:
        return cast("Message", _decoder.decode(data))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(f"{len(data)} bytes are no transaction message: {error}") from error
