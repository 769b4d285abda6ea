# SPDX-License-Identifier: Apache-2.0
"""The whole way, from the walks of real devices to partial items.

What comes out is compared with what LibreNMS found in the same recordings, as far as both say the
same thing: LibreNMS leaves rows out, fills empty texts and prefers the rounded speed.
"""

from pathlib import Path
from typing import Any

import pytest

from collect import Catalogue, JobParser, Parsed
from collect._hosts import PolledHost
from collect._jobs import make_job
from collect._snmp._collector import SnmpCollector
from collect._worker import Outcome, PollId
from collect.model import Interface, NetworkDevice
from collect.model.inventory_pb2 import InterfaceType
from l8types.protocols.collection import HostAddress

from .fakes import FakeResources, FakeSession
from .recordings import parameters, read_expected, read_mib

NETWORK = Catalogue.builtin().profile("network")
TYPES = {
    "ethernetCsmacd": "INTERFACE_TYPE_ETHERNET",
    "softwareLoopback": "INTERFACE_TYPE_LOOPBACK",
    "tunnel": "INTERFACE_TYPE_TUNNEL",
    "l2vlan": "INTERFACE_TYPE_VLAN",
    "l3ipvlan": "INTERFACE_TYPE_VLAN",
    "bridge": "INTERFACE_TYPE_BRIDGE",
    "ppp": "INTERFACE_TYPE_SERIAL",
    "propPointToPointSerial": "INTERFACE_TYPE_SERIAL",
}
ROUNDING = 1_000_000
"""Bits per second by which ifHighSpeed differs at most: some agents round, others cut."""


async def parse_all(path: Path) -> dict[str, Parsed]:
    """Poll a recording and parse the answers, by poll."""
    resources, session = FakeResources(), FakeSession(read_mib(path))
    parser = JobParser(resources.real, Catalogue.builtin())
    host = PolledHost("t", path.stem, "NetDev")
    parsed: dict[str, Parsed] = {}
    async with SnmpCollector(HostAddress("127.0.0.1"), lambda *_: session) as collector:
        for poll in NETWORK.polls.values():
            if poll.protocol == "snmp":
                result = await collector.poll(poll.request)
                outcome = Outcome(host, PollId("network", poll.name), poll, 1.0, 2.0, result)
                parsed[poll.name] = parser.parse(make_job(outcome, resources.codec))
    return parsed


def merged(parsed: dict[str, Parsed]) -> NetworkDevice:
    """The device that the parts make."""
    device = NetworkDevice()
    for part in parsed.values():
        item = part.item
        assert isinstance(item, NetworkDevice)
        device.id = item.id
        device.equipmentinfo.MergeFrom(item.equipmentinfo)
        for index, interface in item.interfaces.items():
            device.interfaces[index].MergeFrom(interface)
    return device


def plain(text: object) -> str:
    """Text without what LibreNMS strips, folds or adds."""
    return " ".join(str(text or "").replace('"', "").split()).lower()


def check_port(port: dict[str, Any], ours: Interface, texts: set[str]) -> None:
    """Compare one interface."""
    assert ours.status == (port["ifOperStatus"] or "")
    if ours.HasField("admin_status"):
        assert ours.admin_status is (port["ifAdminStatus"] == "up")
    assert ours.mac_address.replace(":", "") == (port["ifPhysAddress"] or "")
    assert abs(ours.speed - (port["ifSpeed"] or 0)) < ROUNDING
    if ours.HasField("mtu"):
        assert ours.mtu == (port["ifMtu"] or 0)
    expected = TYPES.get(port["ifType"], "INTERFACE_TYPE_UNKNOWN")
    assert InterfaceType.Name(ours.interface_type) == expected
    assert plain(ours.name) in texts
    # A device without alias and description has none; LibreNMS shows the name instead.
    assert plain(ours.description) in texts | {""}


@pytest.mark.feature("BLT-01")
@pytest.mark.parametrize("path", parameters())
async def test_a_real_device_comes_out_as_others_see_it(path: Path) -> None:
    """System, interfaces, states, speeds and addresses."""
    parsed, expected = await parse_all(path), read_expected(path)
    device, info = merged(parsed), merged(parsed).equipmentinfo
    assert not [error for part in parsed.values() for error in part.report.errors]
    system = expected["recording"]["system"]
    assert info.sys_oid == system["sysObjectID"]
    assert plain(info.sys_name) == plain(system.get("sysName"))
    assert plain(info.description) == plain(system.get("sysDescr"))
    assert plain(info.location) == plain(system.get("sysLocation"))
    assert plain(info.contact) == plain(system.get("sysContact"))
    assert len(device.interfaces) == expected["recording"]["interfaces"]["rows"]
    known = expected.get("librenms") or expected["truth"]
    for port in known["ports"]:
        ours = device.interfaces[str(port["ifIndex"])]
        assert ours.id == str(port["ifIndex"])
        check_port(port, ours, {plain(port[name]) for name in ("ifName", "ifDescr", "ifAlias")})


@pytest.mark.parametrize("path", parameters())
async def test_what_is_kept_can_be_written_and_read(path: Path) -> None:
    """No text of a real device breaks the message, and counters are those of the device."""
    device = merged(await parse_all(path))
    assert NetworkDevice.FromString(device.SerializeToString()) == device
    mib = read_mib(path)
    for index, interface in device.interfaces.items():
        octets = mib.get(
            f"1.3.6.1.2.1.31.1.1.1.6.{index}", mib.get(f"1.3.6.1.2.1.2.2.1.10.{index}")
        )
        assert interface.statistics.rx_bytes == (octets or 0)
