# SPDX-License-Identifier: Apache-2.0
"""Bytes of one message in the native profile, and the part of them that a switch reads.

Every frame starts with its length, the version of the format and its type; the types other than
``MESSAGE`` belong to the handshake. Integers are unsigned and big-endian, texts are UTF-8. A
message frame of version 1::

    offset size  field
         0    4  bytes that follow this field
         4    1  version of the format, 1
         5    1  frame type, 16
         6    1  priority << 4 | multicast mode
         7    1  area of the service
         8    1  action
         9    1  flags: 1 request, 2 reply, 4 failure, 8 transaction, 16 stream, 32 cancel,
                 64 credit; the other is zero
        10    1  switches crossed
        11    1  N, bytes of the service name
        12    8  sequence
        20    4  milliseconds left until the deadline, 0 without one
        24   36  source, padded with NUL as the next two
        60   36  switch of the source
        96   36  destination, all NUL when the mode decides
       132    2  I, bytes of the identity
       134    2  F, bytes of the failure text
       136    2  T, bytes of the trace context
       138    2  X, bytes of the transaction
       140    N  service name
             I  identity
             F  failure text
             T  trace context
             X  transaction
                data, up to the end of the frame

The first 140 bytes and the service name are the *header*: with them a switch decides where a
message goes, and with nothing else. The transaction part is described in ``transaction``.

What the flags mean together::

    request             wants one answer; with stream: wants the answer in parts
    reply               the answer; ends a stream, as its last part when it has data
    reply stream        a part of the answer, more will follow
    reply failure       the message came back undelivered; with request: so did a request
    reply cancel        nobody waits any more for the answer to the request of this sequence
    reply credit        the reader of a stream has room; the data is two times 4 bytes: parts, bytes

The last two go from who asked to who answers. They carry the reply flag because they are, like
answers, not returned when they cannot be delivered: then there is nobody left to care.

A frame of type 17 is a pack of messages, see ``pack``; its header is like that of a message.

A receiver refuses another version, unknown flags and lengths that exceed the frame. Whoever
extends the format takes a new frame type or a free flag, or raises the version.
"""

from __future__ import annotations

import struct
from enum import IntEnum, IntFlag
from functools import lru_cache
from typing import Final, NamedTuple

from l8types.enums import Action, MulticastMode, Priority
from l8types.errors import DecodeError, EncodeError
from l8types.values import Message
from layer8_net._core.transaction import decode_transaction, encode_transaction
from layer8_net.errors import NameTooLongError

__all__ = [
    "FIXED",
    "HEADER_SIZE",
    "LENGTH_SIZE",
    "MESSAGE",
    "NO_DESTINATION",
    "PACK",
    "ROUTE",
    "USUAL",
    "USUAL_KIND",
    "VERSION",
    "Flag",
    "FrameType",
    "Header",
    "deadline_ms",
    "decode_message",
    "encode_frame",
    "encode_message",
    "failure_frame",
    "node_bytes",
    "read_data",
    "read_failure",
    "read_header",
    "read_mode",
    "read_service",
    "redirected",
]

VERSION: Final = 1
LENGTH_SIZE: Final = 4
ID_SIZE: Final = 36
NO_DESTINATION: Final = bytes(ID_SIZE)
MAX_NAME: Final = 255
MAX_TEXT: Final = 65_535
MAX_DEADLINE_MS: Final = 0xFFFF_FFFF

FIXED: Final = struct.Struct(">IBBBBBBBBQI36s36s36sHHHH")
HEADER_SIZE: Final = FIXED.size
ROUTE: Final = struct.Struct(">4xBB5xB12x72s36sHHHH")
"""What a switch needs of every frame: version, type, size of the name, source with its switch,
destination, sizes of the other parts. Reading only these is half the cost of the whole header."""
USUAL: Final = struct.Struct(">IH3xBxBQI36s72xHHHH")
"""What tells a plain message or answer from all others, and the parts that change from one to the
next: length, version with type, flags, size of the name, sequence, deadline, source, sizes of the
other parts."""
USUAL_KIND: Final = VERSION << 8 | 16
_DESTINATION: Final = slice(96, 132)


