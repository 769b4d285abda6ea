# SPDX-License-Identifier: Apache-2.0
"""Polls one host: waits until a poll is due, asks, hands the outcome on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from collect._catalogue import STATIC, Poll
from collect._hosts import PolledHost
from collect._reachability import Reachability
from collect._schedule import Cadence, Schedule
from l8types.errors import InvalidInputError, L8Error, RemoteError, RequestTimeoutError
from l8types.protocols.collection import PollResult

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from collect._hosts import Access
    from l8types.protocols.collection import CollectorProtocol
    from l8types.protocols.runtime import Clock

__all__ = ["HostWorker", "Outcome", "PollId", "WorkerSettings"]

_log = logging.getLogger(__name__)

_ADDRESS: Final = "address"
_STATUS: Final = "status"
"""What static polls ask."""


class PollId(NamedTuple):
    """A poll of the catalogue."""

    profile: str
    poll: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run of a poll. Times are Unix seconds."""

    host: PolledHost
    poll_id: PollId
    poll: Poll
    started: float
    ended: float = 0.0
    result: PollResult | None = None
    flags: Mapping[int, bool] | None = None
    """Whether each protocol answers; only of the poll of the state."""
    error: str = ""
    failures: int = 0
    """Failures since the last success."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Settings that all workers of a collector share."""

    retry: float = 5.0
    """Seconds until a failed poll is repeated; doubled up to the interval of the poll."""
    failures: int = 3
    """Unanswered polls in a row after which a host counts as offline."""
    interval_scale: float = 1.0
    """Factor on the intervals of all polls; below 1 everything is asked more often."""


class HostWorker:
    """The polls of one host, one after the other.

    Args:
        host: The host.
        polls: What it is asked; polls of protocols that it does not have are left out.
        open_session: Makes the session of a protocol, ready to be entered.
        report: Takes every outcome; must not block.
        limiter: Bounds the polls that run at the same time on this node.
        clock: Time.
        settings: Settings.
    """

    def __init__(
        self,
        host: PolledHost,
        polls: Iterable[tuple[PollId, Poll]],
        *,
        open_session: Callable[[str, Access], Awaitable[CollectorProtocol]],
        report: Callable[[Outcome], None],
        limiter: asyncio.Semaphore,
        clock: Clock,
        settings: WorkerSettings,
    ) -> None:
        self._host = host
        self._polls = {
            key: poll for key, poll in polls if poll.protocol in (STATIC, *host.accesses)
        }
        self._open_session = open_session
        self._report = report
        self._limiter = limiter
        self._clock = clock
        self._settings = settings
        self._schedule = Schedule[PollId]()
        self._reachability = Reachability(settings.failures)
        self._sessions: dict[str, tuple[AsyncExitStack, CollectorProtocol]] = {}
        self._last: dict[PollId, Outcome] = {}

    @property
    def host(self) -> PolledHost:
        """The host."""
        return self._host

    def outcomes(self) -> tuple[Outcome, ...]:
        """The last outcome of every poll; one that runs for the first time has not ended."""
        return tuple(self._last.values())

    async def run(self) -> None:
        """Poll until cancelled."""
        self._report_static(_ADDRESS)
        now = self._clock.monotonic()
        for key, poll in self._polls.items():
            if poll.protocol != STATIC:
                interval = poll.every * self._settings.interval_scale
                self._schedule.add(key, Cadence(interval, self._settings.retry), now=now)
        try:
            while True:
                await self._step()
        finally:
            for name in tuple(self._sessions):
                await self._close(name)

    def report_offline(self) -> None:
        """Report that no protocol answers, since nobody asks any more."""
        for protocol in self._host.accesses:
            self._reachability.give_up(protocol)
        self._report_static(_STATUS)

    async def _step(self) -> None:
        due = self._schedule.next_due()
        if due is None:
            # Nothing to ask: only static polls, or a protocol that no poll uses.
            await asyncio.Event().wait()
            return
        await asyncio.sleep(max(0.0, due - self._clock.monotonic()))
        key = self._schedule.take(self._clock.monotonic())
        if key is None:
            return
        async with self._limiter:
            ok = await self._run(key, self._polls[key])
        self._schedule.finish(key, now=self._clock.monotonic(), ok=ok)

    async def _run(self, key: PollId, poll: Poll) -> bool:
        started = self._clock.now()
        failures = self._schedule.failures(key)
        self._last.setdefault(key, Outcome(self._host, key, poll, started))
        result, error = None, ""
        try:
            async with asyncio.timeout(poll.timeout):
                result = await (await self._session(poll.protocol)).poll(poll.request)
        except L8Error as caught:
            error = str(caught)
            await self._failed(poll, caught)
        except TimeoutError:
            error = f"poll {key.poll!r} did not end within {poll.timeout:g} s"
            await self._failed(poll, RequestTimeoutError(error))
        except Exception as caught:  # noqa: BLE001 - the boundary of a poll
            error = f"{type(caught).__name__}: {caught}"
            _log.exception("poll %s of host %s failed", key.poll, self._host.host_id)
            await self._close(poll.protocol)
        else:
            self._answered(poll.protocol)
        outcome = Outcome(
            self._host,
            key,
            poll,
            started,
            self._clock.now(),
            result,
            error=error,
            failures=failures + 1 if error else 0,
        )
        self._last[key] = outcome
        self._report(outcome)
        return not error

    async def _session(self, protocol: str) -> CollectorProtocol:
        open_one = self._sessions.get(protocol)
        if open_one is None:
            stack = AsyncExitStack()
            session = await self._open_session(protocol, self._host.accesses[protocol])
            await stack.enter_async_context(session)
            open_one = self._sessions[protocol] = (stack, session)
        return open_one[1]

    async def _close(self, protocol: str) -> None:
        stack, _ = self._sessions.pop(protocol, (None, None))
        if stack is not None:
            await stack.aclose()

    def _answered(self, protocol: str) -> None:
        if self._reachability.answered(protocol):
            _log.info("host %s answers by %s", self._host.host_id, protocol)
            self._report_static(_STATUS)

    async def _failed(self, poll: Poll, error: L8Error) -> None:
        """Draw the consequences of a failed poll: a host that answers with an error is there."""
        _log.debug("poll %s of host %s failed: %s", poll.name, self._host.host_id, error)
        if isinstance(error, InvalidInputError):
            return
        if isinstance(error, RemoteError):
            self._answered(poll.protocol)
            return
        await self._close(poll.protocol)
        if self._reachability.failed(poll.protocol):
            _log.warning(
                "host %s does not answer by %s: %s", self._host.host_id, poll.protocol, error
            )
            self._report_static(_STATUS)

    def _report_static(self, what: str) -> None:
        """Report what is known without asking, if the catalogue has a poll that takes it."""
        online = self._reachability.online
        flags = {self._host.accesses[name].number: flag for name, flag in online.items()}
        result = PollResult(values={_ADDRESS: self._host.address})
        for key, poll in self._polls.items():
            if poll.protocol == STATIC and what in poll.ask.values():
                now = self._clock.now()
                outcome = Outcome(self._host, key, poll, now, now)
                if what == _STATUS:
                    outcome = replace(outcome, flags=flags)
                else:
                    outcome = replace(outcome, result=result)
                self._last[key] = outcome
                self._report(outcome)
