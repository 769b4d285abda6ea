# SPDX-License-Identifier: Apache-2.0
"""Messages that are like earlier ones are read and written like all others."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from l8types.enums import Action, MulticastMode, Priority
from l8types.values import Message
from layer8_net._core import vnic_events as events
from layer8_net._core.frame import (
    HEADER_SIZE,
    decode_message,
    encode_message,
    node_bytes,
    read_data,
    read_header,
)
from layer8_net._core.handshake import Endpoint
from layer8_net._core.usual import Known, Repeated
from layer8_net._core.vnic import VNicCore

ME, SWITCH, OTHER = (str(UUID(int=number)) for number in (1, 2, 3))

MESSAGES = st.builds(
    Message,
    source=st.sampled_from([OTHER, SWITCH]),
    vnet=st.just(SWITCH),
    destination=st.sampled_from([ME, ""]),
    service=st.sampled_from(["A", "Books"]),
    area=st.integers(0, 255),
    priority=st.sampled_from(Priority),
    mode=st.sampled_from([MulticastMode.ALL, MulticastMode.PROXIMITY]),
    action=st.sampled_from([Action.POST, Action.GET]),
    identity=st.sampled_from(["", "me"]),
    sequence=st.integers(0, 2**64 - 1),
    timeout=st.integers(0, 60_000).map(lambda number: number / 1000),
    request=st.booleans(),
    failure=st.sampled_from(["", "", "", "why"]),
    trace=st.sampled_from(["", "", "", "00-1-2-01"]),
    data=st.binary(max_size=8),
)


def _core() -> VNicCore[str]:
    core: VNicCore[str] = VNicCore(Endpoint(ME, "me", is_switch=False, keep_alive=4.0))
    core.step(events.Connected(Endpoint(SWITCH, "s", is_switch=True, keep_alive=4.0)), 0.0)
    return core


def _delivered(core: VNicCore[str], frames: list[bytes]) -> list[Message]:
    effects = core.step(events.FramesReceived(frames), 1.0)
    return [one for effect in effects for one in getattr(effect, "messages", ())]


@given(st.lists(MESSAGES, max_size=12))
def test_reading_again(messages: list[Message]) -> None:
    """However often similar messages came before, each is delivered as it was sent, in order."""
    core = _core()
    frames = [encode_message(one) for one in messages]
    expected = [decode_message(frame) for frame in frames]
    assert expected == messages
    assert _delivered(core, frames) == expected
    assert _delivered(core, frames) == expected


@given(MESSAGES, st.integers(0, 400), st.integers(0, 255))
def test_damaged_likeness(message: Message, place: int, byte: int) -> None:
    """A damaged frame is taken by one that knows its like as by one that knows nothing."""
    frame = bytearray(encode_message(message))
    knowing = _core()
    knowing.step(events.FramesReceived([bytes(frame)]), 1.0)
    before = knowing.counters.malformed
    frame[place % len(frame)] = byte
    new = _core()
    damaged = [bytes(frame)]
    effects = new.step(events.FramesReceived(damaged), 1.0)
    assert knowing.step(events.FramesReceived(damaged), 1.0) == effects
    assert knowing.counters.malformed - before == new.counters.malformed


@given(
    st.lists(
        st.tuples(
            st.sampled_from([OTHER, MulticastMode.ALL, MulticastMode.PROXIMITY]),
            st.sampled_from(["A", "Books"]),
            st.integers(0, 255),
            st.sampled_from([Action.POST, Action.GET]),
            st.binary(max_size=5),
            st.sampled_from(["", "me"]),
            st.sampled_from(Priority),
            st.booleans(),
            st.integers(0, 60_000),
        ),
        max_size=10,
    )
)
def test_writing_again(
    calls: list[tuple[str | MulticastMode, str, int, Action, bytes, str, Priority, bool, int]],
) -> None:
    """A frame says what it was made for, whatever was sent before it."""
    core = _core()
    for number, call in enumerate(calls * 2, 1):
        target, service, area, action, data, identity, priority, request, left_ms = call
        address = core.address(target, one=request)
        letter = core.frame(
            address,
            service,
            area,
            action,
            data,
            identity=identity,
            priority=priority,
            sequence=number,
            request=request,
            timeout=left_ms / 1000,
        )
        frame = bytes(letter)
        assert len(letter) == len(frame)
        header = read_header(frame)
        message = decode_message(frame)
        assert (header.source, header.vnet) == (node_bytes(ME), node_bytes(SWITCH))
        assert (header.destination, header.priority_mode & 15) == address
        assert (message.service, message.area, message.action) == (service, area, action)
        assert (message.data, message.identity, message.priority) == (data, identity, priority)
        assert (message.request, message.sequence) == (request, number)
        assert message.timeout == left_ms / 1000


def test_another_switch() -> None:
    """After a reconnection frames name the new switch."""
    core = _core()
    address = core.address(OTHER, one=True)
    core.frame(address, "A", 0, Action.GET, b"")
    again = core.frame(address, "A", 0, Action.GET, b"")
    assert read_header(bytes(again)).vnet == node_bytes(SWITCH)
    core.step(events.Connected(Endpoint(OTHER, "t", is_switch=True, keep_alive=4.0)), 1.0)
    moved = core.frame(address, "A", 0, Action.GET, b"")
    assert read_header(bytes(moved)).vnet == node_bytes(OTHER)


def test_what_is_remembered_is_bounded() -> None:
    """Names from outside do not fill the memory."""
    known, repeated = Known(), Repeated()
    for number in range(3000):
        message = Message(source=OTHER, service=f"S{number}", data=b"x")
        frame = encode_message(message)
        known.learn(frame, message)
        repeated.learn((number,), frame, message.data)
    assert 0 < len(known) <= 1024
    assert repeated.letter((0,), 1, 0.0, b"") is None
    letter = repeated.letter((2999,), 7, 0.0, b"yz")
    assert letter is not None
    last = bytes(letter)
    assert read_data(last, read_header(last)) == b"yz"
    assert read_header(last).sequence == 7
    long = Message(source=OTHER, service="S", identity="i" * 600)
    known.learn(encode_message(long), long)
    assert all(len(key) < HEADER_SIZE + 600 for key in known)
