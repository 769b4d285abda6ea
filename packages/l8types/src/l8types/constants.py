# SPDX-License-Identifier: Apache-2.0
"""Names and limits that are part of the contract between nodes and between packages."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

__all__ = [
    "DELETED_TEXT",
    "DESTINATION_LEADER",
    "DESTINATION_SINGLE",
    "HEALTH_SERVICE",
    "LIST_TYPE_SUFFIX",
    "MAX_AREA",
    "MAX_GO_SERVICE_NAME_BYTES",
    "MAX_GO_TEXT_BYTES",
    "METADATA_TOTAL",
    "SYSTEM_AREA_PRIMARY",
    "SYSTEM_AREA_SECONDARY",
    "SYSTEM_MESSAGE_SERVICE",
    "SYSTEM_SERVICE_GROUP",
    "UUID_LENGTH",
    "WEB_SERVICE",
    "Plugin",
]

UUID_LENGTH: Final = 36
"""Characters of a node id in text form."""

MAX_AREA: Final = 255
"""Largest service area (one byte in the header of both wire profiles)."""

MAX_GO_SERVICE_NAME_BYTES: Final = 10
"""Longest service name of the ``go`` wire profile, in bytes of UTF-8."""

MAX_GO_TEXT_BYTES: Final = 255
"""Longest error or failure text of the ``go`` wire profile, in bytes of UTF-8."""

DESTINATION_SINGLE: Final = "signleXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"
"""Destination "any one provider"; the spelling is the one on the wire."""

DESTINATION_LEADER: Final = "leaderXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"
"""Destination "the elected leader"."""

DELETED_TEXT: Final = "__DD__"
"""Marks a removed entry inside a change value on the wire; ``l8types.values.DELETED`` in Python."""

SYSTEM_MESSAGE_SERVICE: Final = "sysMsg"
"""Service name of the messages between switches and interfaces themselves."""

SYSTEM_AREA_PRIMARY: Final = 99
SYSTEM_AREA_SECONDARY: Final = 98

SYSTEM_SERVICE_GROUP: Final = "System"
"""Election group shared by the system services."""

HEALTH_SERVICE: Final = "Health"
"""Service name of the directory of nodes (area 0)."""

WEB_SERVICE: Final = "WebService"
"""Service name under which web endpoints are announced (area 0)."""

LIST_TYPE_SUFFIX: Final = "List"
"""``Book`` is listed in a ``BookList`` with the fields ``list`` and ``metadata``."""

METADATA_TOTAL: Final = "Total"
"""Counter name of the number of matches of a query."""


class Plugin(StrEnum):
    """Replaceable interfaces: the entry-point groups in which implementations announce themselves.

    An entry point of a group names a factory that takes the ``Resources`` of the node and returns
    the implementation; groups of many (serializers, collectors, rules) load all their members.
    """

    REGISTRY = "layer8.registry"
    INTROSPECTOR = "layer8.introspector"
    CLONER = "layer8.cloner"
    UPDATER = "layer8.updater"
    CODEC = "layer8.codec"
    ELEMENTS = "layer8.elements"
    SERIALIZER = "layer8.serializer"
    QUERY = "layer8.query"
    CACHE = "layer8.cache"
    NOTIFICATION = "layer8.notification"
    SECURITY = "layer8.security"
    SERVICES = "layer8.services"
    VNIC = "layer8.vnic"
    SWITCH = "layer8.switch"
    ORM = "layer8.orm"
    TIME_SERIES = "layer8.timeseries"
    WEB = "layer8.web"
    METRICS = "layer8.metrics"
    COLLECTOR = "layer8.collector"
    RULE = "layer8.rule"
