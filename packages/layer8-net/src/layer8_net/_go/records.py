# SPDX-License-Identifier: Apache-2.0
"""Nodes of the directory as the health records of the ``go`` profile, and what changes of them.

A switch tells of a change with one notice per record: the whole record when it is new or gone,
and otherwise a list of properties by id with their old and new values. A property that is not
there stays as it is. Go nodes apply the properties by reflection: an id or a kind of value that
is not exactly the expected one fails there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from l8types.constants import HEALTH_SERVICE, MAX_AREA, MAX_GO_SERVICE_NAME_BYTES
from l8types.enums import Kind, NodeState
from l8types.errors import DecodeError
from l8types.pb import L8Health, L8Notification, L8NotificationSet, L8ServiceAreas, L8Services
from l8types.pb.health_pb2 import L8HealthState
from l8types.pb.notification_pb2 import L8NotificationType
from l8types.values import NodeInfo, ServiceKey
from layer8_net._core import records as common
from layer8_net._go.values import (
    RawMessage,
    pack_map,
    pack_message,
    pack_scalar,
    read_value,
    unpack_message,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "apply_notice",
    "changed_notice",
    "gone_notice",
    "new_notice",
    "node_of",
    "record_of",
    "report_of",
    "services_of",
]

_MODEL: Final = "L8Health"
_PROPERTY: Final = re.compile(r"l8health<(?:\{\d+\})*([^<>]*)>\.([a-z.]+)", re.IGNORECASE)
_SERVICES: Final = "services.servicetoareas"
_NAME: Final = MAX_GO_SERVICE_NAME_BYTES


def services_of(message: L8Services) -> Mapping[ServiceKey, str]:
    """Services of a peer; what cannot be addressed in this profile is left out."""
    return MappingProxyType(
        {
            ServiceKey(name, area): areas.models.get(area, "")
            for name, areas in message.service_to_areas.items()
            for area, available in areas.areas.items()
            if available and 0 <= area <= MAX_AREA and 0 < len(name.encode()) <= _NAME
            if "\0" not in name
        }
    )


def record_of(node: NodeInfo) -> L8Health:
    """Complete record of a node."""
    return common.record_of(node)


def node_of(record: L8Health, switch: str) -> NodeInfo:
    """Node of a record.

    Args:
        record: The record; a state that is not set counts as up, as switches leave it at first.
        switch: Where the node lives when the record does not tell.

    Raises:
        DecodeError: The record makes no sense.
    """
    if not record.a_uuid:
        raise DecodeError("health record without a node id")
    own = L8Health()
    own.CopyFrom(record)
    own.ClearField("services")
    if own.status not in L8HealthState.values() or not own.status:
        own.status = L8HealthState.Up
    # Switches leave it out in their own record, and set it in that of a node that has just come.
    own.is_vnet = record.is_vnet or record.a_uuid == switch
    if own.is_vnet:
        own.z_uuid = own.a_uuid
    elif not own.z_uuid or own.z_uuid == own.a_uuid:
        own.z_uuid = switch
    return replace(common.node_of(own), services=services_of(record.services))


def report_of(known: NodeInfo, report: L8Health) -> NodeInfo:
    """A node after its own report: services and statistics, nothing else, may come from it."""
    bare = L8Health()
    bare.CopyFrom(report)
    bare.ClearField("services")
    node = replace(common.merge(known, bare), state=NodeState.UP)
    if report.HasField("services"):
        node = replace(node, services=services_of(report.services))
    if report.start_time > 0:
        node = replace(node, started=report.start_time / 1000)
    return node


# Notices


@dataclass(frozen=True, slots=True)
class _Property:
    """One property of a record: how it is read, written and coded."""

    kind: Kind
    read: Callable[[L8Health], float]
    write: Callable[[L8Health, int], None] | Callable[[L8Health, float], None]


def _status(kind: Kind, name: str) -> _Property:
    return _Property(
        kind,
        lambda record: getattr(record.stats, name),
        lambda record, value: setattr(record.stats, name, value),
    )


def _plain(kind: Kind, name: str) -> _Property:
    return _Property(
        kind,
        lambda record: getattr(record, name),
        lambda record, value: setattr(record, name, value),
    )


_PROPERTIES: Final[Mapping[str, _Property]] = {
    "status": _plain(Kind.INT32, "status"),
    "starttime": _plain(Kind.INT64, "start_time"),
    "isvnet": _plain(Kind.BOOL, "is_vnet"),
    "stats.lastmsgtime": _status(Kind.INT64, "last_msg_time"),
    "stats.txmsgcount": _status(Kind.INT64, "tx_msg_count"),
    "stats.txdatacount": _status(Kind.INT64, "tx_data_count"),
    "stats.rxmsgcount": _status(Kind.INT64, "rx_msg_count"),
    "stats.rxdatacont": _status(Kind.INT64, "rx_data_cont"),
    "stats.memoryusage": _status(Kind.UINT64, "memory_usage"),
    "stats.cpuusage": _status(Kind.FLOAT64, "cpu_usage"),
}
_TEXTS: Final = {"alias": "alias", "zuuid": "z_uuid"}


def _notice(
    node: NodeInfo, kind: L8NotificationType.ValueType, area: int, sequence: int, source: str
) -> L8NotificationSet:
    return L8NotificationSet(
        source=source,
        sequence=sequence,
        service_name=HEALTH_SERVICE,
        service_area=area,
        model_type=_MODEL,
        model_key=node.uuid,
        type=kind,
    )


def new_notice(node: NodeInfo, *, source: str, area: int, sequence: int) -> L8NotificationSet:
    """Notice of a node that is new."""
    notice = _notice(node, L8NotificationType.Post, area, sequence, source)
    notice.notification_list.add(newValue=pack_message(record_of(node)))
    return notice


def gone_notice(node: NodeInfo, *, source: str, area: int, sequence: int) -> L8NotificationSet:
    """Notice of a node that is gone."""
    notice = _notice(node, L8NotificationType.Delete, area, sequence, source)
    notice.notification_list.add(oldValue=pack_message(record_of(node)))
    return notice


def changed_notice(
    old: NodeInfo, new: NodeInfo, *, source: str, area: int, sequence: int
) -> L8NotificationSet | None:
    """Notice of the properties that differ, ``None`` when there are none."""
    notice = _notice(new, L8NotificationType.Patch, area, sequence, source)
    notice.notification_list.extend(_differences(old, new))
    return notice if notice.notification_list else None


def _differences(old: NodeInfo, new: NodeInfo) -> Iterable[L8Notification]:
    before, after = record_of(old), record_of(new)
    if old.services != new.services:
        areas = dict(after.services.service_to_areas)
        yield L8Notification(property_id=_id(new, _SERVICES), newValue=pack_map(areas))
    for path, prop in _PROPERTIES.items():
        was, now = prop.read(before), prop.read(after)
        if was != now:
            yield L8Notification(
                property_id=_id(new, path),
                oldValue=pack_scalar(prop.kind, was),
                newValue=pack_scalar(prop.kind, now),
            )


def _id(node: NodeInfo, path: str) -> str:
    # The kind of the key, a string, really stands there twice.
    return f"l8health<{{24}}{{24}}{node.uuid}>.{path}"


def apply_notice(
    notice: L8NotificationSet, known: Callable[[str], NodeInfo | None]
) -> NodeInfo | None:
    """The node after a notice, ``None`` when it is gone.

    Args:
        notice: What a switch told.
        known: Finds the node as it was.

    Raises:
        DecodeError: The notice makes no sense.
    """
    if notice.type == L8NotificationType.Delete:
        return None
    if notice.type in {L8NotificationType.Post, L8NotificationType.Put}:
        if not notice.notification_list:
            raise DecodeError("notice of a node without its record")
        value = read_value(notice.notification_list[0].newValue)
        return node_of(unpack_message(value, L8Health), notice.source)
    if notice.type != L8NotificationType.Patch:
        raise DecodeError(f"notice of the unknown type {notice.type}")
    node = known(notice.model_key) or NodeInfo(notice.model_key, "", notice.source)
    return _patched(node, notice.notification_list, notice.source)


def _patched(node: NodeInfo, changes: Iterable[L8Notification], switch: str) -> NodeInfo:
    record = record_of(node)
    # Go switches take a node that has just come for a switch, and tell of changes of their own
    # nodes only: whom another one tells of is none.
    record.is_vnet = node.uuid == switch
    for change in changes:
        match = _PROPERTY.fullmatch(change.property_id)
        if match is not None and change.newValue:
            _set(record, match[2].lower(), read_value(change.newValue))
    return node_of(record, switch)


def _set(record: L8Health, path: str, value: object) -> None:
    """Set a property; one that is not known here is of no use here."""
    prop = _PROPERTIES.get(path)
    try:
        if path == _SERVICES:
            record.services.CopyFrom(_services(value))
        elif path in _TEXTS and isinstance(value, str):
            setattr(record, _TEXTS[path], value)
        elif prop is not None and isinstance(value, (int, float)):
            prop.write(record, value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise DecodeError(f"value of property {path!r} does not fit: {error}") from error


def _services(value: object) -> L8Services:
    message = L8Services()
    for name, areas in value.items() if isinstance(value, dict) else ():
        if isinstance(name, str) and isinstance(areas, RawMessage):
            message.service_to_areas[name].CopyFrom(unpack_message(areas, L8ServiceAreas))
    return message
