# SPDX-License-Identifier: Apache-2.0
"""The data path, from a device that answers SNMP to JSON over REST and to the database."""

from __future__ import annotations

import os
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from collect.model import NetworkDevice
from collect.model.inventory_pb2 import DEVICE_STATUS_OFFLINE, DEVICE_STATUS_ONLINE
from l8types.enums import Action
from l8types.errors import NotFoundError
from l8types.pb.notification_pb2 import L8NotificationType
from probler._targets import target_of
from probler.sim import (
    Recording,
    Replay,
    format_oid,
    load_recording,
    parse_oid,
    profiles_named,
)
from probler.sim.record import run_snmpd

from .network import COPIES, DATABASE, INVENTORY, PATIENCE, Network, Notifications, online
from .support import until

if TYPE_CHECKING:
    from l8types.pb import L8NotificationSet

UP: Final = DEVICE_STATUS_ONLINE
SYS_OBJECT_ID: Final = "1.3.6.1.2.1.1.2.0"
SYS_NAME: Final = "1.3.6.1.2.1.1.5.0"
SYS_LOCATION: Final = "1.3.6.1.2.1.1.6.0"
IF_NUMBER: Final = "1.3.6.1.2.1.2.1.0"
IF_TABLE: Final = (1, 3, 6, 1, 2, 1, 2, 2, 1)
IF_DESCR: Final = (1, 3, 6, 1, 2, 1, 2, 2, 1, 2)
IF_NAME: Final = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 1)

ETHERNET: Final = "select * from NetworkDevice where interfaces.name=eth* sort-by id limit 10"
"""The query of the guide."""


def recordings() -> list[Path]:
    """Recordings that are kept outside the project.

    They are in the folder that ``LAYER8_SHARED_DATA`` names, or in ``shared/data`` beside the
    checkout.
    """
    named = os.environ.get("LAYER8_SHARED_DATA")
    roots = [Path(named)] if named else [up / "shared" / "data" for up in Path(__file__).parents]
    return next(
        (found for root in roots if (found := sorted((root / "snmp").glob("*.snmprec")))), []
    )


def interface_counts(network: Network) -> dict[str, int]:
    """How many interfaces each simulated device says that it has."""
    return {
        device.id: int(str(network.fleet.value(device.id, IF_NUMBER).content))
        for device in network.fleet.devices
    }


def table(recording: Recording, column: tuple[int, ...]) -> dict[str, object]:
    """A recorded table or one of its columns: values by the last part of their OIDs."""
    size = len(column)
    return {
        str(oid[-1]): value.content
        for oid, value in recording.records.items()
        if oid[:size] == column
    }


def with_text(recording: Recording, column: tuple[int, ...]) -> set[str]:
    """Rows of a recorded table that have a text in a column."""
    return {row for row, content in table(recording, column).items() if content}


def object_id(recording: Recording) -> str:
    """What a recorded device says that it is."""
    content = recording.records[parse_oid(SYS_OBJECT_ID)].content
    assert isinstance(content, tuple)
    return format_oid(content)


def states(devices: list[NetworkDevice]) -> dict[str, int]:
    """State of each device."""
    return {device.id: device.equipmentinfo.device_status for device in devices}


def changed(message: L8NotificationSet) -> set[str]:
    """Last parts of the paths of the properties that a message tells of."""
    return {one.property_id.rpartition(".")[2].lower() for one in message.notification_list}


@pytest.mark.feature("layer8-collect:COL-02", "layer8-collect:PAR-07", "layer8-collect:INV-02")
@pytest.mark.feature("layer8-collect:TGT-12", "layer8-collect:SNM-01", "probler:SIM-02")
async def test_what_is_polled_arrives_on_both_nodes(tmp_path: Path) -> None:
    """Both copies of the inventory hold every device as the device itself says it is."""
    async with Network(tmp_path, profiles_named((), 3)) as network:
        await network.start()
        await network.poll_fleet()
        expected = interface_counts(network)
        for alias in COPIES:
            devices = await network.complete(alias, expected)
            for device in devices:
                name = network.fleet.value(device.id, SYS_NAME).content
                assert device.equipmentinfo.sys_name.encode() == name


