# SPDX-License-Identifier: Apache-2.0
"""The interface as a state machine, without sockets and with a virtual clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.constants import DESTINATION_SINGLE, SYSTEM_AREA_PRIMARY, SYSTEM_MESSAGE_SERVICE
from l8types.enums import Action, DirectoryEventType, MulticastMode, NodeState
from l8types.errors import (
    DecodeError,
    EncodeError,
    InvalidInputError,
    L8Error,
    NotFoundError,
    RemoteProtocolError,
    RequestTimeoutError,
    UnavailableError,
)
from l8types.frozen import replace
from l8types.values import Message, NodeInfo, NodeStatistics, ServiceKey
from layer8_net._core import records
from layer8_net._core.control import Controls
from layer8_net._core.frame import decode_message, encode_message, node_bytes
from layer8_net._core.handshake import Endpoint
from layer8_net._core.stream import INITIAL_BYTES, Window
from layer8_net._core.vnic import VNicCore
from layer8_net._core.vnic_events import (
    Cancelled,
    Changed,
    Completed,
    Connected,
    ConnectionLost,
    Deliver,
    Effect,
    FramesReceived,
    Granted,
    PartReceived,
    Ready,
    Send,
    Silent,
    StreamAsked,
    Tick,
)
from layer8_net.errors import PeerLostError

from .fakes import new_id

ME = Endpoint(new_id(), "me", 5.0)
SWITCH = Endpoint(new_id(), "switch", 2.0, is_switch=True)
PEER = NodeInfo(new_id(), "peer", SWITCH.uuid, services={ServiceKey("S"): "Model"})
SELF = NodeInfo(ME.uuid, "me", SWITCH.uuid)
S = ServiceKey("S")

Core = VNicCore[str]


def _connected() -> Core:
    core = Core(ME)
    core.step(Connected(SWITCH), 100.0)
    _records(core, Action.PUT, SELF, PEER)
    return core


def _receive(core: Core, *messages: Message) -> list[Effect[str]]:
    return core.step(FramesReceived([encode_message(message) for message in messages]), 100.0)


def _records(core: Core, action: Action, *nodes: NodeInfo, source: str = "") -> list[Effect[str]]:
    data = records.encode_records(map(records.record_of, nodes))
    return _receive(
        core,
        Message(
            source=source or SWITCH.uuid,
            vnet=SWITCH.uuid,
            service=SYSTEM_MESSAGE_SERVICE,
            area=SYSTEM_AREA_PRIMARY,
            action=action,
            data=data,
        ),
    )


def _ask(core: Core, waiter: str, target: str | MulticastMode, timeout: float = 5.0) -> Message:
    address = core.address(target, one=True)
    sequence = core.open_request(waiter, address[0], timeout, 100.0)
    frame = core.frame(
        address, "S", 0, Action.GET, b"?", sequence=sequence, request=True, timeout=timeout
    )
    return decode_message(bytes(frame))


def _outcomes(effects: list[Effect[str]]) -> list[tuple[str, L8Error | None, bytes]]:
    return [one for effect in effects if isinstance(effect, Completed) for one in effect.answers]


def _sent(effects: list[Effect[str]]) -> list[Message]:
    return [
        decode_message(frame)
        for effect in effects
        if isinstance(effect, Send)
        for frame in effect.frames
    ]


class TestConnecting:
    """From the handshake to being part of the network."""

    def test_services_are_announced_with_every_connection(self) -> None:
        """W-23: what was offered before, and before an outage, is reported at once."""
        core = Core(ME)
        core.offer(S, "Model")
        for _ in range(2):
            [report] = _sent(core.step(Connected(SWITCH), 1.0))
            assert (report.destination, report.service) == (SWITCH.uuid, SYSTEM_MESSAGE_SERVICE)
            [record] = records.decode_records(report.data)
            assert records.node_of(record).services == {S: "Model"}
            core.step(ConnectionLost("gone"), 2.0)

    def test_ready_with_the_directory(self) -> None:
        """The node is ready when it knows the others, not before."""
        core = Core(ME)
        assert Ready() not in core.step(Connected(SWITCH), 1.0)
        effects = _records(core, Action.PUT, SELF, PEER)
        assert effects[-1] == Ready()
        assert core.directory.providers(S) == (PEER.uuid,)

    def test_directory_without_this_node(self) -> None:
        """A directory that does not know this node is not believed."""
        core = Core(ME)
        core.step(Connected(SWITCH), 1.0)
        assert _records(core, Action.PUT, PEER) == []
        assert core.counters.malformed == 1

    def test_silence(self) -> None:
        """A switch is given up after three of its own intervals."""
        core = _connected()
        assert core.step(Tick(), 105.9) == []
        assert core.step(Tick(), 106.0) == [Silent("no sign of life for 6.0 s")]
        core.step(ConnectionLost("gone"), 106.0)
        assert core.step(Tick(), 200.0) == []

    def test_a_pause_of_its_own_is_no_silence(self) -> None:
        """A node that did not run itself reads what waits before it gives its switch up."""
        core = _connected()
        core.step(Tick(), 100.0)
        assert core.step(Tick(), 700.0) == []
        core.step(FramesReceived([]), 700.0)
        assert core.step(Tick(), 705.0) == []
        assert core.step(Tick(), 706.0) == [Silent("no sign of life for 6.0 s")]


class TestDirectory:
    """The replica."""

    def test_changes(self) -> None:
        """Nodes join, change and leave as the switch says."""
        core = _connected()
        newcomer = NodeInfo(new_id(), "new", SWITCH.uuid)
        kinds = []
        for action, known in [
            (Action.POST, newcomer),
            (Action.PATCH, NodeInfo(newcomer.uuid, "new", SWITCH.uuid, NodeState.UNREACHABLE)),
            (Action.DELETE, newcomer),
        ]:
            [effect] = _records(core, action, known)
            assert isinstance(effect, Changed)
            kinds += [event.type for event in effect.events]
        assert kinds == list(DirectoryEventType)

    def test_fresh_directory_after_an_outage(self) -> None:
        """Who is not there any more after a reconnection has left."""
        core = _connected()
        core.step(ConnectionLost("gone"), 101.0)
        core.step(Connected(SWITCH), 102.0)
        effects = _records(core, Action.PUT, SELF)
        assert isinstance(effects[0], Changed)
        assert [event.node.uuid for event in effects[0].events] == [PEER.uuid]
        assert core.directory.node(PEER.uuid) is None

    def test_own_services_are_known_best_here(self) -> None:
        """The switch's older view of this node does not undo what it offers."""
        core = _connected()
        core.offer(S, "")
        _records(core, Action.PATCH, SELF)
        assert ME.uuid in core.directory.providers(S)
        _records(core, Action.DELETE, SELF)
        assert ME.uuid in core.directory.providers(S)
        assert core.withdraw(ServiceKey("Unknown")) == []
        core.withdraw(S)
        assert core.directory.providers(S) == (PEER.uuid,)

    def test_records_of_others_than_the_switch(self) -> None:
        """Nobody but the switch may change the replica."""
        core = _connected()
        assert _records(core, Action.DELETE, PEER, source=PEER.uuid) == []
        assert core.directory.node(PEER.uuid) is not None
        assert core.counters.malformed == 1

    @pytest.mark.parametrize("data", [b"\xff", b"\x0a\x00"])
    def test_nonsense(self, data: bytes) -> None:
        """Records that make no sense are counted and change nothing."""
        core = _connected()
        message = Message(
            source=SWITCH.uuid,
            service=SYSTEM_MESSAGE_SERVICE,
            area=SYSTEM_AREA_PRIMARY,
            action=Action.PATCH,
            data=data,
        )
        assert _receive(core, message) == []
        assert core.counters.malformed == 1

    def test_unknown_action(self) -> None:
        """A system message with another action is counted."""
        core = _connected()
        _records(core, Action.GET, PEER)
        assert core.counters.malformed == 1

    def test_report(self) -> None:
        """A periodic report carries figures and leaves the services alone."""
        message = decode_message(_connected().report(NodeStatistics(tx_messages=5)))
        [record] = records.decode_records(message.data)
        assert record.stats.tx_msg_count == 5
        assert not record.HasField("services")


