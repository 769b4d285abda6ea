# SPDX-License-Identifier: Apache-2.0
"""Who takes part: views of the group, and how many of a view may speak for it.

Each view is agreed on by a quorum of the one before, so there is one line of views. Any two quorums
of a view share a member: both have more than half of it, or one has exactly half with the first
member, whom the other half lacks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from l8types.enums import Quorum

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = [
    "NO_BALLOT",
    "Ballot",
    "View",
    "address_of",
    "has_quorum",
    "may_found",
    "missing_members",
]

Ballot = tuple[int, str]
"""Number and node of a term of office; a greater one fences off the lesser ones."""

NO_BALLOT: Final[Ballot] = (0, "")


class View(msgspec.Struct, frozen=True, array_like=True):
    """A generation of the group."""

    lineage: str
    """Names the first view that this one goes back to."""
    number: int
    members: tuple[str, ...]
    """Ids, in the order in which they joined; the first one decides between halves. An id is the
    node on which the member began, with a mark; a member that lost its memory is another one."""
    founded: bool = True
    """Whether enough nodes know of this line for it to be the only one; before that it neither
    takes writes nor answers reads, so nothing is lost when it gives way to another one."""


def address_of(member: str) -> str:
    """Node on which a member began; it is elsewhere when that started again under another id."""
    return member.partition("#")[0]


def has_quorum(view: View, present: Collection[str], rule: Quorum) -> bool:
    """Whether some members may speak for the view."""
    count = sum(member in present for member in view.members)
    if rule is Quorum.AVAILABLE:
        return count > 0
    if 2 * count == len(view.members):
        return view.members[0] in present
    return 2 * count > len(view.members)


def may_found(view: View, following: View, accepted: Collection[str], needed: int) -> bool:
    """Whether the step from one view to the next is none that founds, or enough agree to found.

    Args:
        view: The view in force.
        following: Its successor.
        accepted: Ids of members of the view that agree.
        needed: How many have to know of a line before it may take writes.
    """
    if view.founded or not following.founded:
        return True
    return sum(member in accepted for member in view.members) >= needed


def missing_members(view: View, present: Collection[str]) -> tuple[str, ...]:
    """Ids of the members that are not there."""
    return tuple(member for member in view.members if member not in present)
