# SPDX-License-Identifier: Apache-2.0
"""Messages on their way to a node that closes: each is handled or comes back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from l8types.constants import SYSTEM_AREA_PRIMARY, SYSTEM_MESSAGE_SERVICE
from l8types.enums import Action, MulticastMode
from l8types.values import Message, ServiceKey
from layer8_net import _leaving
from layer8_net._core import records
from layer8_net._core.frame import PACK, encode_message
from layer8_net._core.switch_events import FramesReceived, PeerLost
from layer8_net._go.codec import encode_message as encode_go
from layer8_net._session import _HANDLERS

from .fakes import make_switch, make_vnic, metrics_of, new_id, node, resources, services_of, until
from .go_net import node as go_node
from .go_net import parts
from .go_parts import CIPHER, PaperNet
from .virtual import VirtualNet, VirtualNode

if TYPE_CHECKING:
    from layer8_net import TcpVNic

    from .fakes import FakeElements, Handler

BOOKS = ServiceKey("Books", 3)
POST = (BOOKS.name, BOOKS.area, Action.POST)


def _numbers(vnic: TcpVNic, *, failed: bool) -> list[int]:
    """Contents of the messages that came to a node, or came back to it."""
    return [
        cast("int", vnic.resources.elements.decode(message.data).first)
        for message in services_of(vnic).messages
        if bool(message.failure) is failed
    ]


def behind(gate: asyncio.Event) -> Handler:
    """A handler that waits until it is let go."""

    async def wait(elements: FakeElements, message: Message) -> FakeElements | None:
        await gate.wait()
        return None

    return wait


class TestOneWay:
    """Messages without an answer."""

    @pytest.mark.feature("NET-09", "NIC-17")
    @pytest.mark.parametrize("switches", [1, 2])
    async def test_none_is_lost(self, switches: int) -> None:
        """While a node closes each message to it is handled, or comes back with its data."""
        async with make_switch() as first, make_switch() as other, asyncio.TaskGroup() as tasks:
            if switches > 1:
                await first.connect("127.0.0.1", other.port)
            async with node(first) as sender:
                leaving = make_vnic(resources((other if switches > 1 else first).port))
                await leaving.__aenter__()
                await leaving.announce(BOOKS)
                await until(lambda: bool(sender.directory.providers(BOOKS)))
                sent = 0
                ended: asyncio.Task[None] | None = None
                while len(_numbers(sender, failed=True)) < 50:
                    for _ in range(20):
                        await sender.send(leaving.uuid, *POST, sent)
                        sent += 1
                    await asyncio.sleep(0)
                    if ended is None and len(_numbers(leaving, failed=False)) > 200:
                        ended = tasks.create_task(leaving.__aexit__(None, None, None))

                def fates() -> list[int]:
                    return _numbers(leaving, failed=False) + _numbers(sender, failed=True)

                await until(lambda: len(fates()) >= sent)
                assert sorted(fates()) == list(range(sent))
        back = [one for one in services_of(sender).messages if one.failure]
        assert {one.failure.split(":")[0] for one in back} <= {"moved", "unavailable"}

    async def test_what_waits_for_a_handler(self) -> None:
        """What no handler was free for comes back at once; what was begun is finished."""
        gate = asyncio.Event()
        async with make_switch() as switch, node(switch) as sender, asyncio.TaskGroup() as tasks:
            parts_ = resources(switch.port)
            parts_.services.handler = behind(gate)
            leaving = make_vnic(parts_)
            await leaving.__aenter__()
            for number in range(_HANDLERS + 3):
                await sender.send(leaving.uuid, *POST, number)
            await until(lambda: leaving.statistics().queued_messages == 3)
            tasks.create_task(leaving.__aexit__(None, None, None))
            await until(lambda: len(_numbers(sender, failed=True)) == 3)
            assert sorted(_numbers(sender, failed=True)) == [_HANDLERS + n for n in range(3)]
            gate.set()
        assert leaving.statistics().returned_messages == 3
        assert metrics_of(leaving).counters["layer8_messages_returned_total"] == 3

    async def test_to_all(self, caplog: pytest.LogCaptureFixture) -> None:
        """What was for all providers does not come back, as others got it; it is told of."""
        gate = asyncio.Event()
        async with make_switch() as switch, node(switch) as sender, asyncio.TaskGroup() as tasks:
            parts_ = resources(switch.port)
            parts_.services.handler = behind(gate)
            leaving = make_vnic(parts_)
            await leaving.__aenter__()
            await leaving.announce(BOOKS)
            await until(lambda: bool(sender.directory.providers(BOOKS)))
            for number in range(_HANDLERS + 2):
                await sender.send(MulticastMode.ALL, *POST, number)
            await until(lambda: leaving.statistics().queued_messages == 2)
            tasks.create_task(leaving.__aexit__(None, None, None))
            await until(lambda: leaving.statistics().dropped_messages == 2)
            gate.set()
        assert _numbers(sender, failed=True) == []
        assert metrics_of(leaving).counters["layer8_messages_dropped_total"] == 2
        assert "2 messages were not handled" in caplog.text

    async def test_go_profile(self) -> None:
        """There, too, what reached a node that closes comes back."""
        gate = asyncio.Event()
        async with (
            make_switch(parts()) as switch,
            go_node(switch) as sender,
            asyncio.TaskGroup() as tasks,
        ):
            parts_ = parts(switch.port)
            parts_.services.handler = behind(gate)
            leaving = make_vnic(parts_)
            await leaving.__aenter__()
            await until(lambda: sender.directory.node(leaving.uuid) is not None)
            for number in range(_HANDLERS + 3):
                await sender.send(leaving.uuid, *POST, number)
            await until(lambda: leaving.statistics().queued_messages == 3)
            tasks.create_task(leaving.__aexit__(None, None, None))
            await until(lambda: len(_numbers(sender, failed=True)) == 3)
            gate.set()

    async def test_a_switch_that_does_not_confirm(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The end waits for the switch no longer than it may, and says that it did not answer."""
        monkeypatch.setattr(_leaving, "_CONFIRM_SECONDS", 0.05)
        async with make_switch() as switch:
            async with node(switch) as leaving:
                switch._core._leave = lambda *_: None  # type: ignore[attr-defined]
            assert "did not confirm the end within 0.05 s" in caplog.text
            assert not leaving.connected