class TestRequests:
    """Requests and what completes them."""

    def test_answers(self) -> None:
        """Answers wake those who wait, all of one batch in one effect."""
        core = _connected()
        asked = [_ask(core, waiter, PEER.uuid) for waiter in "ab"]
        effects = _receive(core, *(_answer(message, b"!") for message in asked))
        assert effects == [Completed([("a", None, b"!"), ("b", None, b"!")])]
        assert _receive(core, _answer(asked[0], b"!")) == []
        assert core.counters.late == 1

    def test_failure(self) -> None:
        """A request that came back is an error of the class that its text names."""
        core = _connected()
        asked = _ask(core, "a", PEER.uuid)
        failure = _answer(asked, b"", failure="not-found: no such book", request=True)
        [(waiter, error, _)] = _outcomes(_receive(core, failure))
        assert waiter == "a"
        assert isinstance(error, NotFoundError)
        assert error.message == "no such book"

    def test_time_out(self) -> None:
        """A request ends when its time is over, and says how long that was."""
        core = _connected()
        _ask(core, "a", PEER.uuid, 5.0)
        _ask(core, "b", MulticastMode.LEADER, 0.5)
        _records(core, Action.PATCH, PEER)
        assert core.step(Tick(), 100.4) == []
        [(waiter, error, _)] = _outcomes(core.step(Tick(), 100.6))
        assert (waiter, type(error)) == ("b", RequestTimeoutError)
        assert "any provider within 0.5 s" in str(error)
        deadline = core.next_deadline()
        assert deadline is not None
        assert 105.0 <= deadline < 105.1

    def test_lost_connection(self) -> None:
        """All pending requests fail with the connection, each with an error of its own."""
        core = _connected()
        _ask(core, "a", PEER.uuid)
        _ask(core, "b", MulticastMode.ROUND_ROBIN)
        outcomes = _outcomes(core.step(ConnectionLost("cut"), 101.0))
        assert [waiter for waiter, _, _ in outcomes] == ["a", "b"]
        assert all(isinstance(error, UnavailableError) for _, error, _ in outcomes)
        assert outcomes[0][1] is not outcomes[1][1]
        assert core.step(ConnectionLost("again"), 101.0) == []

    def test_departure(self) -> None:
        """A request to a node that leaves fails, others go on."""
        core = _connected()
        _ask(core, "a", PEER.uuid)
        _ask(core, "b", MulticastMode.ROUND_ROBIN)
        [(waiter, error, _)] = _outcomes(_records(core, Action.DELETE, PEER))
        assert (waiter, type(error)) == ("a", PeerLostError)

    @pytest.mark.parametrize("mode", list(MulticastMode)[:5])
    def test_one_provider(self, mode: MulticastMode) -> None:
        """A request by rule asks for one provider."""
        message = _ask(_connected(), "a", mode)
        assert (message.destination, message.mode) == (DESTINATION_SINGLE, mode)
        assert (message.source, message.vnet) == (ME.uuid, SWITCH.uuid)

    def test_sequence_numbers_differ(self) -> None:
        """Messages without an answer have numbers too."""
        core = _connected()
        address = core.address(PEER.uuid, one=False)
        frames = [core.frame(address, "S", 0, Action.GET, b"") for _ in range(2)]
        assert [decode_message(bytes(frame)).sequence for frame in frames] == [1, 2]

    def test_bad_addresses(self) -> None:
        """What is no node id, and a service without a name, are refused."""
        core = _connected()
        for target in ("short", MulticastMode.UNICAST):
            with pytest.raises(InvalidInputError):
                core.address(target, one=True)
        with pytest.raises(EncodeError):
            core.frame(core.address("", one=True), "", 0, Action.GET, b"")


