# SPDX-License-Identifier: Apache-2.0
"""The parser service: jobs in, partial items out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, cast

import pytest

from collect import Catalogue, CourierSettings, JobParser, ParserHandler, ParserSettings
from collect._hosts import PolledHost
from collect._jobs import make_job
from collect._rules import _registry
from collect._worker import Outcome, PollId
from collect.model import CJob, L8PTarget, NetworkDevice
from collect.model.inventory_pb2 import DEVICE_STATUS_OFFLINE, DEVICE_STATUS_ONLINE, DeviceType
from l8types.enums import Action, MulticastMode
from l8types.errors import (
    ClosedError,
    DecodeError,
    InvalidInputError,
    L8Error,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from l8types.protocols.collection import PollResult
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

from .fakes import FakeElementsFactory, FakeResources, FakeVNic, until
from .test_registry import Shout

if TYPE_CHECKING:
    from l8types.protocols.data import Elements

SYSTEM = {"sysName": "lab-1", "sysObjectID": ".1.3.6.1.4.1.9.1.1", "sysUpTime": 8_640_000}
IFX = {"7": {"ifName": "eth0", "ifDescr": "Ethernet", "ifSpeed": 4_294_967_295, "ifHighSpeed": 40}}
SETTINGS = ParserSettings(courier=CourierSettings(pause=0.001, longest_pause=0.002))


def make(
    resources: FakeResources,
    poll: str,
    result: PollResult | None = None,
    *,
    flags: dict[int, bool] | None = None,
    host: str = "h1",
) -> CJob:
    """A job as a collector sends it."""
    profile = Catalogue.builtin().profile("network")
    polled = PolledHost("t1", host, "NetDev")
    outcome = Outcome(
        polled, PollId("network", poll), profile.poll(poll), 1.0, 2.0, result, flags=flags
    )
    return make_job(outcome, resources.codec)


def make_parser(resources: FakeResources) -> JobParser:
    """A parser with the built-in catalogue."""
    return JobParser(resources.real, Catalogue.builtin())


@pytest.mark.feature("PAR-02", "PAR-03")
def test_an_answer_becomes_a_partial_device() -> None:
    """Its key is the host, and only what was read is in it."""
    resources = FakeResources()
    parser = make_parser(resources)
    parsed = parser.parse(make(resources, "system", PollResult(values=SYSTEM)))
    expected = NetworkDevice(id="h1")
    expected.equipmentinfo.sys_name = "lab-1"
    expected.equipmentinfo.sys_oid = ".1.3.6.1.4.1.9.1.1"
    expected.equipmentinfo.vendor = "Cisco"
    expected.equipmentinfo.uptime = "1d 00:00:00"
    assert parsed.item == expected
    assert (parsed.report.written, parsed.report.errors) == (4, ())
    assert parsed.route.cache == ServiceKey("NCache", 0)


def test_rows_become_interfaces_by_their_index() -> None:
    """With the speed that RFC 2863 has for fast ones."""
    resources = FakeResources()
    parsed = make_parser(resources).parse(make(resources, "ifx", PollResult(rows=IFX)))
    expected = NetworkDevice(id="h1")
    expected.interfaces["7"].name = "eth0"
    expected.interfaces["7"].description = "Ethernet"
    expected.interfaces["7"].speed = 40_000_000
    assert parsed.item == expected


@pytest.mark.feature("RUL-09")
@pytest.mark.parametrize(
    ("oid", "vendor", "kind"),
    [
        (".1.3.6.1.4.1.8072.3.2.10", "Net-SNMP", "DEVICE_TYPE_SERVER"),
        (".1.3.6.1.4.1.25461.2.3.54", "Palo Alto Networks", "DEVICE_TYPE_FIREWALL"),
        (".1.3.6.1.4.1.674.11000.5000.100.2.1.7", "Dell", "DEVICE_TYPE_SWITCH"),
        (".1.3.6.1.4.1.674.10892.5", "Dell", "DEVICE_TYPE_SERVER"),
        (".1.3.6.1.4.1.2021.250.10", "", "DEVICE_TYPE_UNKNOWN"),
    ],
)
def test_the_identifier_tells_vendor_and_kind(oid: str, vendor: str, kind: str) -> None:
    """Where it names one kind of product; 2021 is none of 2."""
    resources = FakeResources()
    result = PollResult(values={"sysObjectID": oid})
    item = make_parser(resources).parse(make(resources, "system", result)).item
    info = cast("NetworkDevice", item).equipmentinfo
    assert (info.vendor, DeviceType.Name(info.device_type)) == (vendor, kind)


@pytest.mark.feature("RUL-08")
@pytest.mark.parametrize(
    ("flag", "status"), [(True, DEVICE_STATUS_ONLINE), (False, DEVICE_STATUS_OFFLINE)]
)
def test_the_state_of_a_host_becomes_that_of_the_device(flag: bool, status: int) -> None:
    """And its address, which nobody had to ask for."""
    resources = FakeResources()
    parser = make_parser(resources)
    device = parser.parse(make(resources, "status", flags={2: flag})).item
    assert cast("NetworkDevice", device).equipmentinfo.device_status == status
    address = PollResult(values={"address": "10.0.0.1"})
    device = parser.parse(make(resources, "address", address)).item
    assert cast("NetworkDevice", device).equipmentinfo.ip_address == "10.0.0.1"


@pytest.mark.feature("PAR-04")
@pytest.mark.parametrize(
    ("job", "error", "message"),
    [
        (CJob(host_id="h", error="no answer"), InvalidInputError, "no answer"),
        (CJob(job_name="system"), InvalidInputError, "'system' names no host"),
        (CJob(host_id="h", linksId="X"), NotFoundError, "links id 'X'"),
        (
            CJob(host_id="h", linksId="NetDev", pollaris_name="boot01"),
            NotFoundError,
            "no profile 'boot01'",
        ),
        (
            CJob(host_id="h", linksId="NetDev", pollaris_name="network", job_name="sys"),
            NotFoundError,
            "no poll 'sys'",
        ),
        (
            CJob(host_id="h", linksId="NetDev", pollaris_name="network", job_name="system"),
            DecodeError,
            "not a value",
        ),
    ],
)
def test_a_job_that_cannot_be_used_is_refused(
    job: CJob, error: type[L8Error], message: str
) -> None:
    """With the reason."""
    with pytest.raises(error, match=message):
        make_parser(FakeResources()).parse(job)


def test_a_key_that_the_application_declared_is_kept() -> None:
    """The parser declares one only where there is none."""
    resources = FakeResources()
    resources.introspector.keys[NetworkDevice] = ("Id", "Other")
    make_parser(resources).parse(make(resources, "system", PollResult(values=SYSTEM)))
    assert resources.introspector.keys[NetworkDevice] == ("Id", "Other")


@asynccontextmanager
async def active(vnic: FakeVNic) -> AsyncIterator[ParserHandler]:
    """An active parser service."""
    handler = ParserHandler(SETTINGS)
    await handler.activate(ServiceLevelAgreement(name="NPars", handler=ParserHandler), vnic.real)
    try:
        yield handler
    finally:
        await handler.deactivate()


async def post(handler: ParserHandler, vnic: FakeVNic, *values: object) -> None:
    """POST to the service."""
    elements = cast("Elements", FakeElementsFactory().of(*values))
    assert len(await handler.post(elements, vnic.call(Action.POST))) == 0


@pytest.mark.feature("PAR-01", "PAR-07")
async def test_items_go_to_the_inventory_as_patches() -> None:
    """Through its leader, so that the parts of a device meet in one place."""
    vnic = FakeVNic()
    async with active(vnic) as handler:
        await post(
            handler,
            vnic,
            make(vnic.resources, "system", PollResult(values=SYSTEM)),
            make(vnic.resources, "ifx", PollResult(rows=IFX)),
        )
        await until(lambda: len(vnic.payloads()) == 2)
        assert handler.statistics()[ServiceKey("NCache", 0)].waiting == 0
    sent = vnic.requests[0]
    assert (sent.target, sent.service, sent.action) == (
        MulticastMode.LEADER,
        ServiceKey("NCache", 0),
        Action.PATCH,
    )
    assert [item.id for item in vnic.payloads()] == ["h1", "h1"]
    assert vnic.resources.metrics.counts["collect_properties_total"] == 7


async def test_an_answer_without_content_is_not_sent() -> None:
    """It would make an empty device out of nothing."""
    vnic = FakeVNic()
    async with active(vnic) as handler:
        await post(
            handler,
            vnic,
            make(vnic.resources, "ifx", PollResult()),
            make(vnic.resources, "system", PollResult(values=SYSTEM)),
        )
        await until(vnic.payloads)
    assert len(vnic.payloads()) == 1


@pytest.mark.feature("PAR-04")
async def test_a_bad_job_does_not_hinder_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged and counted."""
    vnic = FakeVNic()
    async with active(vnic) as handler:
        good = make(vnic.resources, "system", PollResult(values=SYSTEM))
        await post(handler, vnic, CJob(host_id="h2", linksId="X", job_name="j"), good)
        await until(vnic.payloads)
    assert "job j of host h2 cannot be parsed: no route for links id 'X'" in caplog.text
    assert vnic.resources.metrics.counts["collect_jobs_refused_total"] == 1