class FrameType(IntEnum):
    """What a frame is; the byte at offset 5."""

    HELLO = 1
    CHALLENGE = 2
    PROOF = 3
    WELCOME = 4
    REFUSED = 5
    MESSAGE = 16
    PACK = 17


class Flag(IntFlag):
    """Flags of a message; the byte at offset 9."""

    REQUEST = 1
    REPLY = 2
    FAILURE = 4
    TRANSACTION = 8
    STREAM = 16
    CANCEL = 32
    CREDIT = 64


_REQUEST: Final = int(Flag.REQUEST)
_REPLY: Final = int(Flag.REPLY)
_FAILURE: Final = int(Flag.FAILURE)
_TRANSACTED: Final = int(Flag.TRANSACTION)
_STREAM: Final = int(Flag.STREAM)
_KNOWN_FLAGS: Final = sum(map(int, Flag))
_OF_ANSWERS: Final = int(Flag.CANCEL | Flag.CREDIT)
MESSAGE: Final = int(FrameType.MESSAGE)
PACK: Final = int(FrameType.PACK)
_PRIORITY: Final = tuple(Priority)
_MODES: Final = {int(mode): mode for mode in MulticastMode if mode < 16}
_ACTIONS: Final = {int(action): action for action in Action}


class Header(NamedTuple):
    """The fixed part of a message frame as it stands there; ids are 36 bytes."""

    length: int
    version: int
    type: int
    priority_mode: int
    area: int
    action: int
    flags: int
    hops: int
    name_size: int
    sequence: int
    deadline_ms: int
    source: bytes
    vnet: bytes
    destination: bytes
    identity_size: int
    failure_size: int
    trace_size: int
    transaction_size: int

    @property
    def data_offset(self) -> int:
        """Where the data starts."""
        return (
            HEADER_SIZE
            + self.name_size
            + self.identity_size
            + self.failure_size
            + self.trace_size
            + self.transaction_size
        )


@lru_cache(maxsize=4096)
def node_bytes(node: str) -> bytes:
    """Wire form of a node id.

    Raises:
        EncodeError: It is not plain ASCII or too long.
    """
    if len(node) > ID_SIZE or not node.isascii():
        raise EncodeError(f"node id {node!r} is not up to {ID_SIZE} ascii characters")
    return node.encode().ljust(ID_SIZE, b"\0")


def read_header(frame: bytes) -> Header:
    """Header of a complete message or pack, its lengths checked against the frame.

    Raises:
        DecodeError: The frame is neither, or not of this version, or its lengths exceed it.
    """
    if len(frame) < HEADER_SIZE:
        raise DecodeError(
            f"message of {len(frame)} bytes is shorter than its header of {HEADER_SIZE}",
            offset=len(frame),
        )
    header = Header._make(FIXED.unpack_from(frame))
    if header.version != VERSION:
        raise DecodeError(f"frame of version {header.version}, expected {VERSION}", offset=4)
    if header.type not in {MESSAGE, PACK}:
        raise DecodeError(f"frame type {header.type} where a message was expected", offset=5)
    if header.data_offset > len(frame):
        raise DecodeError(
            f"lengths of a message end at {header.data_offset}, the frame at {len(frame)}",
            offset=11,
        )
    return header


def read_data(frame: bytes, header: Header) -> bytes:
    """The data of a message."""
    return frame[header.data_offset :]


def read_failure(frame: bytes, header: Header) -> str:
    """The failure text of a message."""
    start = HEADER_SIZE + header.name_size + header.identity_size
    return frame[start : start + header.failure_size].decode("utf-8", "replace")


def read_mode(header: Header) -> MulticastMode:
    """The multicast mode of a message.

    Raises:
        DecodeError: There is no such mode.
    """
    mode = _MODES.get(header.priority_mode & 15)
    if mode is None:
        raise DecodeError(f"unknown multicast mode {header.priority_mode & 15}", offset=6)
    return mode


