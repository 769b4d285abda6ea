# SPDX-License-Identifier: Apache-2.0
"""Lives of Go peers, from connect to close, played by scripts against our switch and interface."""

from __future__ import annotations

import asyncio
import pickle
import struct
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from l8types.enums import Action, MulticastMode
from l8types.errors import L8Error, UnavailableError
from l8types.pb import L8Health, L8NotificationSet, L8Services, L8SystemMessage, L8Transaction
from l8types.pb.notification_pb2 import L8NotificationType
from l8types.values import ServiceKey
from layer8_net._go.records import services_of
from layer8_net._go.values import pack_elements, read_entries, read_messages
from layer8_net._link import Link

from .fakes import make_switch, make_vnic, until
from .fakes import services_of as handled_by
from .go_net import GO, node, parts
from .go_parts import ANN, CIPHER, NIL_DATA, OTHER, SECRET, SONGS, SWITCH, Plain
from .go_script import SERVICES_HEALTH, SERVICES_NODE, ScriptedNode, ScriptedSwitch, framed

if TYPE_CHECKING:
    from layer8_net import TcpVNic

TESTS = ServiceKey("Tests")
PAYLOAD = pickle.dumps((("from go",), ""))
"""Opaque to the network; the stand-in for elements of these tests reads it."""


def notice_of(plain: Plain) -> L8NotificationSet:
    """The notice in a message."""
    (notice,) = read_messages(plain.data, L8NotificationSet)
    return notice


async def notice(peer: ScriptedNode, kind: int, key: str) -> L8NotificationSet:
    """Wait for the notice of a node."""

    def wanted(plain: Plain) -> bool:
        return (plain.service, plain.action) == ("Health", Action.NOTIFY) and (
            (notice_of(plain).type, notice_of(plain).model_key) == (kind, key)
        )

    return notice_of(await peer.hear(wanted))


@pytest.mark.feature("NET-01", "NET-13", "NIC-01", "HLT-01")
async def test_life_of_a_go_node() -> None:
    """A Go node joins our switch, serves, asks, is asked, tells of itself, and goes."""
    async with (
        make_switch(parts()) as switch,
        node(switch, SONGS) as vnic,
        asyncio.TaskGroup() as tasks,
    ):
        go = ScriptedNode(ANN, "go node", SERVICES_NODE)
        assert await go.join(switch.port) == switch.uuid
        assert go.peer[2:] == [
            b"false",
            b"node",
            bytes.fromhex("0a100a064865616c746812060a0408001001"),
            b"",
        ]

        # The health of all, then the notice of itself.
        first = await go.hear_of("Health", Action.PATCH)
        assert (first.destination, first.source, first.vnet) == (ANN, switch.uuid, switch.uuid)
        keys = {entry.key for entry in read_entries(first.data)}
        assert keys == {ANN, switch.uuid, vnic.uuid}
        post = await notice(go, L8NotificationType.Post, ANN)
        assert (post.service_name, post.source) == ("Health", switch.uuid)

        # Its services count from the handshake on; activation and figures are echoed.
        await until(lambda: ANN in vnic.directory.providers(TESTS))
        go.activate(switch.uuid)
        await go.hear_of("Tests", Action.SERVICE_REGISTER)
        await go.hear_of("Tests", Action.SERVICE_QUERY)
        record = L8Health(a_uuid=ANN, start_time=1234)
        record.stats.tx_msg_count = 5
        go.tell(switch.uuid, record)
        patch = await notice(go, L8NotificationType.Patch, ANN)
        ids = {one.property_id for one in patch.notification_list}
        assert f"l8health<{{24}}{{24}}{ANN}>.stats.txmsgcount" in ids

        # It takes part in an election, and asks who sings.
        go.say(switch.uuid, "System", Action.ELECTION_REQUEST)
        await go.hear_of("System", Action.ELECTION_REQUEST)
        go.say(switch.uuid, "Songs", Action.SERVICE_QUERY)
        register = await go.hear(
            lambda plain: plain.source == vnic.uuid and plain.destination == ANN
        )
        assert (register.action, register.data) == (Action.SERVICE_REGISTER, NIL_DATA)

        # Asked by us, it answers, after telling how far the transaction is.
        asked = tasks.create_task(vnic.request(ANN, "Tests", 0, Action.POST, ["to go"]))
        request = await go.hear_of("Tests", Action.POST)
        assert (request.flags, request.source, request.destination) == (1, vnic.uuid, ANN)
        answer = {"destination": vnic.uuid, "sequence": request.sequence, "flags": 2}
        go.say(switch.uuid, "Tests", Action.REPLY, PAYLOAD, **answer)
        assert (await asked).first == "from go"

        # It asks us, by name and by rule, and gets an answer of the same number.
        for destination, mode in ((vnic.uuid, 0), ("signleXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", 2)):
            common = {"destination": destination, "priority_mode": mode, "flags": 1}
            go.say(switch.uuid, "Songs", Action.GET, PAYLOAD, sequence=700 + mode, **common)
            reply = await go.hear_of("Songs", Action.REPLY)
            assert (reply.sequence, reply.flags, reply.destination) == (700 + mode, 2, ANN)
            assert (reply.data, reply.mode) == (PAYLOAD, mode)

        # What cannot be delivered comes back.
        go.say(switch.uuid, "Songs", Action.POST, PAYLOAD, destination=OTHER, sequence=900)
        failed = await go.hear(lambda plain: bool(plain.failure))
        assert (failed.source, failed.vnet, failed.destination) == (OTHER, "", ANN)
        assert (failed.sequence, failed.action, failed.flags) == (900, Action.POST, 2)

        # It goes without a word.
        await go.close()
        await until(lambda: vnic.directory.node(ANN) is None)
        with pytest.raises(UnavailableError):
            await vnic.request("", "Tests", 0, Action.GET)


