# SPDX-License-Identifier: Apache-2.0
"""The smallest log, events and messages to people that keep their promises."""

from __future__ import annotations

import copy
import itertools
import traceback
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from l8test.conformance import EventDesk, Mailbox
from l8types.errors import NotFoundError
from l8types.pb import DeliveryResult, EventRecord, IntegrationConfig
from l8types.pb.l8events_pb2 import EventState
from l8types.pb.l8notify_pb2 import DeliveryStatus, NotifyChannel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class FakeLogger:
    """Keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, level: str, msg: object, args: tuple[object, ...]) -> None:
        text = str(msg) % args if args else str(msg)
        self.lines.append(f"{level}: {text}")

    def debug(self, msg: object, *args: object) -> None:
        self.write("debug", msg, args)

    def info(self, msg: object, *args: object) -> None:
        self.write("info", msg, args)

    def warning(self, msg: object, *args: object) -> None:
        self.write("warning", msg, args)

    def error(self, msg: object, *args: object) -> None:
        self.write("error", msg, args)

    def exception(self, msg: object, *args: object) -> None:
        self.error(msg, *args)
        self.lines.append(traceback.format_exc())

    def text(self) -> str:
        """Everything."""
        return "\n".join(self.lines)


class FakeEvents:
    """Hands records over at once."""

    node = "node-1"

    def __init__(self) -> None:
        self.records: list[EventRecord] = []
        self.numbers = itertools.count(1)

    async def post(
        self, category: Any, event_type: str, severity: Any, message: str, *,
        source_id: str = "", source_name: str = "", source_type: str = "", attributes: Any = None,
    ) -> None:  # fmt: skip
        record = EventRecord(
            event_id=self.number(), category=category, event_type=event_type, severity=severity,
            message=message, source_id=source_id or self.node, source_name=source_name,
            source_type=source_type, attributes=attributes or {}, occurred_at=1_700_000_000,
            state=EventState.EVENT_STATE_NEW,
        )  # fmt: skip
        self.keep(record, attributes)

    def number(self) -> str:
        """Id of the next record."""
        return str(next(self.numbers))

    def keep(self, record: EventRecord, attributes: Any) -> None:
        """Hand it over."""
        self.records.append(record)


class FakeNotifier:
    """Delivers by hand."""

    def __init__(self) -> None:
        self.received: list[str] = []

    async def send(
        self, channel: Any, endpoint: str, subject: str, message: str, *, attributes: Any = None
    ) -> DeliveryResult:
        if channel == NotifyChannel.NOTIFY_CHANNEL_UNSPECIFIED:
            return self.failed("no such channel")
        if endpoint != "box":
            return self.failed(f"{endpoint} takes nothing")
        self.received.append(f"{subject}: {message} {attributes or ''}")
        status = DeliveryStatus.DELIVERY_STATUS_SENT
        return DeliveryResult(status=status, attempt=1, sent_at=1_700_000_000)

    def failed(self, why: str) -> DeliveryResult:
        """A result that tells why."""
        return DeliveryResult(status=DeliveryStatus.DELIVERY_STATUS_FAILED, error_message=why)


def loggers(**members: Any) -> dict[str, Any]:
    """Fixtures with a logger that differs in these members, made anew for each test."""
    made: list[Any] = []

    def make() -> Any:
        made[:] = [type("Mutant", (FakeLogger,), members)()]
        return made[0]

    return {"logger": make, "written": lambda: made[0].text}


def events(**members: Any) -> dict[str, Any]:
    """Fixtures with events that differ in these members."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[EventDesk]:
        poster = type("Mutant", (FakeEvents,), members)()
        yield EventDesk(poster, lambda: poster.records, FakeEvents.node)

    return {"open_desk": lambda: opened}


def notifiers(**members: Any) -> dict[str, Any]:
    """Fixtures with a notifier that differs in these members, made anew for each test."""
    made: list[Any] = []

    def make() -> Any:
        made[:] = [type("Mutant", (FakeNotifier,), members)()]
        return made[0]

    channel = NotifyChannel.NOTIFY_CHANNEL_EMAIL
    return {
        "notifier": make,
        "mailbox": lambda: Mailbox(channel, "box", "no box", lambda: made[0].received),
    }


CONFIGURED = [
    IntegrationConfig(integration_id="1", name="Pager"),
    IntegrationConfig(integration_id="2", name="Tickets"),
]


class FakeIntegrations:
    """Knows two systems."""

    def __init__(self) -> None:
        self.kept = {one.name: copy.deepcopy(one) for one in CONFIGURED}

    def integration(self, name: str) -> IntegrationConfig:
        if name not in self.kept:
            raise NotFoundError(f"no integration {name!r}")
        return copy.deepcopy(self.kept[name])

    def integrations(self) -> tuple[IntegrationConfig, ...]:
        return tuple(copy.deepcopy(one) for one in self.kept.values())


def integrations(**members: Any) -> dict[str, Any]:
    """Fixtures with integrations that differ in these members."""
    return {
        "integrations": type("Mutant", (FakeIntegrations,), members),
        "configured": lambda: CONFIGURED,
    }
