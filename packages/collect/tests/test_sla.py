# SPDX-License-Identifier: Apache-2.0
"""The agreements of the services."""

from typing import TYPE_CHECKING, cast

import pytest

from collect import (
    CollectorHandler,
    ParserHandler,
    TargetsHook,
    collector_sla,
    inventory_sla,
    parser_sla,
    targets_sla,
)
from collect.model import CJob, L8PTarget, NetworkDevice
from collect.model.inventory_pb2 import DEVICE_STATUS_OFFLINE, DEVICE_STATUS_ONLINE
from l8types.errors import NotFoundError
from l8types.protocols.services import ServiceHandler, ServiceHook

if TYPE_CHECKING:
    from l8types.protocols.stores import Storage
    from l8types.protocols.web import WebService


def ready_made() -> ServiceHandler:
    """Stands for the handler of a package that keeps items."""
    return CollectorHandler()


STORE = cast("Storage", object())
WEB = cast("WebService", object())


def test_targets_are_kept_by_a_service_with_store_web_and_hook() -> None:
    """Under the name and area of the ecosystem."""
    sla = targets_sla(ready_made, store=STORE, web=WEB)
    assert (str(sla.key), sla.model, sla.primary_keys) == (
        "Targets--91",
        L8PTarget,
        ("target_id",),
    )
    assert (sla.handler, sla.store, sla.web) == (ready_made, STORE, WEB)
    hook: ServiceHook | None = sla.hook
    assert isinstance(hook, TargetsHook)


@pytest.mark.feature("COL-01", "PAR-01")
def test_collector_and_parser_are_services_of_their_own() -> None:
    """They keep nothing and do not vote."""
    collector, parser = collector_sla(), parser_sla()
    assert [str(collector.key), str(parser.key)] == ["Coll--0", "NPars--0"]
    assert [collector.model, parser.model] == [L8PTarget, CJob]
    assert not any((collector.stateful, parser.stateful, collector.voter, parser.voter))
    handlers: list[ServiceHandler] = [collector.handler(), parser.handler()]
    assert isinstance(handlers[0], CollectorHandler)
    assert isinstance(handlers[1], ParserHandler)
    assert collector.handler() is not handlers[0]


@pytest.mark.feature("INV-10")
def test_the_inventory_holds_the_devices_and_counts_those_that_answer() -> None:
    """Everything else is what the caller says."""
    sla = inventory_sla(ready_made, store=STORE, web=WEB, write_behind=1.0, transactional=True)
    assert (str(sla.key), sla.model, sla.primary_keys) == ("NCache--0", NetworkDevice, ("id",))
    assert (sla.store, sla.web, sla.write_behind, sla.transactional) == (STORE, WEB, 1.0, True)
    assert (sla.voter, sla.replication_count) == (True, None)
    device, online = NetworkDevice(), sla.counters["Online"]
    assert online(device) == (False, "")
    device.equipmentinfo.device_status = DEVICE_STATUS_ONLINE
    assert online(device) == (True, "")
    device.equipmentinfo.device_status = DEVICE_STATUS_OFFLINE
    assert online(device) == (False, "")
    assert online("something else") == (False, "")


def test_an_unknown_kind_of_targets_is_told() -> None:
    """By all that take one."""
    for make in (collector_sla, parser_sla):
        with pytest.raises(NotFoundError, match="no route for links id 'GPU'"):
            make(links_id="GPU")
    with pytest.raises(NotFoundError, match="no route for links id 'GPU'"):
        inventory_sla(ready_made, links_id="GPU")
