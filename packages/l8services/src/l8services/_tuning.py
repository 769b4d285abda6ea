# SPDX-License-Identifier: Apache-2.0
"""The times and limits by which the instances of a service keep in agreement."""

from __future__ import annotations

from dataclasses import dataclass

from l8types.errors import ConfigurationError

__all__ = ["Tuning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Times in seconds, sizes in items. The defaults suit a network of one site."""

    page_size: int = 500
    """Items per page when a copy is fetched from another instance."""
    request_timeout: float = 15.0
    """How long one page may take."""
    recovery_timeout: float = 60.0
    """How long fetching all items from one instance may take before the next one is asked."""
    resync_delay: float = 0.2
    """How long missing changes may be late before they are fetched; collects several causes."""
    resync_interval: float = 1.0
    """Shortest time between two complete fetches from the same instance."""
    resync_retry_max: float = 10.0
    """Longest pause before a failed fetch is tried again."""
    beacon_interval: float = 1.0
    """Pause after the last change until the count of changes is told, so that the loss of the last
    one is noticed; doubles with every repetition."""
    beacon_interval_max: float = 30.0
    """Longest pause between two tellings."""
    digest_interval: float = 1.0
    """Pause between two comparisons of what instances keep; with three of them a difference that
    no count of changes shows is found and repaired everywhere."""
    digest_timeout: float = 2.0
    """How long another instance may take to tell its digests."""
    outbox_limit: int = 10_000
    """Changes that wait to be sent; above it the oldest are dropped and fetched by the others."""
    send_batch: int = 256
    """Changes that travel in one message, when so many wait; always 1 in the ``go`` profile."""
    rebase_window: float = 5.0
    """How long an own change is remembered, to be repeated when a concurrent one replaced it."""
    flush_batch: int = 500
    """Items that are stored between two looks at the clock."""
    flush_retry: float = 0.2
    """First pause after the store refused; doubles with every repetition."""
    flush_retry_max: float = 30.0
    """Longest pause before the store is tried again."""
    close_timeout: float = 5.0
    """How long deactivation waits for what is still to be sent, and again to be stored."""
    live_limit: int = 1000
    """Different live answers that a service keeps; equal ones of one caller count once."""
    live_linger: float = 60.0
    """How long a live answer is kept that nobody reads, so that a reader who comes back is told
    only what it missed."""
    live_pulse: float = 5.0
    """Silence after which the reader of a live answer gets a sign of life."""
    live_interval: float = 0.02
    """Pause between two updates of one reader of a live answer; changes in it are told together."""
    live_recheck: float = 10.0
    """How often it is asked again whether the reader of a live answer may read it."""
    watch_time: float = 300.0
    """How long a caller who asked to be told of changes is told, until it asks again."""

    def __post_init__(self) -> None:
        for name in ("page_size", "outbox_limit", "send_batch", "flush_batch", "live_limit"):
            value = getattr(self, name)
            if value < 1:
                raise ConfigurationError(f"{name} is {value}, it must be at least 1")
