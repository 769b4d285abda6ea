# SPDX-License-Identifier: Apache-2.0
"""The bytes of a message."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from l8types.enums import Action, MulticastMode, Priority
from l8types.errors import DecodeError, EncodeError, RemoteProtocolError
from l8types.values import Message
from layer8_net._core import frame as codec

from .fakes import new_id
from .strategies import MESSAGES

A, B, SWITCH = (char * 8 + "-1111-4111-8111-" + char * 12 for char in "abc")


@pytest.mark.feature("WIR-02", "WIR-04", "WIR-09", "l8types:TYP-07", "l8types:TYP-09")
@given(MESSAGES)
@example(Message(timeout=4.009))
def test_round_trip(message: Message) -> None:
    """Every message comes out of its frame as it went in."""
    assert codec.decode_message(codec.encode_message(message)) == message


@pytest.mark.feature("WIR-02")
def test_layout() -> None:
    """The fixed part of a frame is laid out as documented."""
    data = codec.encode_message(
        Message(
            source=A,
            vnet=SWITCH,
            destination=B,
            service="Books",
            area=7,
            priority=Priority.P1,
            mode=MulticastMode.LEADER,
            action=Action.GET,
            identity="me",
            sequence=0x0102030405060708,
            timeout=1.5,
            request=True,
            data=b"DATA",
            trace="t",
        )
    )
    assert data[:4] == (len(data) - 4).to_bytes(4, "big")
    assert data[4:12] == bytes([1, 16, 0x74, 7, 5, 1, 0, 5])
    assert data[12:20] == bytes(range(1, 9))
    assert data[20:24] == (1500).to_bytes(4, "big")
    assert (data[24:60], data[60:96], data[96:132]) == (A.encode(), SWITCH.encode(), B.encode())
    assert data[132:140] == bytes([0, 2, 0, 0, 0, 1, 0, 0])
    assert data[140:] == b"BooksmetDATA"


@pytest.mark.feature("WIR-03", "l8types:TYP-10")
@given(MESSAGES)
def test_header_alone(message: Message) -> None:
    """Source, switch, destination, service, area and mode are read without the body."""
    data = codec.encode_message(message)
    header = codec.read_header(data)
    assert header.source.rstrip(b"\0").decode() == message.source
    assert header.vnet.rstrip(b"\0").decode() == message.vnet
    assert header.destination.rstrip(b"\0").decode() == message.destination
    assert codec.read_service(data, header) == (message.service.encode(), message.area)
    assert codec.read_mode(header) is message.mode
    assert codec.read_data(data, header) == message.data
    assert codec.read_failure(data, header) == message.failure


@given(st.binary(max_size=400))
@example(b"")
def test_any_bytes(data: bytes) -> None:
    """Bytes of a stranger give a message or a protocol error, nothing else."""
    try:
        codec.decode_message(data)
    except RemoteProtocolError:
        return
    assert len(data) >= codec.HEADER_SIZE


@given(MESSAGES, st.data())
def test_damaged_frames(message: Message, choice: st.DataObject) -> None:
    """A frame that was changed or cut gives a message or a protocol error, nothing else."""
    data = bytearray(codec.encode_message(message))
    for _ in range(choice.draw(st.integers(1, 4))):
        data[choice.draw(st.integers(0, len(data) - 1))] = choice.draw(st.integers(0, 255))
    damaged = bytes(data[: choice.draw(st.integers(0, len(data)))])
    try:
        decoded = codec.decode_message(damaged)
    except RemoteProtocolError:
        return
    assert isinstance(decoded, Message)


@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [
        (4, 2, "version 2"),
        (5, 1, "frame type 1"),
        (6, 0x0F, "unknown action, mode"),
        (6, 0x80, "priority"),
        (8, 200, "unknown action"),
        (9, 0x80, "unknown flags"),
        (11, 255, "lengths of a message"),
        (0, 1, "claims"),
        (24, 255, "a text that is none"),
    ],
)
def test_refused_fields(offset: int, value: int, reason: str) -> None:
    """Another version, type, mode, priority, action, flag or length is named in the error."""
    data = bytearray(codec.encode_message(Message(service="S")))
    data[offset] = value
    with pytest.raises(DecodeError, match=reason):
        codec.decode_message(bytes(data))


@pytest.mark.parametrize(
    "message",
    [
        Message(service="x" * 256),
        Message(service="S", area=256),
        Message(service="S", mode=MulticastMode.UNICAST),
        Message(service="S", source="é"),
        Message(service="S", source="x" * 37),
        Message(service="S", sequence=2**64),
        Message(service="S", identity="x" * 65_536),
    ],
)
def test_what_does_not_fit(message: Message) -> None:
    """A field that the format cannot carry is an encode error, not a broken frame."""
    with pytest.raises(EncodeError):
        codec.encode_message(message)


def test_long_failure_is_cut_at_a_character() -> None:
    """A failure text above the limit is shortened, not refused, and stays readable."""
    text = codec.decode_message(codec.encode_message(Message(failure="é" * 40_000))).failure
    assert set(text) == {"é"}
    assert len(text) == 65_535 // 2


def test_short_timeout_is_not_lost() -> None:
    """A time-out below a millisecond does not become none."""
    assert codec.decode_message(codec.encode_message(Message(timeout=0.0001))).timeout == 0.001


@pytest.mark.feature("WIR-05", "l8types:TYP-08")
@given(MESSAGES)
def test_failure_frame(message: Message) -> None:
    """A message on its way back names its sender, the reason, and carries what was lost."""
    data = codec.encode_message(message)
    switch = new_id().encode()
    back = codec.decode_message(
        codec.failure_frame(
            data, codec.read_header(data), "unavailable: gone", source=switch, vnet=switch
        )
    )
    assert (back.destination, back.sequence) == (message.source, message.sequence)
    assert (back.service, back.area, back.action) == (message.service, message.area, message.action)
    assert (back.reply, back.request) == (True, message.request)
    assert back.failure == "unavailable: gone"
    assert back.data == (b"" if message.request else message.data)
    assert back.identity == message.identity
    assert back.trace == message.trace


@pytest.mark.feature("l8types:TYP-08")
@given(MESSAGES, st.uuids())
def test_redirected(message: Message, target: object) -> None:
    """A new destination leaves everything else alone."""
    data = codec.redirected(codec.encode_message(message), str(target).encode())
    decoded = codec.decode_message(data)
    assert decoded.destination == str(target)
    assert codec.redirected(data, message.destination.encode().ljust(36, b"\0")) == (
        codec.encode_message(message)
    )
