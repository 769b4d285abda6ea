# SPDX-License-Identifier: Apache-2.0
"""Posts event records to the service that keeps them.

Posting never waits and never fails because of the network: records wait in a bounded buffer until
the interface is connected. When the buffer is full the oldest go, and are counted.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING, Final

from l8types.enums import Action, MulticastMode, OverflowPolicy
from l8types.errors import ClosedError, InvalidInputError, L8Error, UnavailableError
from l8types.pb import EventRecord
from l8types.pb.l8events_pb2 import EventState
from l8utils._event_record import category_of, record_of
from l8utils._queues import AsyncQueue

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from google.protobuf.message import Message

    from l8types.pb.l8events_pb2 import EventCategory, Severity
    from l8types.protocols.net import VNic
    from l8utils._queues import QueueStatistics

EVENTS_SERVICE: Final = "Events"
EVENTS_AREA: Final = 76
"""Where the ecosystem keeps its events."""

MAX_WAITING: Final = 10_000
"""Records that wait for the network; some hundred bytes each."""

RETRY_DELAY: Final = 1.0
"""Seconds before a record is sent again that nobody took."""

DRAIN_TIMEOUT: Final = 5.0
"""Seconds that leaving the block may take to send what still waits."""

_logger = logging.getLogger(__name__)


class EventPoster:
    """Posts events over an interface; an async context manager that owns its task.

    Leaving the block sends what waits, for a few seconds at most.

    Args:
        vnic: The interface to the network.
        service: Name of the service that keeps events.
        area: Its area.
        max_waiting: Records that may wait for the network.
        retry_delay: Seconds before a record that nobody took is sent again.
        drain_timeout: Seconds that leaving the block may take.
    """

    def __init__(
        self,
        vnic: VNic,
        *,
        service: str = EVENTS_SERVICE,
        area: int = EVENTS_AREA,
        max_waiting: int = MAX_WAITING,
        retry_delay: float = RETRY_DELAY,
        drain_timeout: float = DRAIN_TIMEOUT,
    ) -> None:
        self._vnic = vnic
        self._service = service
        self._area = area
        self._retry_delay = retry_delay
        self._drain_timeout = drain_timeout
        self._waiting: AsyncQueue[EventRecord] = AsyncQueue(
            max_waiting, policy=OverflowPolicy.DROP_OLDEST
        )
        self._group: asyncio.TaskGroup | None = None
        self._task: asyncio.Task[None] | None = None
        self._in_flight = 0

    async def __aenter__(self) -> Self:
        self._group = await asyncio.TaskGroup().__aenter__()
        self._task = self._group.create_task(self._run(), name="events: post")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._waiting.close()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=self._drain_timeout)
            self._task.cancel()
        if self._group is not None:
            await self._group.__aexit__(exc_type, exc, traceback)
        left = len(self._waiting) + self._in_flight
        if left:
            _logger.warning("%d events were not posted, nobody took them", left)

    def statistics(self) -> QueueStatistics:
        """What waits and what was dropped."""
        return self._waiting.statistics()

    async def post(
        self,
        category: EventCategory.ValueType,
        event_type: str,
        severity: Severity.ValueType,
        message: str,
        *,
        source_id: str = "",
        source_name: str = "",
        source_type: str = "",
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """Post one event record; it is in line when this returns.

        Args:
            category: Area of operations.
            event_type: Name of the type within the category.
            severity: How bad it is.
            message: What a person reads.
            source_id: What it is about; by default this node.
            source_name: Its name; by default that of this node.
            source_type: Its type.
            attributes: Whatever else is to be kept; no secrets.

        Raises:
            ClosedError: The block was left.
        """
        self._put(
            EventRecord(
                category=category,
                event_type=event_type,
                severity=severity,
                source_id=source_id or self._vnic.uuid,
                source_name=source_name or ("" if source_id else self._vnic.alias),
                source_type=source_type,
                message=message,
                attributes=attributes or {},
            )
        )

    async def post_event(
        self, event: Message, *, severity: Severity.ValueType | None = None
    ) -> None:
        """Post the message of a category, such as ``AuditEvent``; all its fields are kept.

        Args:
            event: The message.
            severity: How bad it is; by default what the message says, else information, and for
                security a warning.

        Raises:
            InvalidInputError: Not the message of a category.
            ClosedError: The block was left.
        """
        category = category_of(event)
        if category is None:
            raise InvalidInputError(
                f"{event.DESCRIPTOR.name} is no event of a category; use post() for others"
            )
        self._put(record_of(event, category, severity))

    def _put(self, record: EventRecord) -> None:
        record.event_id = record.event_id or str(uuid.uuid4())
        record.state = EventState.EVENT_STATE_NEW
        record.occurred_at = record.occurred_at or int(self._vnic.resources.clock.now())
        dropped = self._waiting.statistics().dropped
        self._waiting.put_nowait(record)
        if dropped == 0 and self._waiting.statistics().dropped:
            _logger.warning("events are dropped: %d wait for the network", len(self._waiting))

    async def _run(self) -> None:
        while True:
            try:
                record = await self._waiting.get()
            except ClosedError:
                return
            self._in_flight = 1
            await self._send(record)
            self._in_flight = 0

    async def _send(self, record: EventRecord) -> None:
        """Send one record, again and again while nobody is there to take it."""
        while True:
            try:
                await self._vnic.wait_connected()
                await self._vnic.send(
                    MulticastMode.PROXIMITY, self._service, self._area, Action.POST, record
                )
            except UnavailableError as error:
                _logger.debug("events wait: %s", error)
                await asyncio.sleep(self._retry_delay)
            except L8Error as error:
                # Sending it again would fail again, and keep the others from being sent.
                _logger.error("event of type %s is lost: %s", record.event_type, error)  # noqa: TRY400
                return
            else:
                return
