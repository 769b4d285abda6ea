# SPDX-License-Identifier: Apache-2.0
"""The core of an interface in a Go network: calls, answers and failures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.constants import DESTINATION_SINGLE
from l8types.enums import Action, MulticastMode, Priority, TransactionState
from l8types.errors import InvalidInputError, RequestTimeoutError, UnavailableError
from l8types.frozen import replace
from l8types.pb import L8Transaction
from l8types.values import Message, Transaction
from layer8_net._core.vnic_events import ConnectionLost, FramesReceived, Silent, Tick
from layer8_net._go.codec import decode_frame, encode_message
from layer8_net._go.records import gone_notice
from layer8_net._go.values import pack_elements, pack_error
from layer8_net.errors import LinkLostError, PeerLostError

from .go_node import BOBS, Harness
from .go_parts import ANN, BOB, CIPHER, OTHER, SONGS, SWITCH, take_apart


@pytest.mark.feature("WIR-06")
def test_answers() -> None:
    """An answer wakes who waits, once."""
    one = Harness()
    sequence = one.ask()
    answer = {"action": Action.REPLY, "reply": True, "sequence": sequence, "data": b"song"}
    one.hear(**answer)
    assert one.answers == [("who", None, b"song")]
    one.hear(**answer)
    assert one.answers == []
    assert one.core.counters.late == 1


@pytest.mark.feature("NET-09")
def test_a_failed_request_ends_at_once() -> None:
    """W-11: a request that comes back as failed ends with the reason, not with its time-out."""
    one = Harness()
    sequence = one.ask()
    one.hear(reply=True, failure="Cannot find destination port for x", sequence=sequence)
    ((who, error, _),) = one.answers
    assert who == "who"
    assert type(error) is UnavailableError
    assert "Cannot find destination port" in error.message


def test_failures_keep_their_kind() -> None:
    """A reason with a known code is raised as that error."""
    one = Harness()
    sequence = one.ask()
    one.hear(reply=True, failure="not-found: no song", sequence=sequence)
    error = one.answers[0][1]
    assert error is not None
    assert error.code == "not-found"


def test_answers_of_the_switch_are_failures() -> None:
    """A switch that cannot deliver a request answers it with an error, for Go nodes' sake."""
    one = Harness()
    sequence = one.ask()
    data = pack_error("unavailable: no node")
    one.hear(source=SWITCH, action=Action.REPLY, reply=True, sequence=sequence, data=data)
    assert isinstance(one.answers[0][1], UnavailableError)
    sequence = one.ask()
    one.hear(action=Action.REPLY, reply=True, sequence=sequence, data=data)
    assert one.answers == [("who", None, data)]


@pytest.mark.feature("NET-09")
def test_a_failed_message_is_delivered() -> None:
    """A message without an answer that comes back goes to the service that sent it."""
    one = Harness()
    one.hear(reply=True, failure="gone", sequence=99, action=Action.POST)
    (message,) = one.delivered
    assert (message.failure, message.reply) == ("gone", True)


def test_own_words_that_come_back() -> None:
    """What the interface itself told to a node that left concerns no service."""
    one = Harness()
    for fields in ({"action": Action.SERVICE_REGISTER}, {"service": "Health"}):
        assert one.hear(reply=True, failure="gone", sequence=99, **fields) == []


def test_progress_is_no_answer() -> None:
    """A transaction's states on the way do not wake who waits for its end."""
    one = Harness()
    sequence = one.ask()
    part = Transaction(TransactionState.CREATED, id=OTHER)
    common = {"action": Action.REPLY, "reply": True, "sequence": sequence, "transaction": part}
    for state in (1, 2, 3):
        data = pack_elements([(L8Transaction(State=state, id=OTHER), None)])
        assert one.hear(**common, data=data) == []
    data = pack_elements([(L8Transaction(State=4, id=OTHER, end=9), None)])
    one.hear(**common, data=data)
    assert one.answers == [("who", None, data)]


def test_replies_are_of_the_request() -> None:
    """A reply carries what the request had: number, service, priority, mode, identity, part."""
    one = Harness()
    request = Message(
        source=BOB,
        vnet=OTHER,
        destination=ANN,
        service="Songs",
        area=3,
        priority=Priority.P2,
        mode=MulticastMode.PROXIMITY,
        action=Action.GET,
        identity=OTHER,
        sequence=77,
        timeout=3.0,
        request=True,
        data=b"?",
        transaction=Transaction(TransactionState.RUNNING, id=OTHER),
    )
    reply = decode_frame(one.core.reply_frame(request, b"!"), CIPHER)
    assert reply == replace(
        request,
        source=ANN,
        vnet=SWITCH,
        destination=BOB,
        action=Action.REPLY,
        request=False,
        reply=True,
        timeout=0.0,
        data=b"!",
    )
    refusal = take_apart(one.core.refusal_frame(request, UnavailableError("going")))
    assert (refusal.action, refusal.flags, refusal.failure) == (Action.REPLY, 2, b"")
    assert refusal.data == pack_error("unavailable: going")


