# SPDX-License-Identifier: Apache-2.0
"""What is lost when a node replaces its items by a copy of another member; a synchronous core.

That happens to nobody who was in one group all the time. It happens when a service began twice,
or when both halves of a group went on, as those may whose quorum is ``available``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from l8services._transactions.member import Member
    from l8services._transactions.messages import Page

__all__ = ["dropped"]


def dropped(member: Member, page: Page, remembered: int) -> str:
    """How much was committed here and is unknown to the other member.

    Args:
        member: This node's member, before it takes the copy.
        page: The last page of the copy.
        remembered: How many results a member keeps. When the other one has had more commands than
            that since both were one group, and at least as many batches as this one, what was
            written here only cannot be told from what is forgotten there.

    Returns:
        "3 batches" or "2 commands", "" when nothing is lost as far as can be known.
    """
    if member.lineage and member.lineage != page.view.lineage:
        return _counted(member.outcome.number, "batch", "batches")
    ahead = member.outcome.number - page.outcome.number
    if ahead > 0:
        return _counted(ahead, "batch", "batches")
    return _counted(_unknown(member, page, remembered), "command", "commands")


def _unknown(member: Member, page: Page, remembered: int) -> int:
    """Commands that succeeded here and are not among those that the other member remembers."""
    there = {result.id for result in page.results}
    here = member.results.all()
    shared = [place for place, result in enumerate(here) if result.id in there]
    if not shared and len(there) >= remembered:
        return 0
    # What is older than the first command that both know may have been forgotten there.
    begin = shared[0] if shared and len(there) >= remembered else 0
    return sum(not result.error and result.id not in there for result in here[begin:])


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}" if count else ""