class TestControls:
    """Cancellation, credit, parts and echoes."""

    def test_cancel_and_credit(self) -> None:
        """Messages about requests are told with who asked and which request is meant."""
        core = _connected()
        peer = Controls(node_bytes(PEER.uuid))
        frames = [
            peer.cancel_frame(node_bytes(ME.uuid), "S", 0, 7),
            peer.credit_frame(node_bytes(ME.uuid), "S", 0, 8, (3, 40)),
        ]
        assert core.step(FramesReceived(frames), 100.0) == [
            Cancelled(PEER.uuid, 7),
            Granted(PEER.uuid, 8, 3, 40),
        ]

    def test_stream_request(self) -> None:
        """A request that asks for parts is told apart from others, and refused as they are."""
        core = _connected()
        asked = Message(source=PEER.uuid, service="S", sequence=7, request=True, stream=True)
        assert _receive(core, asked) == [StreamAsked(asked)]
        refusal = decode_message(core.refusal_frame(asked, UnavailableError("closing")))
        assert (refusal.request, refusal.reply, refusal.stream) == (True, True, False)
        assert _receive(core, replace(asked, request=False)) == []
        assert core.counters.malformed == 1

    def test_parts(self) -> None:
        """Parts go to their reader: those of a known stream, within its credit, from its maker."""
        core = _connected()
        asked = _ask(core, "reader", PEER.uuid)
        peer, other = Controls(node_bytes(PEER.uuid)), Controls(node_bytes(new_id()))
        part = peer.part_frame(replace(asked, source=ME.uuid), b"1")
        foreign = other.part_frame(replace(asked, source=ME.uuid), b"1")
        assert core.step(FramesReceived([part]), 100.0) == []
        assert core.counters.late == 1
        window = core.controls.windows[asked.sequence] = Window()
        effects = core.step(FramesReceived([part, foreign]), 100.0)
        assert effects == [PartReceived("reader", PEER.uuid, b"1")]
        assert core.counters.malformed == 1
        window.receive(INITIAL_BYTES)
        [(waiter, error, _)] = _outcomes(core.step(FramesReceived([part]), 100.0))
        assert (waiter, type(error)) == ("reader", RemoteProtocolError)
        assert core.pending.get(asked.sequence) is None

    def test_answers_of_others(self) -> None:
        """W-15: an answer counts only from the node that was asked; it is still waited for."""
        core = _connected()
        asked = _ask(core, "a", PEER.uuid)
        forged = replace(_answer(asked, b"forged"), source=new_id())
        assert _receive(core, forged) == []
        assert core.counters.malformed == 1
        assert _outcomes(_receive(core, _answer(asked, b"!"))) == [("a", None, b"!")]

    def test_echo(self) -> None:
        """Whoever asks for an echo gets it at once, behind all that was sent to it before."""
        core = _connected()
        peer = Controls(node_bytes(PEER.uuid))
        frame = peer.echo_request_frame(ME.uuid, 9)
        [echo] = _sent(core.step(FramesReceived([frame]), 100.0))
        assert (echo.destination, echo.sequence, echo.reply) == (PEER.uuid, 9, True)
        assert (echo.service, echo.data) == (SYSTEM_MESSAGE_SERVICE, b"")

    def test_flags_that_do_not_go_together(self) -> None:
        """A cancel that is no reply would come back to its sender: it is refused."""
        core = _connected()
        frame = bytearray(
            Controls(node_bytes(PEER.uuid)).cancel_frame(node_bytes(ME.uuid), "S", 0, 7)
        )
        frame[9] = 32
        assert core.step(FramesReceived([bytes(frame)]), 100.0) == []
        assert core.counters.malformed == 1
        with pytest.raises(DecodeError, match="do not go together"):
            decode_message(bytes(frame))

    @given(st.binary(max_size=40), st.integers(0, 255))
    def test_any_control(self, data: bytes, flags: int) -> None:
        """Whatever flags and data come together, no error leaves the core."""
        core = _connected()
        frame = bytearray(encode_message(Message(source=PEER.uuid, service="S", data=data)))
        frame[9] = flags
        core.step(FramesReceived([bytes(frame)]), 100.0)


