# SPDX-License-Identifier: Apache-2.0
"""Frames of the go profile: byte for byte, and whatever the bytes are."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.constants import DESTINATION_SINGLE
from l8types.enums import Action, MulticastMode, Priority, TransactionState
from l8types.errors import DecodeError, EncodeError
from l8types.frozen import replace
from l8types.values import Message, Transaction
from layer8_net._go.body import Body, pack_body, unpack_body
from layer8_net._go.codec import decode_frame, encode_message
from layer8_net._go.header import BODY, read_header, read_priority, redirected
from layer8_net._go.limits import cut_text, seconds
from layer8_net.errors import NameTooLongError
from layer8_net.go import CfbCipher

from .go_parts import ANN, BOB, CIPHER, KEY, NIL_DATA, SWITCH, take_apart

if TYPE_CHECKING:
    from collections.abc import Callable

AAA = "55555555-5555-4555-8555-555555555555"
TRANSACTION = "44444444-4444-4444-8444-444444444444"

nodes = st.uuids().map(str)
bytes_texts = st.text(st.characters(codec="ascii", min_codepoint=1), max_size=255)
int64 = st.integers(-(2**63), 2**63 - 1)
transactions = st.builds(
    Transaction,
    state=st.sampled_from([state for state in TransactionState if state]),
    id=nodes,
    error=bytes_texts,
    created=int64,
    queued=int64,
    running=int64,
    end=int64,
    timeout=int64,
    replica=st.integers(0, 255),
    is_replica=st.booleans(),
)
messages = st.builds(
    Message,
    source=nodes,
    vnet=nodes,
    destination=st.one_of(st.just(""), st.just(DESTINATION_SINGLE), nodes),
    service=st.text(st.characters(codec="utf-8", min_codepoint=1), min_size=1).filter(
        lambda name: len(name.encode()) <= 10
    ),
    area=st.integers(0, 255),
    priority=st.sampled_from(Priority),
    mode=st.sampled_from([mode for mode in MulticastMode if mode < 16]),
    action=st.sampled_from(Action),
    identity=st.one_of(st.just(""), nodes),
    sequence=st.sampled_from([0, 1, 2**32 - 2, 2**32 - 1]) | st.integers(0, 2**32 - 1),
    timeout=st.sampled_from([0.0, 1.0, 255.0, 256.0, 65535.0]),
    request=st.booleans(),
    reply=st.booleans(),
    failure=bytes_texts,
    data=st.binary(min_size=1, max_size=2000),
    transaction=st.none() | transactions,
)


@pytest.mark.feature("WIR-02", "WIR-04", "WIR-07")
@given(messages)
def test_round_trip(message: Message) -> None:
    """Every message comes back as it was: each action, priority, state and combination of flags."""
    assert decode_frame(encode_message(message, CIPHER), CIPHER) == message


@pytest.mark.feature("WIR-01", "WIR-02", "WIR-09")
def test_plain_body() -> None:
    """A registration has exactly the documented bytes, 129 of them in the body's older form."""
    sent = Message(
        source="1" * 36, vnet="2" * 36, service="Tests", action=Action.SERVICE_REGISTER, sequence=9
    )
    older = NIL_DATA[:79]
    frame = encode_message(replace(sent, data=older), CfbCipher(KEY, lambda: bytes(16)))
    body = CIPHER.decrypt(frame[BODY:])
    assert body == bytes.fromhex("1100") + bytes(36) + bytes.fromhex(
        "0000000900000000 0000004f"
    ) + (older)
    assert len(body) == 129
    assert struct.unpack_from(">q", frame) == (316,)
    assert frame[8:BODY] == b"1" * 36 + b"2" * 36 + bytes(36) + b"Tests" + bytes(5) + bytes(2)


@pytest.mark.feature("WIR-04", "SEC-06", "l8types:TYP-09", "l8types:TYP-39")
def test_transaction_body() -> None:
    """A message in a transaction has the trailer at the documented place."""
    message = Message(
        source=ANN,
        vnet=SWITCH,
        service="S",
        area=7,
        action=Action.POST,
        priority=Priority.P1,
        mode=MulticastMode.LEADER,
        identity=AAA,
        sequence=0x01020304,
        timeout=5000,
        request=True,
        failure="F!",
        data=b"DATA",
        transaction=Transaction(
            TransactionState.RUNNING, TRANSACTION, "err", 1, 2, 3, 4, 30, 2, is_replica=True
        ),
    )
    frame = encode_message(message, CIPHER)
    body = CIPHER.decrypt(frame[BODY:])
    numbers = "0000000000000001 0000000000000002 0000000000000003 0000000000000004"
    assert body == (
        bytes.fromhex("0103")
        + AAA.encode()
        + bytes.fromhex("01020304 1388 01 02 4621 00000004 44415441")
        + TRANSACTION.encode()
        + bytes.fromhex(f"03 657272 {numbers} 000000000000001e 02 01")
    )
    assert len(body) == 138
    assert frame[126:128] == b"\x07\x74"


