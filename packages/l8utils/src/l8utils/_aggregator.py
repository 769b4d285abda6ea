# SPDX-License-Identifier: Apache-2.0
"""Collects messages for the same destination and sends them together."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from google.protobuf.message import Message

from l8types.enums import Action, MulticastMode
from l8types.errors import (
    ClosedError,
    InvalidInputError,
    L8Error,
    OverloadedError,
    UnavailableError,
)
from l8types.protocols.net import Target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Protocol, Self

    from l8types.protocols.net import Requester, Sender

    class Network(Sender, Requester, Protocol):
        """What the aggregator needs of an interface to the network."""


DEFAULT_INTERVAL: Final = 5.0
DEFAULT_TIMEOUT: Final = 30.0
DEFAULT_BATCH_BYTES: Final = 16_777_216
"""Bytes in one message; far below the largest frame, which also carries names and kinds."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where elements go and what is asked there.

    Attributes:
        service: Name of the service.
        area: Its area.
        action: What is asked.
        target: A node, or how the network picks one.
        request: Whether an answer is waited for, so that its errors are noticed.
    """

    service: str
    area: int = 0
    action: Action = Action.POST
    target: Target = MulticastMode.ALL
    request: bool = False


@dataclass(frozen=True, slots=True)
class AggregatorStatistics:
    """What became of the elements.

    Attributes:
        pending: Elements that wait.
        sent: Elements handed to the network, or answered.
        batches: Messages that carried them.
        failed: Elements that were given up after an error.
    """

    pending: int
    sent: int
    batches: int
    failed: int


class Aggregator:
    """Batches elements per destination; an async context manager that owns its task.

    Elements leave in the order in which they came; a batch ends where the destination changes. They
    leave after ``interval``, earlier when ``batch_size`` of them wait, and when the block is left.
    A batch that finds the network unavailable is kept for the next time; any other error is logged
    and its batch given up, since it may have arrived.

    Args:
        network: The interface to send through.
        interval: Seconds that elements are collected.
        timeout: Seconds to wait for the answer of a request.
        batch_size: Elements in one message at most.
        batch_bytes: Bytes of one message at most, counted for protobuf messages, bytes and texts;
            a larger element goes alone.
        max_pending: Elements that may wait.

    Raises:
        InvalidInputError: A number that makes no sense.
    """

    def __init__(
        self,
        network: Network,
        *,
        interval: float = DEFAULT_INTERVAL,
        timeout: float = DEFAULT_TIMEOUT,
        batch_size: int = 1000,
        batch_bytes: int = DEFAULT_BATCH_BYTES,
        max_pending: int = 100_000,
    ) -> None:
        if interval <= 0 or timeout <= 0 or not 0 < batch_size <= max_pending:
            raise InvalidInputError(
                f"interval {interval} and timeout {timeout} must be above zero, and batch_size "
                f"{batch_size} between 1 and max_pending {max_pending}"
            )
        self._network = network
        self._interval = interval
        self._timeout = timeout
        self._batch_size = batch_size
        self._batch_bytes = batch_bytes
        self._max_pending = max_pending
        self._pending: deque[tuple[Destination, object]] = deque()
        self._due = asyncio.Event()
        self._open = False
        self._group: asyncio.TaskGroup | None = None
        self._sent = self._batches = self._failed = 0

    async def __aenter__(self) -> Self:
        self._group = await asyncio.TaskGroup().__aenter__()
        self._open = True
        self._group.create_task(self._run(), name="aggregator: flush")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open = False
        self._due.set()
        if self._group is not None:
            await self._group.__aexit__(exc_type, exc, traceback)
        if self._pending:
            _logger.warning("aggregator closes with %d elements not sent", len(self._pending))

    def add(self, element: object, destination: Destination) -> None:
        """Put an element, or each element of a list, in the line.

        Raises:
            ClosedError: Outside of the block.
            OverloadedError: Too many elements wait; none was added.
        """
        if not self._open:
            raise ClosedError("the aggregator takes elements only within its block")
        elements = element if isinstance(element, list) else [element]
        if len(self._pending) + len(elements) > self._max_pending:
            raise OverloadedError(
                f"{len(self._pending)} elements wait already, at most {self._max_pending} may"
            )
        self._pending.extend((destination, one) for one in elements)
        if len(self._pending) >= self._batch_size:
            self._due.set()

    def statistics(self) -> AggregatorStatistics:
        """What became of the elements so far."""
        return AggregatorStatistics(len(self._pending), self._sent, self._batches, self._failed)

    async def _run(self) -> None:
        while self._open:
            try:
                async with asyncio.timeout(self._interval):
                    await self._due.wait()
            except TimeoutError:
                _logger.debug("aggregator sends %d elements", len(self._pending))
            self._due.clear()
            await self._flush()
        # What was added during the last round, just before the block was left.
        await self._flush()

    async def _flush(self) -> None:
        """Send what waits now; what is added meanwhile has its own time."""
        kept: list[tuple[Destination, object]] = []
        for destination, elements in list(self._take_batches()):
            try:
                await self._send(destination, elements)
            except UnavailableError as error:
                _logger.warning("%s is unavailable, trying again: %s", destination.service, error)
                kept.extend((destination, one) for one in elements)
            except L8Error as error:
                _logger.error("%d elements to %s lost: %s", len(elements), destination, error)  # noqa: TRY400
                self._failed += len(elements)
            else:
                self._sent += len(elements)
                self._batches += 1
        self._pending.extendleft(reversed(kept))

    def _take_batches(self) -> Iterator[tuple[Destination, list[object]]]:
        while self._pending:
            destination, first = self._pending.popleft()
            batch, size = [first], _size(first)
            while (
                self._pending
                and len(batch) < self._batch_size
                and self._pending[0][0] == destination
                and (size := size + _size(self._pending[0][1])) <= self._batch_bytes
            ):
                batch.append(self._pending.popleft()[1])
            yield destination, batch

    async def _send(self, destination: Destination, elements: list[object]) -> None:
        to, at = destination.target, (destination.service, destination.area, destination.action)
        if destination.request:
            await self._network.request(to, *at, elements, timeout=self._timeout)
        else:
            await self._network.send(to, *at, elements)


def _size(element: object) -> int:
    """Bytes that an element takes on the wire, roughly; 0 where only encoding it would tell."""
    if isinstance(element, Message):
        return element.ByteSize()
    return len(element) if isinstance(element, (bytes, str)) else 0
