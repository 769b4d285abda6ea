# SPDX-License-Identifier: Apache-2.0
"""The agreements under which the services of data collection run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collect._collector import CollectorHandler, CollectorSettings
from collect._links import DEFAULT_LINKS, NETWORK, TARGETS, Links
from collect._parser import ParserHandler, ParserSettings
from collect._targets import TargetsHook
from collect.model import CJob, L8PTarget
from collect.model.inventory_pb2 import DEVICE_STATUS_ONLINE
from l8types.sla import ServiceLevelAgreement

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8types.protocols.services import ServiceHandler
    from l8types.protocols.stores import Storage
    from l8types.protocols.web import WebService

__all__ = ["collector_sla", "inventory_sla", "online_devices", "parser_sla", "targets_sla"]


def targets_sla(
    handler: Callable[[], ServiceHandler],
    *,
    store: Storage | None = None,
    web: WebService | None = None,
    links: Links = DEFAULT_LINKS,
    transactional: bool = False,
) -> ServiceLevelAgreement:
    """Agreement of the service that keeps the targets (``Targets``, area 91).

    Args:
        handler: Makes the handler of a ready-made service that keeps items and runs hooks.
        store: Durable copy of the targets.
        web: How the service shows on the web.
        links: The collectors by links id.
        transactional: Whether writes are ordered by a leader.
    """
    return ServiceLevelAgreement(
        name=TARGETS.name,
        area=TARGETS.area,
        handler=handler,
        model=L8PTarget,
        primary_keys=("target_id",),
        non_unique_keys=("inventory_type",),
        store=store,
        web=web,
        hook=TargetsHook(links),
        transactional=transactional,
    )


def collector_sla(
    settings: CollectorSettings | None = None, *, links_id: str = NETWORK.links_id
) -> ServiceLevelAgreement:
    """Agreement of the collector service of a links id (``Coll``, area 0).

    Raises:
        NotFoundError: The links id is unknown.
    """
    settings = settings or CollectorSettings()
    key = settings.links.route(links_id).collector
    return ServiceLevelAgreement(
        name=key.name,
        area=key.area,
        handler=lambda: CollectorHandler(settings),
        model=L8PTarget,
        stateful=False,
        voter=False,
    )


def parser_sla(
    settings: ParserSettings | None = None, *, links_id: str = NETWORK.links_id
) -> ServiceLevelAgreement:
    """Agreement of the parser service of a links id (``NPars``, area 0 for network devices).

    Raises:
        NotFoundError: The links id is unknown.
    """
    settings = settings or ParserSettings()
    key = settings.links.route(links_id).parser
    return ServiceLevelAgreement(
        name=key.name,
        area=key.area,
        handler=lambda: ParserHandler(settings),
        model=CJob,
        stateful=False,
        voter=False,
    )


def inventory_sla(
    handler: Callable[[], ServiceHandler],
    *,
    store: Storage | None = None,
    web: WebService | None = None,
    links: Links = DEFAULT_LINKS,
    links_id: str = NETWORK.links_id,
    write_behind: float | None = None,
    transactional: bool = False,
    replication_count: int | None = None,
) -> ServiceLevelAgreement:
    """Agreement of the inventory of a links id (``NCache``, area 0 for network devices).

    Args:
        handler: Makes the handler of a ready-made service that keeps items.
        store: Durable copy of the items.
        web: How the service shows on the web.
        links: The inventories by links id.
        links_id: Which of them.
        write_behind: Seconds for which writes are collected before they are stored; ``None`` stores
            each before it is acknowledged.
        transactional: Whether writes are ordered by a leader.
        replication_count: How many instances hold each item, ``None`` for all.

    Raises:
        NotFoundError: The links id is unknown.
    """
    route = links.route(links_id)
    return ServiceLevelAgreement(
        name=route.cache.name,
        area=route.cache.area,
        handler=handler,
        model=route.model,
        primary_keys=route.primary_keys,
        store=store,
        web=web,
        write_behind=write_behind,
        transactional=transactional,
        replication_count=replication_count,
        counters={"Online": online_devices},
    )


def online_devices(item: object) -> tuple[bool, str]:
    """Metadata counter of the devices that answer."""
    info = getattr(item, "equipmentinfo", None)
    return getattr(info, "device_status", 0) == DEVICE_STATUS_ONLINE, ""