class TestSwitch:
    """The switch of a node that leaves."""

    def leave(self, who: VirtualNode) -> None:
        """Tell the switch that a node takes no more messages."""
        who.send(
            destination=who.net.me.uuid,
            service=SYSTEM_MESSAGE_SERVICE,
            area=SYSTEM_AREA_PRIMARY,
            action=Action.DELETE,
            data=records.encode_records([records.own_record(who.uuid)]),
        )

    def test_last_word(self) -> None:
        """It is told last that it is gone; what comes later goes back, what it sends goes on."""
        net = VirtualNet()
        a, b = net.join(), net.join(BOOKS)
        self.leave(b)
        last = b.records[-1]
        assert last.action is Action.DELETE
        assert [one.a_uuid for one in records.decode_records(last.data)] == [b.uuid]
        assert net.core.directory.node(b.uuid) is None
        count = len(b.records)
        a.send(destination=b.uuid, data=b"late")
        assert (a.received[-1].failure, a.received[-1].data) == (
            f"unavailable: no node {b.uuid} in the network",
            b"late",
        )
        b.send(destination=a.uuid, data=b"bye", reply=True)
        assert a.received[-1].data == b"bye"
        net.join()
        assert (len(b.records), b.received) == (count, [])
        b.leave()
        assert net.core.directory.node(a.uuid) is not None

    def test_twice(self) -> None:
        """Whoever says it twice, or comes back under the same id, confuses nobody."""
        net = VirtualNet()
        a = net.join(BOOKS)
        self.leave(a)
        told = len(a.records)
        self.leave(a)
        assert len(a.records) == told
        again = net.join(BOOKS, uuid=a.uuid)
        self.leave(a)
        a.leave()
        assert net.core.directory.providers(BOOKS) == (again.uuid,)

    def test_what_never_left(self) -> None:
        """What waited for a connection that ended comes back; what was for all is counted."""
        net = VirtualNet()
        a, b = net.join(), net.join(BOOKS)
        mine = a.message(destination=b.uuid, data=b"x", sequence=7)
        to_all = a.message(mode=MulticastMode.ALL)
        news = net.core._census.everybody()
        unsent = [encode_message(one) for one in (mine, to_all)]
        no_pack = unsent[0][:5] + bytes([PACK]) + unsent[0][6:]
        del net.nodes[b.number]
        net.step(PeerLost(b.number, [*unsent, no_pack, news, b"\0\0\0\x04\x01\x00ok"]))
        [back] = a.received
        assert (back.sequence, back.data, back.reply) == (7, b"x", True)
        assert back.failure == f"unavailable: node {b.uuid} was gone before the message was sent on"
        assert (net.core.counters.returned, net.core.counters.dropped) == (1, 2)

    def test_what_never_left_in_the_go_profile(self) -> None:
        """The same there."""
        net = PaperNet()
        a, b = net.join(), net.join()
        net.clear()
        del net.peers[b.number]
        mine = a.message(destination=b.uuid, service="Books", data=b"x", sequence=7)
        to_all = a.message(service="Books", mode=MulticastMode.ALL)
        news = net.core.seal(Message(service="Books", destination=b.uuid))
        unsent = [encode_go(one, CIPHER) for one in (mine, to_all)]
        torn = unsent[0][:-9]
        net.step(PeerLost(b.number, [*unsent, torn, news, b"hello"]))
        [back] = [one for one in a.messages if one.service == "Books"]
        assert (back.sequence, back.data, back.reply) == (7, b"x", True)
        assert "was gone before the message was sent on" in back.failure
        assert (net.core.counters.returned, net.core.counters.dropped) == (1, 2)

    def test_a_message_that_cannot_be_written_back(self) -> None:
        """In the go profile one without a service can be read, but no answer to it be made."""
        net = PaperNet()
        a = net.join()
        net.clear()
        frame = encode_go(a.message(destination=new_id(), service="Books"), CIPHER)
        nameless = frame.replace(b"Books", bytes(5), 1)
        net.step(FramesReceived(a.number, [nameless]))
        assert a.messages == []
        assert (net.core.counters.returned, net.core.counters.dropped) == (0, 1)
