# SPDX-License-Identifier: Apache-2.0
"""Conformance of what a node tells the outside: its log, its events, its messages to people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import pytest

from l8test.wait import until
from l8types.pb.l8events_pb2 import EventCategory, EventRecord, EventState, Severity
from l8types.pb.l8notify_pb2 import DeliveryStatus, NotifyChannel
from l8types.protocols.runtime import Events

if TYPE_CHECKING:
    from l8types.protocols.runtime import Logger, Notifier

__all__ = [
    "EventDesk",
    "EventDeskOpener",
    "EventsConformance",
    "LoggerConformance",
    "Mailbox",
    "NotifierConformance",
    "Written",
]

Written = Callable[[], str]
"""All that the log says so far, once everything that was logged has been written."""

LEVELS: Final = ("debug", "info", "warning", "error")


class LoggerConformance:
    """What every ``Logger`` promises.

    Fixtures:
        logger: A ``Logger`` that writes all levels.
        written: A ``Written``.
    """

    @pytest.mark.parametrize("level", LEVELS)
    def test_levels(self, logger: Logger, written: Written, level: str) -> None:
        """A line of each level is written, with its arguments and the name of the level."""
        getattr(logger, level)("disk %s is %d %% full", "sda", 93)
        assert "disk sda is 93 % full" in written()
        assert level in written().lower()

    def test_order(self, logger: Logger, written: Written) -> None:
        """Lines come in the order in which they were logged, none is lost, none comes twice."""
        for number in range(300):
            getattr(logger, LEVELS[number % 4])("line <%d>", number)
        places = [written().index(f"line <{number}>") for number in range(300)]
        assert places == sorted(places)
        assert written().count("line <") == 300

    def test_as_it_is(self, logger: Logger, written: Written) -> None:
        """Without arguments a text is written as it is; other objects as their text."""
        logger.info("100 % of {all} %s")
        logger.info(ValueError("some value"))
        assert "100 % of {all} %s" in written()
        assert "some value" in written()

    def test_lazy(self, logger: Logger, written: Written) -> None:
        """Arguments are what they were when the line was logged."""
        changing = ["before"]
        logger.info("it is %s", changing)
        text = written()
        changing[0] = "after"
        assert "before" in text
        assert "before" in written()

    def test_exception(self, logger: Logger, written: Written) -> None:
        """An exception is written with its traceback, at the level of an error."""
        try:
            int("no number")
        except ValueError:
            logger.exception("reading %s failed", "it")
        text = written()
        assert "reading it failed" in text
        assert "invalid literal for int()" in text
        assert "test_exception" in text
        assert "error" in text.lower()


@dataclass(frozen=True, slots=True)
class EventDesk:
    """Where events are posted, and where they arrive.

    Attributes:
        events: The ``Events`` under test.
        arrived: The records that the service of events has, in the order of arrival.
        source: Id of the node that posts.
    """

    events: Events
    arrived: Callable[[], Sequence[EventRecord]]
    source: str


EventDeskOpener = Callable[[], AbstractAsyncContextManager[EventDesk]]
"""Opens a desk whose network works."""

NETWORK: Final = EventCategory.EVENT_CATEGORY_NETWORK
MAJOR: Final = Severity.SEVERITY_MAJOR


class EventsConformance:
    """What every ``Events`` promises.

    Fixture:
        open_desk: An ``EventDeskOpener``.
    """

    async def test_arrives(self, open_desk: EventDeskOpener) -> None:
        """A record arrives with all that was said, as a new one."""
        async with open_desk() as desk:
            await desk.events.post(
                NETWORK,
                "link-down",
                MAJOR,
                "eth0 is down",
                source_id="device-7",
                source_name="router",
                source_type="Device",
                attributes={"port": "eth0", "vlan": "7"},
            )
            await until(desk.arrived)
            [record] = desk.arrived()
            assert (record.category, record.severity) == (NETWORK, MAJOR)
            assert (record.event_type, record.message) == ("link-down", "eth0 is down")
            source = (record.source_id, record.source_name, record.source_type)
            assert source == ("device-7", "router", "Device")
            assert dict(record.attributes) == {"port": "eth0", "vlan": "7"}
            assert record.state == EventState.EVENT_STATE_NEW
            assert record.occurred_at > 0

    async def test_own(self, open_desk: EventDeskOpener) -> None:
        """Without a source it is about the node itself."""
        async with open_desk() as desk:
            await desk.events.post(NETWORK, "started", MAJOR, "up")
            await until(desk.arrived)
            assert desk.arrived()[0].source_id == desk.source

    async def test_order(self, open_desk: EventDeskOpener) -> None:
        """Records arrive in the order in which they were posted, each once, with its own id."""
        async with open_desk() as desk:
            for number in range(50):
                await desk.events.post(NETWORK, "tick", MAJOR, str(number))
            await until(lambda: len(desk.arrived()) >= 50)
            assert [record.message for record in desk.arrived()] == [str(n) for n in range(50)]
            assert len({record.event_id for record in desk.arrived()}) == 50

    async def test_own_copy(self, open_desk: EventDeskOpener) -> None:
        """What the caller does with its attributes afterwards changes no record."""
        async with open_desk() as desk:
            attributes = {"port": "eth0"}
            await desk.events.post(NETWORK, "a", MAJOR, "", attributes=attributes)
            attributes["port"] = "eth1"
            await desk.events.post(NETWORK, "b", MAJOR, "", attributes=attributes)
            await until(lambda: len(desk.arrived()) == 2)
            ports = [record.attributes["port"] for record in desk.arrived()]
            assert ports == ["eth0", "eth1"]


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An end that messages are delivered to.

    Attributes:
        channel: The channel under test.
        endpoint: An address there that takes messages.
        broken: An address there that does not.
        received: The texts that arrived at ``endpoint``, in order.
    """

    channel: NotifyChannel.ValueType
    endpoint: str
    broken: str
    received: Callable[[], Sequence[str]]