@pytest.mark.feature("WIR-03")
def test_header_alone() -> None:
    """All that decides about the way of a frame is read without opening its body."""
    frame = encode_message(
        Message(source=ANN, vnet=SWITCH, destination=BOB, service="Songs", area=3, data=b"x"),
        CIPHER,
    )
    header = read_header(frame[:BODY] + b"?")
    assert header.service == (b"Songs", 3)
    assert (header.source, header.destination) == (ANN.encode(), BOB.encode())
    assert not header.anywhere


@pytest.mark.feature("WIR-03")
@pytest.mark.parametrize(
    ("start", "anywhere"), [(b"\0b", True), (b"b\0", True), (b"bb", False), (b"\0\0", True)]
)
def test_destination_that_is_none(start: bytes, *, anywhere: bool) -> None:
    """A destination is none when one of its first two bytes is NUL, whatever follows."""
    frame = encode_message(
        Message(source=ANN, vnet=SWITCH, destination=BOB, service="S", data=b"x"), CIPHER
    )
    changed = redirected(frame, start + b"b" * 34)
    assert read_header(changed).anywhere is anywhere
    assert decode_frame(changed, CIPHER).destination == ("" if anywhere else "b" * 36)


@pytest.mark.feature("WIR-03")
@pytest.mark.parametrize(
    ("field", "name"),
    [(b"\0bcdefghij", b""), (b"ab\0defghij", b"ab"), (b"abcdefghij", b"abcdefghij")],
)
def test_name_up_to_nul(field: bytes, name: bytes) -> None:
    """A service name ends at its first NUL."""
    frame = encode_message(Message(source=ANN, vnet=SWITCH, service="S", data=b"x"), CIPHER)
    assert read_header(frame[:116] + field + frame[126:]).service == (name, 0)


def test_redirected_changes_nothing_else() -> None:
    """Another destination leaves every other byte as it was."""
    message = Message(source=ANN, vnet=SWITCH, service="S", data=b"x", sequence=7)
    frame = encode_message(message, CIPHER)
    there = redirected(frame, BOB.encode())
    assert decode_frame(there, CIPHER) == replace(message, destination=BOB)
    assert len(there) == len(frame)


@pytest.mark.feature("WIR-07")
def test_priority_out_of_range() -> None:
    """A priority above the highest counts as the highest."""
    frame = encode_message(Message(source=ANN, vnet=SWITCH, service="S", data=b"x"), CIPHER)
    wild = frame[:127] + b"\xf0" + frame[128:]
    assert read_priority(wild) == 7
    assert decode_frame(wild, CIPHER).priority is Priority.P1


@pytest.mark.feature("WIR-05", "WIR-09")
def test_no_data_is_nothing() -> None:
    """Without data a container with nothing in it travels: a Go node ends without."""
    frame = encode_message(Message(source=ANN, vnet=SWITCH, service="S"), CIPHER)
    assert take_apart(frame).data == NIL_DATA


@given(st.text(max_size=300))
def test_failure_cut_at_a_character(text: str) -> None:
    """A reason is cut to 255 bytes, and never inside a character."""
    cut = cut_text(text)
    assert len(cut) <= 255
    whole = text.encode("utf-8", "replace")
    assert whole.startswith(cut)
    assert len(whole) == len(cut) or len(cut) > 251
    cut.decode()


@pytest.mark.parametrize("size", [0, 1, 255, 400])
def test_long_texts_are_cut_everywhere(size: int) -> None:
    """Both texts with a length of one byte are cut to it."""
    part = Transaction(TransactionState.FAILED, error="é" * size)
    message = Message(source=ANN, vnet=SWITCH, service="S", failure="ü" * size, transaction=part)
    decoded = decode_frame(encode_message(message, CIPHER), CIPHER)
    assert decoded.failure == "ü" * min(size, 127)
    assert decoded.transaction is not None
    assert decoded.transaction.error == "é" * min(size, 127)


@pytest.mark.parametrize(
    ("timeout", "whole"), [(0, 0), (-1, 0), (0.001, 1), (1, 1), (1.2, 2), (1e9, 65_535)]
)
def test_deadline_in_seconds(timeout: float, whole: int) -> None:
    """W-32: a time-out travels in whole seconds, rounded up: receivers can drop stale work."""
    assert seconds(timeout) == whole


BASE = Message(source=ANN, vnet=SWITCH, service="S", data=b"x")


