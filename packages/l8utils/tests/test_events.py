# SPDX-License-Identifier: Apache-2.0
"""Events: records of all categories, and what happens while the network is away."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from google.protobuf.descriptor import FieldDescriptor

from l8types.enums import Action, MulticastMode
from l8types.errors import ClosedError, EncodeError, InvalidInputError, UnavailableError
from l8types.pb import AuditEvent, EventRecord, L8Health, SecurityEvent, SyslogEvent, TrapEvent
from l8types.pb import l8events_categories_pb2 as categories
from l8types.pb.l8events_pb2 import EventCategory, EventState, Severity
from l8utils import EventPoster

from .fakes import NODE, ManualClock

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from l8types.protocols.net import VNic

SECRETS = {"community"}
LOGIN = categories.AuditEventType.AUDIT_EVENT_TYPE_LOGIN
MESSAGES = [
    getattr(categories, name)
    for name in sorted(categories.DESCRIPTOR.message_types_by_name)
    if name.endswith("Event")
]


class FakeVNic:
    """An interface that keeps what it was given to send."""

    def __init__(self) -> None:
        self.uuid = NODE
        self.alias = "sample"
        self.resources = SimpleNamespace(clock=ManualClock(1700.5))
        self.up = asyncio.Event()
        self.up.set()
        self.errors: list[Exception] = []
        self.sent: list[EventRecord] = []
        self.targets: set[tuple[object, ...]] = set()

    async def wait_connected(self) -> None:
        await self.up.wait()

    async def send(self, *target: object) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.targets.add(target[:-1])
        self.sent.append(cast("EventRecord", target[-1]))


def poster_of(vnic: FakeVNic, **options: Any) -> EventPoster:
    """A poster that does not wait long."""
    return EventPoster(cast("VNic", vnic), **{"retry_delay": 0.001, **options})


def filled(model: type[Message]) -> Message:
    """A message with a value in every field."""
    message = model()
    for field in model.DESCRIPTOR.fields:
        if field.message_type is not None:
            getattr(message, field.name)["1.3.6"] = "up"
        elif field.type == FieldDescriptor.TYPE_STRING:
            setattr(message, field.name, f"text of {field.name}")
        else:
            setattr(message, field.name, 1)
    return message


async def record_of(event: Message, severity: Severity.ValueType | None = None) -> EventRecord:
    """What is sent for a message."""
    vnic = FakeVNic()
    async with poster_of(vnic) as poster:
        await poster.post_event(event, severity=severity)
    return vnic.sent[0]


@pytest.mark.feature("EVT-01")
@pytest.mark.parametrize("model", MESSAGES, ids=lambda model: model.DESCRIPTOR.name)
async def test_no_category_loses_what_it_tells(model: type[Message]) -> None:
    """Every field is in the record: in a field of its own, or as an attribute; but for secrets."""
    record = await record_of(filled(model))
    name = model.DESCRIPTOR.name.removesuffix("Event")
    assert EventCategory.Name(record.category) == f"EVENT_CATEGORY_{name.upper()}"
    assert record.event_type == f"{'GPU' if name == 'Gpu' else name} Event"
    assert record.state == EventState.EVENT_STATE_NEW
    assert record.event_id == "text of event_id"
    assert (record.source_id, record.source_type) == ("text of source_id", "text of source_type")
    assert record.message
    for field in model.DESCRIPTOR.fields:
        if field.name in {"event_id", "source_id", "source_type", "message"}:
            continue
        if field.name in SECRETS:
            assert "text of" not in record.attributes.get(field.json_name, "")
        elif field.message_type is not None:
            assert record.attributes[f"{field.json_name}.1.3.6"] == "up"
        else:
            assert record.attributes[field.json_name]


@pytest.mark.feature("EVT-01")
async def test_categories_that_can_be_posted_are_all_but_custom() -> None:
    """A category without a message of its own is posted as a record."""
    names = {model.DESCRIPTOR.name.removesuffix("Event").upper() for model in MESSAGES}
    known = {name.removeprefix("EVENT_CATEGORY_") for name in EventCategory.keys()}  # noqa: SIM118
    assert known - names == {"UNSPECIFIED", "CUSTOM"}


async def test_enumerations_are_told_by_name_and_unknown_ones_by_number() -> None:
    """So is a truth value, in lower case."""
    record = await record_of(AuditEvent(sub_category=LOGIN, user_name="ann"))
    assert dict(record.attributes) == {"subCategory": "AUDIT_EVENT_TYPE_LOGIN", "userName": "ann"}
    odd = AuditEvent()
    odd.sub_category = cast("Any", 99)
    assert (await record_of(odd)).attributes["subCategory"] == "99"


@pytest.mark.parametrize(
    ("event", "severity"),
    [
        (AuditEvent(), Severity.SEVERITY_INFO),
        (SecurityEvent(), Severity.SEVERITY_WARNING),
        (SyslogEvent(syslog_severity=0), Severity.SEVERITY_CRITICAL),
        (SyslogEvent(syslog_severity=3), Severity.SEVERITY_MAJOR),
        (SyslogEvent(syslog_severity=6), Severity.SEVERITY_INFO),
        (SyslogEvent(syslog_severity=77), Severity.SEVERITY_INFO),
    ],
)
async def test_the_severity_is_that_of_the_message(
    event: Message, severity: Severity.ValueType
) -> None:
    """A syslog line has one; the caller's own beats it."""
    assert (await record_of(event)).severity == severity
    own = Severity.SEVERITY_MINOR
    assert (await record_of(event, own)).severity == own