class NotifierConformance:
    """What every ``Notifier`` promises.

    Fixtures:
        notifier: A ``Notifier``.
        mailbox: A ``Mailbox``.
    """

    carries_attributes: ClassVar[bool] = True
    """Capability: attributes are part of what arrives."""

    async def test_delivered(self, notifier: Notifier, mailbox: Mailbox) -> None:
        """A message arrives once, with subject and text, and the result says so."""
        sent = await notifier.send(mailbox.channel, mailbox.endpoint, "Disk", "sda is full")
        assert sent.status == DeliveryStatus.DELIVERY_STATUS_SENT
        assert not sent.error_message
        assert sent.sent_at > 0
        [text] = mailbox.received()
        assert "Disk" in text
        assert "sda is full" in text

    async def test_attributes(self, notifier: Notifier, mailbox: Mailbox) -> None:
        """So do its attributes."""
        if not self.carries_attributes:
            pytest.skip("the channel has no room for attributes")
        attributes = {"node": "db-1", "share": "97"}
        await notifier.send(
            mailbox.channel, mailbox.endpoint, "Disk", "full", attributes=attributes
        )
        assert all(value in mailbox.received()[0] for value in attributes.values())

    async def test_order(self, notifier: Notifier, mailbox: Mailbox) -> None:
        """Messages arrive in the order in which they were sent."""
        for number in range(5):
            await notifier.send(mailbox.channel, mailbox.endpoint, "Tick", f"number {number}")
        assert [f"number {n}" in text for n, text in enumerate(mailbox.received())] == [True] * 5

    async def test_refused(self, notifier: Notifier, mailbox: Mailbox) -> None:
        """An end that does not take it is a result with a reason, and no exception."""
        result = await notifier.send(mailbox.channel, mailbox.broken, "Disk", "full")
        assert result.status == DeliveryStatus.DELIVERY_STATUS_FAILED
        assert result.error_message
        assert not mailbox.received()

    async def test_no_channel(self, notifier: Notifier, mailbox: Mailbox) -> None:
        """A channel that is none is a result with a reason, too; the next message is sent."""
        none = NotifyChannel.NOTIFY_CHANNEL_UNSPECIFIED
        result = await notifier.send(none, mailbox.endpoint, "Disk", "full")
        assert result.status == DeliveryStatus.DELIVERY_STATUS_FAILED
        assert result.error_message
        sent = await notifier.send(mailbox.channel, mailbox.endpoint, "Disk", "full")
        assert sent.status == DeliveryStatus.DELIVERY_STATUS_SENT
        assert len(mailbox.received()) == 1