@pytest.mark.feature("l8services:DCH-01", "l8services:NTF-01", "l8services:NTF-02")
@pytest.mark.feature("layer8-net:NIC-13", "l8types:TYP-54")
async def test_a_change_travels_as_its_properties_alone(tmp_path: Path) -> None:
    """A write of one attribute on one node reaches the other one as that attribute."""
    async with Network(tmp_path) as network:
        here, there = [await network.start_inventory(alias) for alias in COPIES]
        device = NetworkDevice(id="one")
        device.equipmentinfo.sys_name = "first"
        device.equipmentinfo.location = "a room with a long name" * 20
        for index in range(50):
            device.interfaces[str(index)].name = f"eth{index}"
        await here.call(INVENTORY, Action.POST, device)
        await network.see("inventory-2", lambda found: found == [device])

        seen = Notifications(there)
        change = NetworkDevice(id="one")
        change.equipmentinfo.asset_id = "A-1"
        change.interfaces["7"].name = "uplink"
        await here.call(INVENTORY, Action.PATCH, change)
        device.MergeFrom(NetworkDevice(equipmentinfo=change.equipmentinfo))
        device.interfaces["7"].name = "uplink"
        await network.see("inventory-2", lambda found: found == [device])

        (message,) = seen.of("one")
        assert message.type == L8NotificationType.Patch
        assert (message.source, message.model_type) == (here.vnic.uuid, "NetworkDevice")
        assert changed(message) == {"assetid", "name"}
        assert message.ByteSize() < 400 < device.ByteSize()


@pytest.mark.feature("layer8-collect:PAR-07", "layer8-collect:INV-07", "l8services:DCH-02")
async def test_a_polled_change_travels_as_its_property_alone(tmp_path: Path) -> None:
    """A device that was moved: the new place, and nothing else, goes from one copy to the other."""
    recording = Replay(load_recording("linux_server"))
    async with Network(tmp_path, [recording]) as network:
        await network.start()
        await network.poll_fleet()
        device = network.fleet.devices[0]
        for alias in COPIES:
            await network.complete(alias, interface_counts(network))
        seen = [Notifications(network.nodes[alias]) for alias in COPIES]

        network.fleet.set(device.id, SYS_LOCATION, "another room")
        await network.see_everywhere(
            lambda found: found[0].equipmentinfo.location == "another room"
        )
        told = [message for one in seen for message in one.of(device.id)]
        moved = [message for message in told if "location" in changed(message)]
        assert [changed(message) for message in moved] == [{"location"}]


@pytest.mark.feature("layer8-gsql:GQ-08", "layer8-gsql:GQ-11", "layer8-gsql:GQ-12")
@pytest.mark.feature("layer8-gsql:GQ-20", "l8web:SRV-09", "l8web:SRV-14", "l8web:AUT-01")
@pytest.mark.feature("l8web:AUT-08", "l8web:REG-03", "l8web:SRV-05", "layer8-collect:INV-08")
async def test_the_query_is_answered_in_the_network_and_over_rest(tmp_path: Path) -> None:
    """Both answers are the devices with such an interface, in order; REST asks who it is."""
    async with Network(tmp_path, profiles_named((), 5)) as network:
        await network.start()
        await network.poll_fleet()
        await network.complete("inventory-1", interface_counts(network))
        await network.complete("inventory-2", interface_counts(network))
        other = NetworkDevice(id="other")
        other.interfaces["1"].name = "wlan0"
        await network.nodes["web"].call(INVENTORY, Action.POST, other)
        await network.see_everywhere(lambda found: len(found) == 6)
        everything = await network.devices("inventory-2")
        expected = [
            device.id
            for device in everything
            if any(port.name.startswith("eth") for port in device.interfaces.values())
        ]
        assert 0 < len(expected) < len(everything) == 6
        found = await network.nodes["web"].get(ETHERNET)
        assert [getattr(device, "id", None) for device in found] == expected

        path = f"/api/{INVENTORY.area}/{INVENTORY.name}"
        async with httpx.AsyncClient(base_url=network.url) as stranger:
            refused = await stranger.get(path, params={"query": ETHERNET})
        assert (refused.status_code, refused.json()["error"]) == (401, "authentication")
        async with network.client() as client:
            await client.login("admin", network.password)
            answered = await client.get(INVENTORY.name, ETHERNET, NetworkDevice)
        assert [device.id for device in answered] == expected
        assert all(device.interfaces and online(device) for device in answered)


@pytest.mark.feature("l8web:SRV-08", "l8web:CLI-03", "layer8-collect:TGT-07")
async def test_devices_are_written_over_rest(tmp_path: Path) -> None:
    """Post, patch and delete through the gateway reach both copies."""
    async with Network(tmp_path) as network:
        await network.start()
        async with network.client() as client:
            await client.login("admin", network.password)
            device = NetworkDevice(id="by-hand")
            device.equipmentinfo.sys_name = "typed in"
            # The gateway learns of the service a moment after both have started.
            await until(lambda: client.post(INVENTORY.name, device), lambda _: True)
            device.equipmentinfo.asset_id = "A-1"
            change = NetworkDevice(id="by-hand")
            change.equipmentinfo.asset_id = "A-1"
            await client.patch(INVENTORY.name, change)
            await network.see_everywhere(lambda found: found == [device])
            await client.delete(INVENTORY.name, "select * from NetworkDevice where id=by-hand")
            await network.see_everywhere(lambda found: not found)


