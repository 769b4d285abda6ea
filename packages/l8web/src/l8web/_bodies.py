# SPDX-License-Identifier: Apache-2.0
"""Request bodies to items, answers to bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from l8types.errors import DecodeError, InvalidInputError
from l8web._errors import BodyTooLargeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from l8types.protocols.data import Elements
    from l8types.protocols.models import Serializer

__all__ = ["decode_items", "encode_answer", "read_body"]

_RAWS = msgspec.json.Decoder(list[msgspec.Raw])


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The body, never more of it than the limit.

    Raises:
        BodyTooLargeError: It is longer.
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit_bytes:
            raise BodyTooLargeError(f"the request body is above the limit of {limit_bytes} bytes")
        parts.append(part)
    return b"".join(parts)


def decode_items(data: bytes, models: Sequence[type], serializer: Serializer) -> list[object]:
    """Items of a JSON body: one object, or an array of them.

    Args:
        data: The body.
        models: Models to try in turn.
        serializer: JSON serializer.

    Raises:
        InvalidInputError: Empty, no JSON, or of none of the models; tells why.
    """
    text = data.strip()
    if not text:
        raise InvalidInputError("the request has no body; send a JSON object or an array of them")
    if text.startswith(b"["):
        try:
            raws = [bytes(raw) for raw in _RAWS.decode(text)]
        except msgspec.DecodeError as error:
            raise InvalidInputError(f"the body is no JSON: {error}") from error
    else:
        raws = [text]
    return [_decode_item(raw, models, serializer) for raw in raws]


def _decode_item(data: bytes, models: Sequence[type], serializer: Serializer) -> object:
    reasons: list[str] = []
    for model in models:
        try:
            return serializer.unmarshal(data, model)
        except DecodeError as error:
            reasons.append(f"{model.__name__}: {error.message}")
    raise InvalidInputError(f"the body does not fit: {'; '.join(reasons)}")


def encode_answer(elements: Elements, serializer: Serializer) -> bytes:
    """``{"list": [...], "metadata": {...}}`` of an answer.

    A Go service answers "nothing" with one null element, which is left out here.
    """
    items = b",".join(serializer.marshal(v) for v in elements.values if v is not None)
    metadata = elements.metadata
    tail = b"{}" if metadata is None else serializer.marshal(metadata)
    return b'{"list":[' + items + b'],"metadata":' + tail + b"}"