class TestReceiving:
    """Messages for this node."""

    def test_order(self) -> None:
        """Messages and answers keep their order."""
        core = _connected()
        asked = _ask(core, "a", PEER.uuid)
        first, second, third = (
            Message(source=PEER.uuid, destination=ME.uuid, service="S", sequence=number)
            for number in range(3)
        )
        effects = _receive(core, first, second, _answer(asked, b"!"), third)
        assert effects == [
            Deliver([first, second]),
            Completed([("a", None, b"!")]),
            Deliver([third]),
        ]

    def test_returned_message(self) -> None:
        """A message without an answer that came back is delivered with its reason."""
        core = _connected()
        back = Message(source=SWITCH.uuid, service="S", reply=True, failure="unavailable: x")
        assert _receive(core, back) == [Deliver([back])]

    def test_request_that_cannot_be_understood(self) -> None:
        """Its sender is told; other such messages are only counted."""
        core = _connected()
        frames = []
        for request in (True, False):
            message = Message(source=PEER.uuid, service="S", sequence=7, request=request)
            frame = bytearray(encode_message(message))
            frame[9] |= 0x40
            frames.append(bytes(frame))
        [refusal] = _sent(core.step(FramesReceived(frames), 100.0))
        assert (refusal.destination, refusal.sequence) == (PEER.uuid, 7)
        assert refusal.failure.startswith("decode: ")
        assert core.counters.malformed == 2

    def test_reply(self) -> None:
        """An answer goes to who asked, with everything that pairs it with the request."""
        core = _connected()
        request = Message(
            source=PEER.uuid, service="S", area=3, sequence=7, request=True, identity="i", trace="t"
        )
        reply = decode_message(bytes(core.reply_frame(request, b"!")))
        assert (reply.destination, reply.sequence, reply.reply) == (PEER.uuid, 7, True)
        assert (reply.action, reply.key, reply.data) == (Action.REPLY, ServiceKey("S", 3), b"!")
        assert (reply.identity, reply.trace) == ("i", "t")
        refusal = decode_message(core.refusal_frame(request, UnavailableError("closing")))
        assert (refusal.destination, refusal.failure) == (PEER.uuid, "unavailable: closing")
        assert (refusal.request, refusal.reply) == (True, True)

    @given(st.lists(st.binary(max_size=200), max_size=3))
    def test_any_bytes(self, frames: list[bytes]) -> None:
        """Whatever the switch sends, no error leaves the core."""
        core = _connected()
        core.step(FramesReceived(frames), 100.0)
        assert core.counters.malformed <= len(frames)


def _answer(asked: Message, data: bytes, *, failure: str = "", request: bool = False) -> Message:
    return Message(
        source=PEER.uuid,
        destination=asked.source,
        service=asked.service,
        action=Action.REPLY,
        sequence=asked.sequence,
        reply=True,
        request=request,
        failure=failure,
        data=data,
    )
