# SPDX-License-Identifier: Apache-2.0
"""What a new leader concludes from what it is told; a synchronous core.

Whatever an earlier leader may have told a client has to be found again: a batch was acknowledged
only when all members of the view had prepared it, and of those members a quorum is heard here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from l8services._transactions.messages import Outcome, Pending, Promised
from l8services._transactions.views import View, address_of, has_quorum, missing_members

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from l8types.enums import Quorum

__all__ = ["Findings", "inquire", "verdict"]


_BEGINNING: Final = Outcome()


@dataclass(frozen=True, slots=True)
class Findings:
    """The state of the group.

    Attributes:
        view: The last view, ``None`` when there never was one.
        members: Ids of its members that promised and have what was decided.
        quorum: Whether they may speak for the view.
        proposed: A successor that may have been agreed on already, to be completed first.
        outcome: The outcome that closes what was open.
        addresses: Where members are now.
        missing: Nodes of the members that did not promise.
        doubtful: Whether ``outcome`` commits a batch with items whose holders are all missing: it
            is not known whether one of them had prepared it.
    """

    view: View | None = None
    members: tuple[str, ...] = ()
    quorum: bool = False
    proposed: View | None = None
    outcome: Outcome = _BEGINNING
    addresses: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    doubtful: bool = False

    @property
    def sources(self) -> tuple[str, ...]:
        """Nodes from which a complete copy can be had."""
        return tuple(self.addresses[member] for member in self.members)


def inquire(replies: Mapping[str, Promised], rule: Quorum, view: View | None = None) -> Findings:
    """Draw the conclusions.

    Args:
        replies: What the nodes answered, refusals among them.
        rule: Who may go on.
        view: The last view where it is known better than the nodes know it.
    """
    view = view or _last_view(replies.values())
    if view is None:
        return Findings()
    candidates = {
        reply.member: reply
        for reply in replies.values()
        if reply.granted and reply.member in view.members and _belongs(reply, view)
    }
    if not candidates:
        return Findings(view, missing=_nodes(view, ()))
    decided = max((reply.outcome for reply in candidates.values()), key=lambda o: o.number)
    members = {
        name: reply
        for name, reply in candidates.items()
        if reply.outcome == decided or reply.outcome.number == decided.number - 1
    }
    ordered = tuple(member for member in view.members if member in members)
    outcome, doubtful = _closing(members.values(), decided, replies.values())
    return Findings(
        view,
        ordered,
        has_quorum(view, members, rule),
        _proposed(members.values(), view),
        outcome,
        {reply.member: address for address, reply in replies.items()},
        _nodes(view, members),
        doubtful,
    )


def verdict(refusals: Sequence[Sequence[bool]]) -> bool:
    """Whether a batch is committed: all members judge each of its commands in the same way.

    Args:
        refusals: Per member, which of the commands it refused. One that all refuse changed nothing.
    """
    return all(tuple(judged) == tuple(refusals[0]) for judged in refusals)


def _last_view(replies: Iterable[Promised]) -> View | None:
    known = [reply for reply in replies if reply.view is not None]
    if not known:
        return None
    # Of several lines that began without knowing of each other, the one that was founded, since
    # only that has writes; of several such ones, the one with the most writes.
    best = max(known, key=lambda r: (_founded(r), r.outcome.number, _lineage(r)))
    views = [reply.view for reply in known if _lineage(reply) == _lineage(best)]
    return max((view for view in views if view), key=lambda view: (view.number, view.members))


def _lineage(reply: Promised) -> str:
    return "" if reply.view is None else reply.view.lineage


def _founded(reply: Promised) -> bool:
    """Whether the line of a member is founded, or may be without its knowing."""
    views = (reply.view, reply.accepted and reply.accepted[1])
    return any(view.founded for view in views if view is not None)


def _belongs(reply: Promised, view: View) -> bool:
    known = reply.view
    if known is None or known.lineage != view.lineage:
        return False
    return known == view or known.number < view.number


def _proposed(replies: Iterable[Promised], view: View) -> View | None:
    accepted = [r.accepted for r in replies if r.accepted is not None and r.view == view]
    return max(accepted, key=lambda pair: pair[0])[1] if accepted else None


def _closing(
    members: Iterable[Promised], decided: Outcome, replies: Iterable[Promised]
) -> tuple[Outcome, bool]:
    """The outcome to begin with: what all have prepared is committed, all else is rolled back.

    Returns:
        The outcome, and whether it is doubtful.
    """
    everyone = tuple(members)
    number = decided.number + 1
    prepared = [r.pending for r in everyone if r.pending is not None and r.pending.number == number]
    if len(prepared) < len(everyone) or len({pending.ids for pending in prepared}) > 1:
        return decided, False
    if not verdict([pending.refused for pending in prepared]):
        # A batch of one that was refused by some is rolled back; clients may have been told so.
        return decided, False
    held = _held(prepared[0], replies)
    return (decided, False) if held is False else (Outcome(number, committed=True), held is None)


def _held(batch: Pending, replies: Iterable[Promised]) -> bool | None:
    """Whether each item of a batch has a holder that prepared it; ``None`` when nobody knows.

    Whoever answers counts, also one that is no member of the view any more: a batch that no holder
    of an item has prepared was never acknowledged.
    """
    has = {reply.member: _has(reply, batch) for reply in replies}
    known: list[bool | None] = []
    for group in batch.groups:
        answers = [has.get(holder) for holder in group]
        known.append(True if True in answers else None if None in answers else False)
    if False in known:
        return False
    return None if None in known else True


def _has(reply: Promised, batch: Pending) -> bool:
    pending = reply.pending
    if pending is not None and pending.number == batch.number:
        return (pending.ids, pending.refused) == (batch.ids, batch.refused)
    return reply.outcome.number >= batch.number and reply.outcome.committed


def _nodes(view: View, present: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(address_of, missing_members(view, tuple(present))))
