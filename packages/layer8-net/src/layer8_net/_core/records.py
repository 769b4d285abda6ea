# SPDX-License-Identifier: Apache-2.0
"""Directory records as they travel: ``L8Health`` messages inside system messages.

A switch sends PUT with all records to a newcomer, then POST, PATCH and DELETE with the records
that joined, changed or left. A node sends PATCH with its own record: services when they changed,
statistics each keep-alive interval. What a record does not mention stays as it was: the services
of a node travel when they changed, not with every figure.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError as ProtobufDecodeError

from l8types.constants import SYSTEM_AREA_PRIMARY, SYSTEM_MESSAGE_SERVICE
from l8types.enums import NodeState
from l8types.errors import DecodeError, InvalidInputError
from l8types.pb import L8Health, L8HealthList, L8HealthStats, L8Services
from l8types.pb.health_pb2 import L8HealthState
from l8types.values import NodeInfo, NodeStatistics, ServiceKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "SYSTEM_AREA",
    "SYSTEM_SERVICE",
    "decode_records",
    "encode_records",
    "gone_record",
    "merge",
    "node_of",
    "own_record",
    "record_of",
    "services_message",
]

SYSTEM_SERVICE: Final = SYSTEM_MESSAGE_SERVICE.encode()
SYSTEM_AREA: Final = SYSTEM_AREA_PRIMARY
_LATEST_MS: Final = 2**52
"""Some hundred thousand years; as seconds it is exact to the millisecond."""


def services_message(services: Mapping[ServiceKey, str]) -> L8Services:
    """Services in the form in which they travel."""
    message = L8Services()
    for key, model in services.items():
        areas = message.service_to_areas[key.name]
        areas.areas[key.area] = True
        if model:
            areas.models[key.area] = model
    return message


def _services_of(message: L8Services) -> Mapping[ServiceKey, str]:
    # Read only: one record may be shared by all that hear it.
    return MappingProxyType(
        {
            ServiceKey(name, area): areas.models.get(area, "")
            for name, areas in message.service_to_areas.items()
            for area, available in areas.areas.items()
            if available
        }
    )


def _ms(seconds: float) -> int:
    """Milliseconds of a time stamp; not known stays -1."""
    return -1 if seconds < 0 else round(seconds * 1000)


def _seconds(ms: int) -> float:
    """Seconds of a time stamp; what nobody can mean is cut, so that it can be sent on."""
    return -1.0 if ms < 0 else min(ms, _LATEST_MS) / 1000


def _stats_message(value: NodeStatistics) -> L8HealthStats:
    return L8HealthStats(
        last_msg_time=_ms(value.last_message),
        tx_msg_count=value.tx_messages,
        tx_data_count=value.tx_bytes,
        rx_msg_count=value.rx_messages,
        rx_data_cont=value.rx_bytes,
        memory_usage=max(0, value.memory_bytes),
        cpu_usage=-1.0 if value.cpu_ratio < 0 else value.cpu_ratio * 100,
    )


def _stats_of(message: L8HealthStats) -> NodeStatistics:
    return NodeStatistics(
        last_message=_seconds(message.last_msg_time),
        tx_messages=message.tx_msg_count,
        tx_bytes=message.tx_data_count,
        rx_messages=message.rx_msg_count,
        rx_bytes=message.rx_data_cont,
        memory_bytes=message.memory_usage or -1,
        cpu_ratio=-1.0 if message.cpu_usage < 0 else message.cpu_usage / 100,
    )


def record_of(node: NodeInfo, *, services: bool = True) -> L8Health:
    """Record of a node; without its services it is for those who know them."""
    return L8Health(
        a_uuid=node.uuid,
        z_uuid=node.switch,
        alias=node.alias,
        services=services_message(node.services) if services else None,
        status=L8HealthState.ValueType(node.state),
        stats=_stats_message(node.statistics),
        start_time=_ms(node.started),
        is_vnet=node.is_switch,
    )


def own_record(
    uuid: str,
    services: Mapping[ServiceKey, str] | None = None,
    statistics: NodeStatistics | None = None,
) -> L8Health:
    """What a node reports about itself; ``None`` leaves a part as the switch knows it."""
    return L8Health(
        a_uuid=uuid,
        services=None if services is None else services_message(services),
        stats=None if statistics is None else _stats_message(statistics),
    )


def gone_record(uuid: str, switch: str) -> L8Health:
    """Record of a node that left a switch."""
    return L8Health(a_uuid=uuid, z_uuid=switch, status=L8HealthState.Down)


def node_of(record: L8Health, known: NodeInfo | None = None) -> NodeInfo:
    """Node of a record.

    Args:
        record: What was received.
        known: What was known before; from here come the services that the record does not mention.

    Raises:
        DecodeError: The record makes no sense.
    """
    data = record.SerializeToString()
    node = _shared_node_of(data) if len(data) <= _LARGEST_SHARED else _node_of(data)
    if known is None or record.HasField("services"):
        return node
    return replace(node, services=known.services)


def _node_of(data: bytes) -> NodeInfo:
    record = L8Health.FromString(data)
    if not record.a_uuid:
        raise DecodeError("directory record without a node id")
    try:
        return NodeInfo(
            uuid=record.a_uuid,
            alias=record.alias,
            switch=record.z_uuid,
            state=NodeState(record.status),
            services=_services_of(record.services),
            is_switch=record.is_vnet,
            started=_seconds(record.start_time),
            statistics=_stats_of(record.stats),
        )
    except (InvalidInputError, ValueError) as error:
        raise DecodeError(f"directory record of {record.a_uuid!r}: {error}") from error


_shared_node_of = lru_cache(maxsize=2048)(_node_of)
"""One node for all who are told the same: everybody is told of everybody, so that of a thousand
interfaces in one process each hears the same thousand records."""
_LARGEST_SHARED: Final = 4096
"""Bytes of a record; larger ones are not kept, so that what is kept has a bound."""


def merge(node: NodeInfo, report: L8Health) -> NodeInfo:
    """A node after its own report: services and statistics, nothing else, may come from it.

    Raises:
        DecodeError: The report makes no sense.
    """
    try:
        if report.HasField("services"):
            node = replace(node, services=_services_of(report.services))
    except InvalidInputError as error:
        raise DecodeError(f"services reported by {node.uuid!r}: {error}") from error
    if report.HasField("stats"):
        node = replace(node, statistics=_stats_of(report.stats))
    return node


def encode_records(records: Iterable[L8Health]) -> bytes:
    """Body of a system message."""
    return L8HealthList(list=records).SerializeToString()


def decode_records(data: bytes) -> list[L8Health]:
    """Records of a system message.

    Raises:
        DecodeError: The bytes are no list of records.
    """
    try:
        return list(L8HealthList.FromString(data).list)
    except ProtobufDecodeError as error:
        raise DecodeError(f"system message of {len(data)} bytes: {error}") from error