@pytest.mark.feature("NIC-11", "NIC-12", "NIC-06", "NIC-21")
async def test_life_in_a_go_network() -> None:
    """Our interface joins a Go switch, serves, asks, and comes back with everything it had."""
    async with ScriptedSwitch(SWITCH) as hub, asyncio.TaskGroup() as tasks:
        vnic = make_vnic(parts(hub.port))
        entered = tasks.create_task(vnic.__aenter__())
        friend = L8Health(a_uuid=ANN, alias="go node", z_uuid=SWITCH)
        assert await hub.admit(friend) == vnic.uuid
        await entered
        async with AsyncExitStack() as stack:
            stack.push_async_exit(vnic)
            assert {one.uuid for one in vnic.directory.nodes()} == {vnic.uuid, ANN, SWITCH}
            await vnic.announce(SONGS, model="Song")
            await _check_announcement(hub, vnic.uuid)
            await _check_service(hub, vnic)
            await _check_requests(hub, vnic)
            await _check_notices(hub, vnic)

            # The switch is restarted: it knows nothing, and is told everything.
            await hub.close()
            await until(lambda: not vnic.connected)
            assert await hub.admit() == vnic.uuid
            told = services_of(L8Services.FromString(hub.peer[4]))
            assert told == {ServiceKey("Health"): "", SONGS: "Song"}
            await _check_announcement(hub, vnic.uuid)
            await until(lambda: vnic.connected and vnic.directory.node(ANN) is None)


async def _check_announcement(hub: ScriptedSwitch, uuid: str) -> None:
    """The service is told to the tables, to health, and to the participants."""
    added = await hub.hear_of("sysMsg", Action.POST)
    (message,) = read_messages(added.data, L8SystemMessage)
    assert (message.action, message.publish, added.area) == (3, True, 99)
    assert message.service_data.serviceName == "Songs"

    def lists_it(plain: Plain) -> bool:
        if (plain.service, plain.action, plain.destination) != ("Health", Action.PATCH, SWITCH):
            return False
        (record,) = read_messages(plain.data, L8Health)
        return record.a_uuid == uuid and SONGS in services_of(record.services)

    await hub.hear(lists_it)
    await hub.hear_of("Songs", Action.SERVICE_REGISTER)
    await hub.hear_of("Songs", Action.SERVICE_QUERY)