@pytest.mark.feature("NIC-07", "NIC-08")
@pytest.mark.parametrize(
    ("target", "one", "destination", "mode"),
    [
        (BOB, False, BOB, 0),
        (BOB, True, BOB, 0),
        ("", True, DESTINATION_SINGLE, 1),
        (MulticastMode.ALL, False, "", 0),
        (MulticastMode.ROUND_ROBIN, True, DESTINATION_SINGLE, 1),
        (MulticastMode.PROXIMITY, False, "", 2),
        (MulticastMode.LEADER, True, DESTINATION_SINGLE, 4),
    ],
)
def test_addresses(target: str | MulticastMode, destination: str, mode: int, *, one: bool) -> None:
    """Each way to send has its destination and its mode."""
    core = Harness().core
    frame = core.frame(core.address(target, one=one), "Songs", 2, Action.POST, b"x", request=one)
    plain = take_apart(frame)
    assert (plain.destination, plain.mode, plain.area, plain.flags) == (
        destination,
        mode,
        2,
        int(one),
    )


def test_addresses_that_cannot_be() -> None:
    """What is no node id, and the mode that has no place in the header, is refused."""
    core = Harness().core
    for target in (MulticastMode.UNICAST, "short", "é" * 36):
        with pytest.raises(InvalidInputError):
            core.address(target, one=False)


@pytest.mark.feature("NIC-07")
def test_local_is_this_node() -> None:
    """A message to the local provider names this node: a Go switch would take any other one."""
    core = Harness().core
    address = core.address(MulticastMode.LOCAL, one=True)
    with pytest.raises(UnavailableError, match="on this node"):
        core.frame(address, "Songs", 0, Action.GET, b"x", request=True)
    core.offer(SONGS, "")
    frame = core.frame(address, "Songs", 0, Action.GET, b"x", request=True)
    assert take_apart(frame).destination == ANN


def test_long_payloads_and_deadlines() -> None:
    """The deadline of a request travels, so that nobody works on what nobody waits for."""
    core = Harness().core
    frame = core.frame(
        core.address(BOB, one=True), "Songs", 0, Action.GET, bytes(17_000), timeout=2.5
    )
    plain = take_apart(frame)
    assert (plain.timeout, len(plain.data)) == (3, 17_000)


@pytest.mark.feature("NIC-06")
def test_requests_end_with_the_connection() -> None:
    """Whoever waits when the connection is lost learns it at once."""
    one = Harness()
    one.ask()
    one.step(ConnectionLost("cut"))
    assert isinstance(one.answers[0][1], LinkLostError)
    assert one.core.next_deadline() is None


def test_requests_end_with_their_node() -> None:
    """Whoever waits for a node that leaves learns it at once."""
    one = Harness()
    one.report(BOBS)
    one.ask()
    one.ask("other", "")
    one.notice(gone_notice(BOBS, source=SWITCH, area=0, sequence=1))
    ((who, error, _),) = one.answers
    assert who == "who"
    assert isinstance(error, PeerLostError)


def test_time_outs() -> None:
    """A request without an answer ends when its time is over."""
    one = Harness()
    one.ask(timeout=2.0)
    one.ask("any", DESTINATION_SINGLE, timeout=2.0)
    deadline = one.core.next_deadline()
    assert deadline is not None
    one.now = deadline
    one.step(Tick())
    assert [type(error) for _, error, _ in one.answers] == [RequestTimeoutError] * 2


@pytest.mark.feature("NIC-06")
def test_silent_switch() -> None:
    """A switch that echoes no report any more is given up after three of them."""
    one = Harness()
    one.now += 14.9
    assert one.step(Tick()) == []
    one.now += 0.1
    (effect,) = one.step(Tick())
    assert isinstance(effect, Silent)
    one.hear()
    assert one.step(Tick()) == []


def test_a_pause_of_its_own_is_no_silence() -> None:
    """A node that did not run itself reads what waits before it gives its switch up."""
    one = Harness()
    one.step(Tick())
    one.now += 600.0
    assert one.step(Tick()) == []
    one.hear()
    for _ in range(2):
        one.now += 5.0
        assert one.step(Tick()) == []
    one.now += 5.0
    (effect,) = one.step(Tick())
    assert isinstance(effect, Silent)


def test_numbers_start_over() -> None:
    """W-32: after the largest number the first one follows, but none that is still waited for."""
    one = Harness()
    one.core.pending._sequence = 2**32 - 3
    first = one.ask()
    assert [one.ask(), one.ask(), one.ask()] == [2**32 - 1, 1, 2]
    one.core.pending._sequence = first - 1
    assert one.ask() == 3


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_any_bytes(frames: list[bytes]) -> None:
    """Arbitrary frames are counted and do nothing else."""
    one = Harness()
    assert one.step(FramesReceived(frames)) == []
    assert one.core.counters.malformed == len(frames)


@given(data=st.binary(max_size=200), action=st.sampled_from(Action), request=st.booleans())
def test_any_health(data: bytes, action: Action, *, request: bool) -> None:
    """Whatever a switch says about health, the core survives it."""
    one = Harness()
    one.hear(source=SWITCH, service="Health", action=action, data=data or b"x", request=request)
    assert one.core.directory.node(ANN) is not None


def test_strange_names() -> None:
    """A message of the system to a node, or one without a service, is counted and dropped."""
    one = Harness()
    assert one.hear(service="sysMsg", area=99) == []
    nameless = bytearray(encode_message(Message(source=BOB, service="S", data=b"x"), CIPHER))
    nameless[116] = 0
    assert one.step(FramesReceived([bytes(nameless)])) == []
    assert one.core.counters.malformed == 2