async def test_a_value_that_does_not_fit_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The first one stands for all of its job."""
    caplog.set_level("INFO")
    vnic = FakeVNic()
    async with active(vnic) as handler:
        rows: dict[str, dict[str, object]] = {
            "1": {"ifMtu": -1},
            "2": {"ifMtu": "?"},
            "3": {"ifMtu": 1500},
        }
        await post(handler, vnic, make(vnic.resources, "interfaces", PollResult(rows=rows)))
        await until(vnic.payloads)
    assert "job interfaces of host h1: 2 values do not fit, the first is" in caplog.text
    assert vnic.payloads()[0].interfaces["3"].mtu == 1500


async def test_an_absent_inventory_gets_the_newest_of_each_poll() -> None:
    """When it comes."""
    vnic = FakeVNic()
    vnic.failure = UnavailableError("nobody leads NCache--0")
    async with active(vnic) as handler:
        for name in ("old", "new"):
            values = PollResult(values={"sysName": name})
            await post(handler, vnic, make(vnic.resources, "system", values))
            await post(handler, vnic, make(vnic.resources, "ifx", PollResult(rows=IFX)))
        await until(lambda: handler.statistics()[ServiceKey("NCache", 0)].waiting == 2)
        vnic.failure = None
        await until(lambda: len(vnic.payloads()) == 2)
    names = {item.equipmentinfo.sys_name for item in vnic.payloads()}
    assert names == {"new", ""}


@pytest.mark.feature("PAR-10")
async def test_rules_of_other_packages_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the service starts."""
    points = [EntryPoint("shout", "lab:create", "layer8.rule")]
    monkeypatch.setattr(_registry, "entry_points", lambda group: points)
    vnic = FakeVNic()
    with pytest.raises(NotFoundError, match=r"no layer8\.rule 'shout'"):
        async with active(vnic):
            raise AssertionError("must not start")
    vnic.resources.plugins["layer8.rule", "shout"] = Shout()
    async with active(vnic) as handler:
        await post(handler, vnic)


async def test_only_jobs_are_taken_and_only_by_post() -> None:
    """Everything else is refused."""
    vnic = FakeVNic()
    async with active(vnic) as handler:
        elements = cast("Elements", FakeElementsFactory().of(L8PTarget()))
        with pytest.raises(InvalidInputError, match="holds a L8PTarget, expected CJob"):
            await handler.post(elements, vnic.call(Action.POST))
        for action in (Action.PUT, Action.PATCH, Action.DELETE, Action.GET):
            method = getattr(handler, action.name.lower())
            with pytest.raises(PermissionDeniedError, match=f"by POST only, not {action.name}"):
                await method(elements, vnic.call(action))
        await handler.notify(elements, vnic.call(Action.NOTIFY))
        await handler.failed(elements, vnic.call(Action.POST))
    assert vnic.requests == []


async def test_a_stopped_parser_refuses_jobs() -> None:
    """They stay with the collector, which tries another parser."""
    vnic = FakeVNic()
    async with active(vnic) as handler:
        job = make(vnic.resources, "system", PollResult(values=SYSTEM))
    elements = cast("Elements", FakeElementsFactory().of(job))
    with pytest.raises(ClosedError, match="not active"):
        await handler.post(elements, vnic.call(Action.POST))