async def _check_service(hub: ScriptedSwitch, vnic: TcpVNic) -> None:
    """A request that the switch passes on with the rule still in it is answered."""
    anyone = "signleXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"
    more = {"destination": anyone, "priority_mode": 1, "sequence": 77, "flags": 1}
    hub.pass_on(ANN, "Songs", Action.POST, PAYLOAD, **more)
    reply = await hub.hear_of("Songs", Action.REPLY)
    assert (reply.sequence, reply.destination, reply.flags) == (77, ANN, 2)
    assert (reply.source, reply.vnet, reply.mode) == (vnic.uuid, SWITCH, 1)
    assert reply.data == PAYLOAD
    hub.pass_on(ANN, "Songs", Action.SERVICE_QUERY)
    register = await hub.hear_of("Songs", Action.SERVICE_REGISTER)
    assert register.destination == ANN
    hub.pass_on(ANN, "Songs", Action.LEADER_HEARTBEAT)
    services = handled_by(vnic)
    await until(lambda: services.messages[-1].action is Action.LEADER_HEARTBEAT)


async def _check_requests(hub: ScriptedSwitch, vnic: TcpVNic) -> None:
    """An answer counts when it is the last one of its transaction; a failure counts at once."""
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(vnic.request(ANN, "Tests", 0, Action.GET, ["x"]))
        request = await hub.hear_of("Tests", Action.GET)
        assert (request.source, request.vnet, request.destination) == (vnic.uuid, SWITCH, ANN)
        answer = {"destination": vnic.uuid, "sequence": request.sequence, "flags": 2}
        running = pack_elements([(L8Transaction(State=3, id=OTHER), None)])
        hub.pass_on(ANN, "Tests", Action.REPLY, running, state=3, **answer)
        hub.pass_on(ANN, "Tests", Action.REPLY, PAYLOAD, **answer)
        assert (await asked).first == "from go"
    async with asyncio.TaskGroup() as tasks:
        lost = tasks.create_task(_error_of(vnic))
        request = await hub.hear_of("Tests", Action.GET)
        back = {"destination": vnic.uuid, "sequence": request.sequence, "flags": 2}
        text = b"Cannot find destination port for " + OTHER.encode()
        hub.pass_on(OTHER, "Tests", Action.GET, request.data, failure=text, **back)
        error = await lost
        assert isinstance(error, UnavailableError)
        assert "Cannot find destination port" in error.message


async def _error_of(vnic: TcpVNic) -> L8Error:
    with pytest.raises(L8Error) as caught:
        await vnic.request(OTHER, "Tests", 0, Action.GET, ["x"], timeout=60)
    return caught.value


async def _check_notices(hub: ScriptedSwitch, vnic: TcpVNic) -> None:
    """Changes of a node are followed by their property ids, until it is gone."""
    prefix = f"l8health<{{24}}{{24}}{ANN}>."
    patch = L8NotificationSet(
        source=SWITCH,
        service_name="Health",
        model_type="L8Health",
        model_key=ANN,
        type=L8NotificationType.Patch,
    )
    areas = bytes.fromhex(
        "00000015 00000001 00000018 00000005 5465737473"
        "00000016 00000006 0000000e 4c38536572766963654172656173 0a0408001001"
    )
    patch.notification_list.add(property_id=prefix + "services.servicetoareas", newValue=areas)
    count = bytes.fromhex("00000006 000000000000002a")
    patch.notification_list.add(property_id=prefix + "stats.txmsgcount", newValue=count)
    hub.say(SWITCH, "Health", Action.NOTIFY, pack_elements([(patch, None)]))
    await until(lambda: vnic.directory.providers(TESTS) == (ANN,))
    known = vnic.directory.node(ANN)
    assert known is not None
    assert (known.alias, known.statistics.tx_messages) == ("go node", 42)
    gone = L8NotificationSet(
        source=SWITCH, service_name="Health", model_key=ANN, type=L8NotificationType.Delete
    )
    hub.say(SWITCH, "Health", Action.NOTIFY, pack_elements([(gone, None)]))
    await until(lambda: vnic.directory.node(ANN) is None)


