# SPDX-License-Identifier: Apache-2.0
"""Errors of the ecosystem as HTTP answers, and back."""

from __future__ import annotations

import logging
from typing import Final

import msgspec
from starlette.responses import Response

from l8types import errors

__all__ = ["BodyTooLargeError", "error_from", "error_response", "status_of"]

_LOGGER = logging.getLogger(__name__)


class BodyTooLargeError(errors.InvalidInputError):
    """A request body above the limit."""

    code = "body-too-large"


_STATUS: Final[tuple[tuple[type[errors.L8Error], int], ...]] = (
    # The first match wins, so that a class stands before its base.
    (BodyTooLargeError, 413),
    (errors.InvalidInputError, 400),
    (errors.DecodeError, 400),
    (errors.AuthenticationError, 401),
    (errors.SecurityError, 403),
    (errors.NotFoundError, 404),
    (errors.ConflictError, 409),
    (errors.OverloadedError, 429),
    (errors.RequestTimeoutError, 504),
    (errors.UnavailableError, 503),
    (errors.BrokenError, 503),
    (errors.ClosedError, 503),
    (errors.L8Error, 502),
)


class _Body(msgspec.Struct):
    error: str = "remote"
    message: str = ""


def status_of(error: errors.L8Error) -> int:
    """HTTP status of an error; 502 when a service failed in a way that has no status of its own."""
    return next(status for kind, status in _STATUS if isinstance(error, kind))


def error_response(error: errors.L8Error) -> Response:
    """Answer with the code and the one line of an error."""
    status = status_of(error)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    body = msgspec.json.encode(_Body(type(error).code, error.message))
    return Response(body, status, headers, media_type="application/json")


def error_from(status: int, content: bytes) -> errors.L8Error:
    """The error that an answer stands for, as a client raises it."""
    try:
        body = msgspec.json.decode(content, type=_Body)
    except msgspec.DecodeError:
        return errors.RemoteError(f"the gateway answered {status} without a reason")
    return errors.error_class(body.error)(body.message)