@pytest.mark.feature("l8orm:ORM-13", "l8orm:ORM-14", "l8orm:ORM-24", "l8utils:CAC-02")
@pytest.mark.feature("layer8-collect:INV-06", "probler:PRB-09")
async def test_devices_are_back_after_a_restart(tmp_path: Path) -> None:
    """A network that starts on the same directory has the devices, and the same answers."""
    async with Network(tmp_path, profiles_named((), 2)) as network:
        await network.start(database=True)
        await network.poll_fleet()
        await network.complete("inventory-1", interface_counts(network))
        expected = await network.complete("inventory-2", interface_counts(network))
        change = NetworkDevice(id=expected[0].id)
        change.equipmentinfo.asset_id = "A-1"
        await network.nodes["inventory-2"].call(INVENTORY, Action.PATCH, change)
    async with Network(tmp_path) as again:
        await again.start_store(database=True)
        for alias in COPIES:
            await again.start_inventory(alias, database=True)
            found = await again.devices(alias)
            assert [device.id for device in found] == [device.id for device in expected]
            assert found[0].equipmentinfo.asset_id == "A-1"
            assert all(
                device.interfaces.keys() == before.interfaces.keys()
                and device.equipmentinfo.sys_name == before.equipmentinfo.sys_name
                for device, before in zip(found, expected, strict=True)
            )
        stored = await again.nodes["inventory-1"].call(DATABASE, Action.GET, ETHERNET)
        assert list(stored.values) == await again.devices("inventory-2", ETHERNET)


@pytest.mark.feature("layer8-collect:COL-18", "layer8-collect:RUL-08", "probler:PRB-32")
async def test_a_silent_device_is_offline_until_it_answers(tmp_path: Path) -> None:
    """Both copies see a device go and come back."""
    async with Network(tmp_path, profiles_named(["server"], 2)) as network:
        await network.start()
        await network.poll_fleet()
        await network.complete("inventory-1", interface_counts(network))
        silent, other = network.fleet.devices
        network.fleet.stop_device(silent.id)
        await network.see_everywhere(
            lambda found: states(found) == {silent.id: DEVICE_STATUS_OFFLINE, other.id: UP}
        )
        network.fleet.start_device(silent.id)
        await network.complete("inventory-2", interface_counts(network))


@pytest.mark.skipif(not recordings(), reason="no shared recordings: set LAYER8_SHARED_DATA")
@pytest.mark.feature("layer8-collect:SNM-04", "layer8-collect:RUL-10", "layer8-collect:BLT-01")
async def test_devices_of_many_vendors_are_read_completely(tmp_path: Path) -> None:
    """Each recorded device arrives with every row of its interface table, by index and name."""
    profiles = [Replay(load_recording(path)) for path in recordings()]
    async with Network(tmp_path, profiles) as network:
        await network.start()
        await network.poll_fleet()
        recorded = {
            device.id: profile.recording
            for device, profile in zip(network.fleet.devices, profiles, strict=True)
        }
        rows = {device: set(table(one, IF_TABLE)) for device, one in recorded.items()}
        counts = {
            device: len(with_text(one, IF_NAME) | with_text(one, IF_DESCR))
            for device, one in recorded.items()
        }
        devices = {one.id: one for one in await network.complete("inventory-1", counts)}
        assert {one: set(device.interfaces) for one, device in devices.items()} == rows
        for one, device in devices.items():
            assert device.equipmentinfo.sys_oid.lstrip(".") == object_id(recorded[one])


@pytest.mark.feature("layer8-collect:SNM-01", "layer8-collect:SNM-06")
async def test_a_live_agent_is_polled(tmp_path: Path) -> None:
    """Net-snmp's own agent, where it is installed, arrives like a simulated device."""
    config = files("probler").joinpath("recordings", "snmpd.conf")
    with as_file(config) as path:
        try:
            async with run_snmpd(path) as port, Network(tmp_path / "data") as network:
                await network.start()
                await network.poll(target_of("live", "127.0.0.1", port))
                await until(
                    lambda: network.devices("inventory-2"),
                    lambda found: (
                        [one.id for one in found if online(one)] == ["live"]
                        and "lo" in {port.name for port in found[0].interfaces.values()}
                    ),
                    within=PATIENCE,
                )
        except NotFoundError as error:
            pytest.skip(error.message)
