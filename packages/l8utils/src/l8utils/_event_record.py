# SPDX-License-Identifier: Apache-2.0
"""One record from the message of any event category.

The mapping is read from the message's own descriptor: what a record has a field for goes there, and
everything else that is set becomes an attribute. So no category loses what it tells, and a new one
needs no code here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from l8types.pb import EventRecord
from l8types.pb.l8events_pb2 import EventCategory, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message

SECRET_FIELDS: Final = frozenset({"community"})
"""Fields that hold secrets; a record is stored and shown, so they stay out of it."""

_DIRECT: Final = frozenset({"event_id", "source_id", "source_type", "message"})
_MESSAGES: Final = ("message", "parsed_message", "raw_message")
"""Where a text for people may stand; the first that is there is taken."""

_SYSLOG_SEVERITIES: Final = (
    Severity.SEVERITY_CRITICAL,  # emergency
    Severity.SEVERITY_CRITICAL,  # alert
    Severity.SEVERITY_CRITICAL,  # critical
    Severity.SEVERITY_MAJOR,  # error
    Severity.SEVERITY_WARNING,
    Severity.SEVERITY_INFO,  # notice
    Severity.SEVERITY_INFO,
    Severity.SEVERITY_INFO,  # debug
)
"""By the number of the syslog standard."""


def category_of(event: Message) -> EventCategory.ValueType | None:
    """Category that a message tells about, ``None`` when it is of none."""
    name = event.DESCRIPTOR.name
    if not name.endswith("Event"):
        return None
    category = f"EVENT_CATEGORY_{name.removesuffix('Event').upper()}"
    return EventCategory.Value(category) if category in EventCategory.keys() else None  # noqa: SIM118


def record_of(
    event: Message, category: EventCategory.ValueType, severity: Severity.ValueType | None = None
) -> EventRecord:
    """Record of the message of a category.

    Args:
        event: The message.
        category: Its category.
        severity: How bad it is; by default what the message says, else information, and for
            security a warning.
    """
    values = {field.name: value for field, value in event.ListFields()}
    record = EventRecord(
        event_id=values.get("event_id", ""),
        category=category,
        event_type=_event_type(event),
        severity=severity or _severity_of(values, category),
        source_id=values.get("source_id", ""),
        source_name=values.get("device_name", ""),
        source_type=values.get("source_type", ""),
        message=next((values[name] for name in _MESSAGES if name in values), ""),
        occurred_at=values.get("timestamp", 0),
    )
    for field, value in event.ListFields():
        if field.name not in _DIRECT | SECRET_FIELDS:
            record.attributes.update(_attributes(field, value))
    return record


def _event_type(event: Message) -> str:
    name = event.DESCRIPTOR.name.removesuffix("Event")
    return f"{'GPU' if name == 'Gpu' else name} Event"


def _severity_of(values: dict[str, int], category: EventCategory.ValueType) -> Severity.ValueType:
    if category == EventCategory.EVENT_CATEGORY_SYSLOG:
        # Number 0, the worst, is not among the values that are set.
        number = values.get("syslog_severity", 0)
        if 0 <= number < len(_SYSLOG_SEVERITIES):
            return _SYSLOG_SEVERITIES[number]
    if category == EventCategory.EVENT_CATEGORY_SECURITY:
        return Severity.SEVERITY_WARNING
    return Severity.SEVERITY_INFO


def _attributes(field: FieldDescriptor, value: object) -> Iterator[tuple[str, str]]:
    """Attributes of one field, by its name in JSON; of a map one per entry."""
    name = field.json_name
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        yield from ((f"{name}.{key}", str(entry)) for key, entry in dict(value).items())  # type: ignore[call-overload]  # a map
    elif field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)  # type: ignore[call-overload]  # a number
        yield name, known.name if known is not None else str(value)
    elif isinstance(value, bool):
        yield name, str(value).lower()
    else:
        yield name, str(value)
