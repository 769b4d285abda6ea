# SPDX-License-Identifier: Apache-2.0
"""The times and limits of a transaction group."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Timing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Times in seconds. The defaults suit a network of one site."""

    member_timeout: float = 2.0
    """How long a member may take for a batch before the group goes on without it."""
    told_patience: float = 0.15
    """How long members may leave an order unanswered that was told to all at once, before each of
    them is asked by itself."""
    answer_patience: float = 0.5
    """How long a client's node waits for what becomes of a write that it told the leader, before it
    asks. What is lost with a node that leaves is noticed sooner."""
    round_timeout: float = 1.0
    """How long a new leader waits for those who do not answer."""
    retry: float = 0.3
    """Pause before a round that failed is repeated, and between two invitations to join."""
    notice_delay: float = 0.02
    """How long the outcome of the last batch waits for a next batch to travel with."""
    lease: float = 0.5
    """How long members keep their word to a leader; reads need no round meanwhile, and another
    leader has to wait for the end of it."""
    hold: float = 0.5
    """How long writes wait for a node that is about to join."""
    patience: float = 5.0
    """How long clients wait for a leader that has lost too many members."""
    repair_after: float = 1.0
    """How long a replicated service waits for members that are away before it copies what they
    hold; a member that comes back sooner costs nothing."""
    holders_patience: float = 10.0
    """How long a new leader of a replicated service waits for all holders of an item that was being
    written when the old one was lost, before it goes on without them. Nobody else can tell whether
    that write was acknowledged."""
    repair_step: int = 256
    """Keys of a replicated service that get other holders in one step; writes go on in between."""
    balance_after: float = 3.0
    """How long after the begin of a repair keys of a replicated service are moved to members that
    hold fewer: these have been the same ones for so long."""
    balance_step: int = 64
    """Keys that are moved to other members in one step."""
    balance_pause: float = 0.05
    """Pause between two such steps, so that writes and reads have the most of the time."""
    batch_limit: int = 256
    """Commands that are decided together."""
    batch_bytes: int = 1_048_576
    """Bytes of commands above which a batch takes no further one."""
    queue_limit: int = 10_000
    """Commands that wait at the leader; further ones are refused."""
    remembered: int = 4096
    """Commands whose results are kept for clients that ask again."""
    page_size: int = 500
    """Items per page of a copy."""
    compact_bytes: int = 8_388_608
    """Size of a journal above which it is written anew, when that makes it half as large."""