@pytest.mark.feature("NET-03", "NET-10", "NET-18")
async def test_life_of_a_go_switch() -> None:
    """A Go switch links to ours: what each knows is told, messages cross, and it dies."""
    async with make_switch(parts()) as switch, node(switch, SONGS) as vnic:
        hub = ScriptedNode(OTHER, "go switch", SERVICES_HEALTH)
        await hub.join(switch.port, switch=True)
        assert hub.peer[2] == b"false"
        kinds: dict[tuple[int, str], L8SystemMessage] = {}
        while len(kinds) < 3:
            plain = await hub.hear_of("sysMsg", Action.POST)
            assert (plain.source, plain.vnet, plain.destination) == (switch.uuid, switch.uuid, "")
            (message,) = read_messages(plain.data, L8SystemMessage)
            kinds[message.action, message.service_data.serviceName] = message
        assert dict(kinds[1, ""].route_table.rows) == {vnic.uuid: switch.uuid}
        assert kinds[3, "Songs"].service_data.service_uuid == vnic.uuid
        report = await hub.hear_of("Health", Action.PATCH)
        assert {entry.key for entry in read_entries(report.data)} == {switch.uuid, vnic.uuid}

        routes = L8SystemMessage(action=1)  # type: ignore[arg-type]
        routes.route_table.rows[ANN] = OTHER
        hub.say(OTHER, "sysMsg", Action.POST, pack_elements([(routes, None)]), area=99)
        added = L8SystemMessage(action=3)  # type: ignore[arg-type]
        added.service_data.service_uuid = ANN
        added.service_data.serviceName = "Tests"
        hub.say(OTHER, "sysMsg", Action.POST, pack_elements([(added, None)]), area=99)
        hub.pass_on(ANN, "Songs", Action.POST, PAYLOAD, vnet=OTHER)
        services = handled_by(vnic)
        await until(lambda: len(services.messages) == 1)

        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(
                vnic.request(MulticastMode.ROUND_ROBIN, "Tests", 0, Action.GET, ["x"])
            )
            request = await hub.hear_of("Tests", Action.GET)
            assert request.destination == ANN
            answer = {"destination": vnic.uuid, "sequence": request.sequence, "flags": 2}
            hub.pass_on(ANN, "Tests", Action.REPLY, PAYLOAD, vnet=OTHER, **answer)
            assert (await asked).first == "from go"

        await hub.close()
        await until(lambda: vnic.directory.node(OTHER) is None)
        with pytest.raises(UnavailableError, match="no live provider"):
            await vnic.request("", "Tests", 0, Action.GET, ["x"])


@pytest.mark.feature("WIR-01")
async def test_hostile_peers() -> None:
    """Whoever writes nonsense is cut off, at any time, and nobody else notices."""
    async with make_switch(parts()) as switch, node(switch, SONGS) as vnic:
        for nonsense in (b"GET / HTTP/1.1\r\n\r\n", framed(b""), b"\xff" * 64, framed(b"x" * 99)):
            reader, writer = await asyncio.open_connection("127.0.0.1", switch.port)
            writer.write(nonsense)
            async with asyncio.timeout(10):
                assert len(await reader.read()) == 64
            writer.close()
        too_large = struct.pack(">q", GO.max_frame_bytes + 1)
        negative = struct.pack(">q", -1)
        for frame in (framed(b""), framed(bytes(119)), framed(bytes(300)), too_large, negative):
            go = ScriptedNode(ANN, "go node", SERVICES_NODE)
            await go.join(switch.port)
            go.raw(frame * 3)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await go.hear_of("nothing", Action.POST)
            await go.close()
            await until(lambda: switch.directory.node(ANN) is None)
        answer = await vnic.request(vnic.uuid, "Songs", 0, Action.GET, ["fine"])
        assert answer.first == "fine"
        assert switch.statistics().protocol_violations == 9


@pytest.mark.feature("NIC-01")
async def test_first_words_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """However soon the other end speaks, the steps of a handshake leave in their order."""
    connected = Link.connection_made

    def connection_made(link: Link, transport: asyncio.BaseTransport) -> None:
        connected(link, transport)
        link.data_received(framed(CIPHER.encrypt(SECRET)))

    monkeypatch.setattr(Link, "connection_made", connection_made)
    async with ScriptedSwitch(SWITCH) as hub, asyncio.TaskGroup() as tasks:
        hub.greeted = True
        vnic = make_vnic(parts(hub.port))
        entered = tasks.create_task(vnic.__aenter__())
        await hub.admit()
        assert hub.peer[:3] == [SECRET, vnic.uuid.encode(), b"false"]
        await entered
        await vnic.__aexit__(None, None, None)