async def test_a_device_log_is_told_by_its_text_device_and_time() -> None:
    """The parsed text where there is one, else the raw one."""
    event = SyslogEvent(raw_message="<1>x", device_name="r1", timestamp=1600)
    record = await record_of(event)
    assert (record.message, record.source_name, record.occurred_at) == ("<1>x", "r1", 1600)
    event.parsed_message = "link down"
    assert (await record_of(event)).message == "link down"
    assert "public" not in str(await record_of(TrapEvent(community="public")))


@pytest.mark.feature("EVT-01")
async def test_a_record_of_any_kind_goes_to_the_service_of_events() -> None:
    """With an id, the time, and this node as the source unless another is named."""
    vnic = FakeVNic()
    async with poster_of(vnic) as poster:
        await poster.post(
            EventCategory.EVENT_CATEGORY_CUSTOM,
            "Rack Door",
            Severity.SEVERITY_MAJOR,
            "open",
            attributes={"rack": "7"},
        )
        await poster.post(
            EventCategory.EVENT_CATEGORY_SYSTEM, "Up", Severity.SEVERITY_INFO, "", source_id="x"
        )
    first, second = vnic.sent
    assert vnic.targets == {(MulticastMode.PROXIMITY, "Events", 76, Action.POST)}
    assert (first.event_type, first.severity, first.message) == ("Rack Door", 4, "open")
    assert (first.source_id, first.source_name, first.occurred_at) == (NODE, "sample", 1700)
    assert dict(first.attributes) == {"rack": "7"}
    assert (second.source_id, second.source_name) == ("x", "")
    assert len({first.event_id, second.event_id, ""}) == 3


async def test_events_wait_for_the_network() -> None:
    """In order, and again when nobody took them; posting itself never waits."""
    vnic = FakeVNic()
    vnic.up.clear()
    vnic.errors = [UnavailableError("no provider"), UnavailableError("no provider")]
    async with poster_of(vnic) as poster:
        for user in ("a", "b", "c"):
            await poster.post_event(AuditEvent(user_id=user))
        assert vnic.sent == []
        vnic.up.set()
    assert [record.attributes["userId"] for record in vnic.sent] == ["a", "b", "c"]


async def test_what_waits_is_bounded_and_the_oldest_go(caplog: pytest.LogCaptureFixture) -> None:
    """Drops are counted and told once."""
    vnic = FakeVNic()
    vnic.up.clear()
    async with poster_of(vnic, max_waiting=2) as poster:
        for user in "abcd":
            await poster.post_event(AuditEvent(user_id=user))
        assert poster.statistics().dropped == 2
        vnic.up.set()
    assert [record.attributes["userId"] for record in vnic.sent] == ["c", "d"]
    assert caplog.text.count("events are dropped") == 1


async def test_an_event_that_cannot_be_sent_keeps_no_other_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its loss is told."""
    vnic = FakeVNic()
    vnic.errors = [EncodeError("too long")]
    async with poster_of(vnic) as poster:
        await poster.post_event(AuditEvent(user_id="a"))
        await poster.post_event(AuditEvent(user_id="b"))
    assert [record.attributes["userId"] for record in vnic.sent] == ["b"]
    assert "event of type Audit Event is lost: too long" in caplog.text


async def test_leaving_does_not_wait_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    """What nobody took is counted, the one that was on its way too."""
    vnic = FakeVNic()
    vnic.up.clear()
    async with poster_of(vnic, drain_timeout=0.01) as poster:
        await poster.post_event(AuditEvent())
        await poster.post_event(AuditEvent())
    assert "2 events were not posted" in caplog.text
    with pytest.raises(ClosedError):
        await poster.post_event(AuditEvent())


@pytest.mark.parametrize("message", [L8Health(), EventRecord()])
async def test_what_is_no_event_of_a_category_is_refused(message: Message) -> None:
    """The message names the other way."""
    async with poster_of(FakeVNic()) as poster:
        with pytest.raises(InvalidInputError, match=r"use post\(\) for others"):
            await poster.post_event(message)