@pytest.mark.parametrize(
    ("message", "what"),
    [
        (replace(BASE, service=""), "needs the name"),
        (replace(BASE, service="elevenbytes"), "'elevenbytes' of 11 bytes"),
        (replace(BASE, service="ééééééé"), "of 14 bytes"),
        (replace(BASE, service="a\0b"), "without NUL"),
        (replace(BASE, area=256), "area 256"),
        (replace(BASE, mode=MulticastMode.UNICAST), "UNICAST"),
        (replace(BASE, identity="x" * 37), "identity"),
        (replace(BASE, identity="é"), "identity"),
        (replace(BASE, destination="x" * 37), "destination"),
        (replace(BASE, sequence=2**32), "go profile"),
        (replace(BASE, stream=True), "native profile"),
        (
            replace(BASE, transaction=Transaction(TransactionState.RUNNING, replica=256)),
            "out of range",
        ),
        (
            replace(BASE, transaction=Transaction(TransactionState.RUNNING, id="x" * 37)),
            "transaction id",
        ),
    ],
)
def test_what_does_not_fit(message: Message, what: str) -> None:
    """What the format cannot carry is refused before it is sent, and the error names it."""
    with pytest.raises(EncodeError, match=what):
        encode_message(message, CIPHER)


def test_long_names_have_an_error_of_their_own() -> None:
    """A name that does not fit can be told apart."""
    with pytest.raises(NameTooLongError):
        encode_message(replace(BASE, service="elevenbytes"), CIPHER)


def _body(**fields: object) -> bytes:
    own = Body(1, "", 1, 0, 0, "", b"x", None)
    return pack_body(own._replace(**fields))  # type: ignore[arg-type]


def _sealed(body: bytes, *, header: Callable[[bytes], bytes] = lambda head: head) -> bytes:
    head = header(encode_message(BASE, CIPHER)[:BODY])
    sealed = CIPHER.encrypt(body)
    return struct.pack(">Q", 120 + len(sealed)) + head[8:] + sealed


@pytest.mark.feature("WIR-05")
@pytest.mark.parametrize("flags", range(4, 256, 7))
def test_unknown_flags(flags: int) -> None:
    """Flags above 3 are refused, as each other value is accepted."""
    body = bytearray(_body())
    body[44] = flags
    with pytest.raises(DecodeError, match="flags"):
        decode_frame(_sealed(bytes(body)), CIPHER)
    with pytest.raises(EncodeError, match="flags"):
        _body(flags=flags)


@pytest.mark.parametrize(
    ("at", "value", "what"),
    [
        (0, 20, "unknown action 20"),
        (0, 255, "unknown action 255"),
        (1, 3, "without the transaction"),
        (45, 9, "failure text"),
        (46, 1, "data of"),
        (2, 0xC3, "no text"),
    ],
)
def test_malformed_bodies(at: int, value: int, what: str) -> None:
    """Whatever is wrong in a body is named."""
    body = bytearray(_body())
    body[at] = value
    with pytest.raises(DecodeError, match=what):
        decode_frame(_sealed(bytes(body)), CIPHER)


def test_malformed_transactions() -> None:
    """A transaction that ends early, or is in no known state, is refused."""
    body = _body(transaction=Transaction(TransactionState.RUNNING, error="e"))
    with pytest.raises(DecodeError, match="too short"):
        unpack_body(body[:-1])
    with pytest.raises(DecodeError, match="state 9"):
        unpack_body(body[:1] + b"\x09" + body[2:])


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda head: head[:127] + b"\x05", "multicast mode 5"),
        (lambda head: head[:116] + b"\xff" + head[117:], "text that is none"),
        (lambda head: head[:8] + b"\xff" + head[9:], "is no text"),
        (lambda head: head[:10] + b"\x00" + head[11:], "is no text"),
    ],
)
def test_malformed_headers(change: Callable[[bytes], bytes], what: str) -> None:
    """Whatever is wrong in a header is named."""
    with pytest.raises(DecodeError, match=what):
        decode_frame(_sealed(_body(), header=change), CIPHER)


@pytest.mark.parametrize("size", [0, 8, 100, BODY - 1, BODY])
def test_short_frames(size: int) -> None:
    """A frame without a body is none; it must not be more than a counted error."""
    with pytest.raises(DecodeError, match="not longer than its header"):
        decode_frame(bytes(size), CIPHER)


def test_wrong_length() -> None:
    """The length in front must be that of the frame."""
    frame = encode_message(BASE, CIPHER)
    with pytest.raises(DecodeError, match="claims"):
        decode_frame(frame + b"=", CIPHER)


@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    """Arbitrary bytes are a message or a named error, nothing else."""
    for attempt in (data, _sealed(data)):
        try:
            decode_frame(attempt, CIPHER)
        except DecodeError:
            continue


@given(messages, st.data())
def test_mutated_frames(message: Message, data: st.DataObject) -> None:
    """A frame with any byte changed is a message or a named error, nothing else."""
    frame = bytearray(encode_message(message, CIPHER))
    at = data.draw(st.integers(8, len(frame) - 1))
    frame[at] = data.draw(st.integers(0, 255))
    try:
        decode_frame(bytes(frame), CIPHER)
    except DecodeError:
        return
