# SPDX-License-Identifier: Apache-2.0
"""Messages to frames and back: the clear header, and the body behind the network's cipher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from l8types.enums import Action, Priority
from l8types.errors import DecodeError, EncodeError
from l8types.values import Message
from layer8_net._go.body import REPLY, REQUEST, Body, pack_body, unpack_body
from layer8_net._go.header import BODY, LENGTH_SIZE, pack_header, read_header, read_mode
from layer8_net._go.limits import area_number, id_bytes, id_text, mode_number, name_bytes, seconds

if TYPE_CHECKING:
    from l8types.protocols.security import Cipher
    from layer8_net._go.header import Header

__all__ = ["decode_frame", "decode_message", "encode_message"]

_ACTIONS: Final = {int(action): action for action in Action}
_PRIORITIES: Final = tuple(Priority)


def encode_message(message: Message, cipher: Cipher) -> bytes:
    """Frame of a message; the trace context stays here, the format has no room for it.

    Raises:
        EncodeError: A field does not fit the format; the message names it.
    """
    if message.stream:
        raise EncodeError("a streamed answer needs the native profile")
    body = Body(
        action=message.action,
        identity=message.identity,
        sequence=message.sequence,
        timeout=seconds(message.timeout),
        flags=message.request * REQUEST | message.reply * REPLY,
        failure=message.failure,
        data=message.data,
        transaction=message.transaction,
    )
    sealed = cipher.encrypt(pack_body(body))
    return (
        pack_header(
            len(sealed),
            id_bytes(message.source, "source"),
            id_bytes(message.vnet, "switch"),
            id_bytes(message.destination, "destination"),
            name_bytes(message.service),
            area_number(message.area),
            message.priority,
            mode_number(message.mode),
        )
        + sealed
    )


def decode_frame(frame: bytes, cipher: Cipher) -> Message:
    """Message of a complete frame.

    Raises:
        DecodeError: The bytes are no message.
    """
    return decode_message(frame, read_header(frame), cipher)


def decode_message(frame: bytes, header: Header, cipher: Cipher) -> Message:
    """Message of a frame whose header was read already.

    Raises:
        DecodeError: The bytes are no message.
    """
    if header.length != len(frame) - LENGTH_SIZE:
        raise DecodeError(f"frame of {len(frame)} bytes claims {header.length} after its length")
    body = unpack_body(cipher.decrypt(frame[BODY:]))
    action = _ACTIONS.get(body.action)
    if action is None:
        raise DecodeError(f"unknown action {body.action}")
    name, area = header.service
    try:
        return Message(
            source=id_text(header.source),
            vnet=id_text(header.vnet),
            destination="" if header.anywhere else id_text(header.destination),
            service=name.decode(),
            area=area,
            priority=_PRIORITIES[min(header.priority_mode >> 4, 7)],
            mode=read_mode(header),
            action=action,
            identity=body.identity,
            sequence=body.sequence,
            timeout=float(body.timeout),
            request=bool(body.flags & REQUEST),
            reply=bool(body.flags & REPLY),
            failure=body.failure,
            data=body.data,
            transaction=body.transaction,
        )
    except UnicodeDecodeError as error:
        raise DecodeError(f"message with a text that is none: {error}") from error
