# SPDX-License-Identifier: Apache-2.0
"""The error tree of the ecosystem.

    L8Error
    ├── ProtocolError            the bytes or the order of messages broke the rules
    │   ├── LocalProtocolError       we were about to break them
    │   └── RemoteProtocolError      the peer did
    │       ├── DecodeError              bytes that are no value; carries the offset
    │       ├── FrameTooLargeError       a frame above the limit; carries both sizes
    │       └── HandshakeError           a connection that could not be agreed on
    ├── EncodeError              a value that the format cannot carry
    ├── ClosedError              used after it was closed by its owner
    ├── BrokenError              ended by the other side
    ├── BusyError                a second user of a single-user resource
    ├── OverloadedError          a bounded queue or limit is full
    ├── UnavailableError         no provider, no connection, no database right now
    ├── RequestTimeoutError      (also TimeoutError) no reply in time
    ├── OutcomeUnknownError      the write may or may not have happened
    ├── NotFoundError            (also LookupError) no such item, type, service, plug-in
    ├── ConflictError            the write contradicts what is there
    ├── InvalidInputError        (also ValueError) a value from outside that cannot be accepted
    │   ├── QueryError               a query that cannot be understood; carries line and column
    │   └── PropertyError            an attribute, property id or value that does not fit the model
    ├── ConfigurationError       settings that cannot work; tells what to change
    ├── RemoteError              the remote side failed in a way that has no class of its own
    └── SecurityError
        ├── AuthenticationError      who are you
        └── PermissionDeniedError    you may not

Every class has a stable ``code``. An error that crosses the network travels as ``code: message``
and is raised again at the caller as the class of that code (:func:`error_class`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from l8types.protocols.data import Elements

__all__ = [
    "AuthenticationError",
    "BrokenError",
    "BusyError",
    "ClosedError",
    "ConfigurationError",
    "ConflictError",
    "DecodeError",
    "EncodeError",
    "FrameTooLargeError",
    "HandshakeError",
    "InvalidInputError",
    "L8Error",
    "LocalProtocolError",
    "NotFoundError",
    "OutcomeUnknownError",
    "OverloadedError",
    "PermissionDeniedError",
    "PropertyError",
    "ProtocolError",
    "QueryError",
    "RemoteError",
    "RemoteProtocolError",
    "RequestTimeoutError",
    "SecurityError",
    "UnavailableError",
    "error_class",
]

_BY_CODE: dict[str, type[L8Error]] = {}


class L8Error(Exception):
    """Root of all errors that the ecosystem raises on purpose.

    The message is one lower-case line with the offending value, the limit and what to do.
    """

    code: ClassVar[str] = "error"
    """Stable short name; travels on the wire and names the page in the documentation."""

    answer: Elements | None = None
    """The whole answer that the error was found in: other entries of it may have succeeded."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "code" in cls.__dict__:
            _BY_CODE.setdefault(cls.code, cls)

    @property
    def message(self) -> str:
        """The message alone, without the class name."""
        return str(self.args[0]) if self.args else self.code


class ProtocolError(L8Error):
    """The rules of a protocol were broken."""

    code = "protocol"


class LocalProtocolError(ProtocolError):
    """This side was about to break the rules of a protocol; nothing was sent."""

    code = "local-protocol"


class RemoteProtocolError(ProtocolError):
    """The peer broke the rules of a protocol; the connection cannot be trusted any more."""

    code = "remote-protocol"


class DecodeError(RemoteProtocolError):
    """Bytes that do not form a value.

    Attributes:
        offset: Byte offset at which decoding stopped, -1 when unknown.
    """

    code = "decode"

    def __init__(self, message: str, *, offset: int = -1) -> None:
        super().__init__(message)
        self.offset = offset


class FrameTooLargeError(RemoteProtocolError):
    """A frame above the size limit.

    Attributes:
        size_bytes: Announced or real size.
        limit_bytes: The limit in force.
    """

    code = "frame-too-large"

    def __init__(self, message: str, *, size_bytes: int = 0, limit_bytes: int = 0) -> None:
        super().__init__(message)
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class HandshakeError(RemoteProtocolError):
    """A connection whose two sides could not agree (wrong secret, version, profile)."""

    code = "handshake"


class EncodeError(L8Error):
    """A value that the format cannot carry."""

    code = "encode"


class ClosedError(L8Error):
    """The object was closed by its owner before this call."""

    code = "closed"


class BrokenError(L8Error):
    """The other side ended what this call relies on."""

    code = "broken"


class BusyError(L8Error):
    """A resource for one user at a time is in use."""

    code = "busy"


class OverloadedError(L8Error):
    """A bounded queue or a limit is full; try again later."""

    code = "overloaded"


class UnavailableError(L8Error):
    """What is needed is not there right now: no provider, no connection, no database."""

    code = "unavailable"


class RequestTimeoutError(L8Error, TimeoutError):
    """No reply arrived before the deadline."""

    code = "timeout"


class OutcomeUnknownError(L8Error):
    """A write whose result could not be learnt; it may or may not have happened."""

    code = "outcome-unknown"


class NotFoundError(L8Error, LookupError):
    """No item, type, attribute, service or plug-in of that name."""

    code = "not-found"


class ConflictError(L8Error):
    """The write contradicts what is there (duplicate key, stale epoch, wrong version)."""

    code = "conflict"


class InvalidInputError(L8Error, ValueError):
    """A value from outside that cannot be accepted."""

    code = "invalid-input"


class QueryError(InvalidInputError):
    """A query that cannot be understood or does not fit the model.

    Attributes:
        line: 1-based line of the text, 0 when the query did not come as text.
        column: 1-based column, 0 when the query did not come as text.
    """

    code = "query"

    def __init__(self, message: str, *, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class PropertyError(InvalidInputError):
    """A property id, an attribute or a value that does not fit the model."""

    code = "property"


class ConfigurationError(L8Error):
    """Settings that cannot work; the message tells what to change."""

    code = "configuration"


class RemoteError(L8Error):
    """The remote side failed; the message is what it said."""

    code = "remote"


class SecurityError(L8Error):
    """A security rule stopped the operation."""

    code = "security"


class AuthenticationError(SecurityError):
    """The caller could not be identified: wrong password, expired or unknown token."""

    code = "authentication"


class PermissionDeniedError(SecurityError):
    """The caller is known but may not do this."""

    code = "permission-denied"


def error_class(code: str) -> type[L8Error]:
    """Class of the ecosystem's error tree with this code.

    Args:
        code: The part before the first colon of an error text from the wire.

    Returns:
        The class registered for the code, ``RemoteError`` when there is none.
    """
    return _BY_CODE.get(code, RemoteError)