def read_service(frame: bytes, header: Header) -> tuple[bytes, int]:
    """Name and area of the addressed service."""
    return frame[HEADER_SIZE : HEADER_SIZE + header.name_size], header.area


def redirected(frame: bytes, destination: bytes) -> bytes:
    """The same frame with another destination."""
    return b"".join((frame[: _DESTINATION.start], destination, frame[_DESTINATION.stop :]))


def _text(text: str, limit: int, what: str) -> bytes:
    encoded = text.encode()
    if len(encoded) > limit:
        raise EncodeError(f"{what} of {len(encoded)} bytes is above the limit of {limit}")
    return encoded


def _cut(text: str) -> bytes:
    """Failure text, cut at a character boundary: better a short reason than none."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= MAX_TEXT:
        return encoded
    return encoded[:MAX_TEXT].decode("utf-8", "ignore").encode()


def deadline_ms(timeout: float) -> int:
    """Whole milliseconds, at least one, so that a short time-out does not become none."""
    if timeout <= 0:
        return 0
    milliseconds = round(timeout * 1000)
    if 0 < milliseconds <= MAX_DEADLINE_MS:
        return milliseconds
    return MAX_DEADLINE_MS if milliseconds else 1


def encode_frame(  # noqa: PLR0913 - one argument per field of the format
    source: bytes,
    vnet: bytes,
    destination: bytes,
    service: bytes,
    area: int,
    action: int,
    data: bytes,
    *,
    priority: int = 0,
    mode: int = 0,
    flags: int = 0,
    sequence: int = 0,
    timeout: float = 0.0,
    identity: bytes = b"",
    failure: bytes = b"",
    trace: bytes = b"",
    transaction: bytes = b"",
) -> bytes:
    """Frame of a message whose parts are in wire form already.

    Args:
        source: Id of the sender, 36 bytes.
        vnet: Id of its switch, 36 bytes.
        destination: Id of the receiver, 36 bytes, or ``NO_DESTINATION``.
        service: Name of the service.
        area: Its area.
        action: What is asked.
        data: Opaque body.
        priority: Number of the priority.
        mode: Number of the multicast mode.
        flags: Sum of ``Flag`` values.
        sequence: Pairs a reply with its request.
        timeout: Seconds left, 0 without a deadline.
        identity: Who asks.
        failure: Why the message came back.
        trace: Trace context.
        transaction: Transaction part.

    Raises:
        NameTooLongError: The name of the service is.
        EncodeError: Another part is too long or a number out of its range.
    """
    try:
        size = HEADER_SIZE + len(service) + len(identity) + len(failure) + len(trace)
        fixed = FIXED.pack(
            size + len(transaction) + len(data) - LENGTH_SIZE,
            VERSION,
            MESSAGE,
            priority << 4 | mode,
            area,
            action,
            flags,
            0,
            len(service),
            sequence,
            deadline_ms(timeout),
            source,
            vnet,
            destination,
            len(identity),
            len(failure),
            len(trace),
            len(transaction),
        )
    except struct.error as error:
        name = service[:64].decode("utf-8", "replace")
        if len(service) > MAX_NAME:
            raise NameTooLongError(
                f"service name {name!r} of {len(service)} bytes is above the limit of {MAX_NAME}"
            ) from error
        raise EncodeError(
            f"message to service {name!r} area {area} does not fit its header: {error}"
        ) from error
    return b"".join((fixed, service, identity, failure, trace, transaction, data))


def encode_message(message: Message) -> bytes:
    """Frame of a message.

    Raises:
        EncodeError: A field does not fit the format; the message names it.
    """
    if int(message.mode) not in _MODES:
        raise EncodeError(f"mode {message.mode!r} cannot travel; name a destination instead")
    flags = (
        message.request * _REQUEST
        | message.reply * _REPLY
        | bool(message.failure) * _FAILURE
        | (message.transaction is not None) * _TRANSACTED
        | message.stream * _STREAM
    )
    return encode_frame(
        node_bytes(message.source),
        node_bytes(message.vnet),
        node_bytes(message.destination),
        message.service.encode(),
        message.area,
        message.action,
        message.data,
        priority=message.priority,
        mode=message.mode,
        flags=flags,
        sequence=message.sequence,
        timeout=message.timeout,
        identity=_text(message.identity, MAX_TEXT, "identity"),
        failure=_cut(message.failure),
        trace=_text(message.trace, MAX_TEXT, "trace context"),
        transaction=encode_transaction(message.transaction),
    )


def _node_text(node: bytes) -> str:
    return node.rstrip(b"\0").decode("ascii")


def decode_message(frame: bytes, header: Header | None = None) -> Message:
    """Message of a complete frame.

    Args:
        frame: The bytes.
        header: Its header, if it was read already.

    Raises:
        DecodeError: The bytes are no message of this version.
    """
    header = header or read_header(frame)
    if header.type != MESSAGE:
        raise DecodeError("a pack where a message was expected", offset=5)
    if header.length != len(frame) - LENGTH_SIZE:
        raise DecodeError(f"frame of {len(frame)} bytes claims {header.length} after its length")
    if header.flags & ~_KNOWN_FLAGS:
        raise DecodeError(f"unknown flags {header.flags:#x} in a message", offset=9)
    if header.flags & _OF_ANSWERS and not header.flags & _REPLY:
        raise DecodeError(f"flags {header.flags:#x} do not go together", offset=9)
    try:
        return _message_of(frame, header)
    except LookupError as error:
        raise DecodeError(f"message with an unknown action, mode or priority: {error}") from error
    except ValueError as error:
        raise DecodeError(f"message with a text that is none: {error}") from error


def _message_of(frame: bytes, header: Header) -> Message:
    name_end = HEADER_SIZE + header.name_size
    identity_end = name_end + header.identity_size
    failure_end = identity_end + header.failure_size
    trace_end = failure_end + header.trace_size
    data_start = trace_end + header.transaction_size
    flags = header.flags
    return Message(
        source=_node_text(header.source),
        vnet=_node_text(header.vnet),
        destination=_node_text(header.destination),
        service=frame[HEADER_SIZE:name_end].decode(),
        area=header.area,
        priority=_PRIORITY[header.priority_mode >> 4],
        mode=_MODES[header.priority_mode & 15],
        action=_ACTIONS[header.action],
        identity=frame[name_end:identity_end].decode(),
        sequence=header.sequence,
        timeout=header.deadline_ms / 1000,
        request=bool(flags & _REQUEST),
        reply=bool(flags & _REPLY),
        stream=bool(flags & _STREAM),
        failure=frame[identity_end:failure_end].decode(),
        data=frame[data_start:],
        transaction=(
            decode_transaction(frame[trace_end:data_start]) if flags & _TRANSACTED else None
        ),
        trace=frame[failure_end:trace_end].decode(),
    )


def failure_frame(frame: bytes, header: Header, text: str, *, source: bytes, vnet: bytes) -> bytes:
    """The message on its way back to its sender, with the reason.

    The data goes back only when nobody waits for an answer: who waits has it still, who does not
    may want to do something about what was lost.

    Args:
        frame: The undeliverable message.
        header: Its header.
        text: Why, as ``code: message``.
        source: Who says so, 36 bytes.
        vnet: The switch, 36 bytes.
    """
    name_end = HEADER_SIZE + header.name_size
    identity_end = name_end + header.identity_size
    trace_start = identity_end + header.failure_size
    is_request = header.flags & _REQUEST
    return encode_frame(
        source,
        vnet,
        header.source,
        frame[HEADER_SIZE:name_end],
        header.area,
        header.action,
        b"" if is_request else frame[header.data_offset :],
        priority=header.priority_mode >> 4,
        mode=header.priority_mode & 15,
        flags=is_request | _REPLY | _FAILURE,
        sequence=header.sequence,
        identity=frame[name_end:identity_end],
        failure=_cut(text),
        trace=frame[trace_start : trace_start + header.trace_size],
    )
