# SPDX-License-Identifier: Apache-2.0
"""Errors of the network that a caller may want to tell apart.

Each derives from a class of ``l8types.errors``, so that who does not care catches that one::

    UnavailableError
    ├── UnknownServiceError     nobody ever offered the service
    ├── NoInstanceError         it was offered, but nobody who offers it is alive
    ├── MovedError              the node no longer offers it; nothing was executed
    ├── PeerLostError           the node went away before it answered
    ├── LinkLostError           the connection to the switch went away before the answer came
    └── CircuitOpenError        it failed too often lately; not tried
    EncodeError
    ├── PayloadTooLargeError    above ``max_frame_bytes``; nothing was sent
    └── NameTooLongError        the name does not fit the wire profile; nothing was sent
    HandshakeError
    ├── VersionMismatchError    the two sides speak different versions
    ├── SameIdError             the peer has the node id of this side, or is this side
    └── CertificateError        TLS could not be agreed on
        ├── CertificateExpiredError     its time is over
        ├── CertificateNotYetValidError its time has not come; most often a clock is wrong
        ├── ForeignCertificateError     no authority that this side trusts has signed it
        └── MissingCertificateError     the peer showed none
"""

from __future__ import annotations

from l8types.errors import EncodeError, HandshakeError, UnavailableError

__all__ = [
    "CertificateError",
    "CertificateExpiredError",
    "CertificateNotYetValidError",
    "CircuitOpenError",
    "ForeignCertificateError",
    "LinkLostError",
    "MissingCertificateError",
    "MovedError",
    "NameTooLongError",
    "NoInstanceError",
    "PayloadTooLargeError",
    "PeerLostError",
    "SameIdError",
    "UnknownServiceError",
    "VersionMismatchError",
]


class UnknownServiceError(UnavailableError):
    """No node offered the service since this one joined the network."""

    code = "unknown-service"


class NoInstanceError(UnavailableError):
    """The service is known, but no node that offers it is alive."""

    code = "no-instance"


class MovedError(UnavailableError):
    """The node no longer offers the service; the request was not executed there."""

    code = "moved"


class PeerLostError(UnavailableError):
    """The node went away before it answered; the request may have been executed."""

    code = "peer-lost"


class LinkLostError(UnavailableError):
    """The connection to the switch was lost meanwhile; the request may have been executed."""

    code = "link-lost"


class CircuitOpenError(UnavailableError):
    """The circuit breaker is open: the target failed too often lately, nothing was sent."""

    code = "circuit-open"


class PayloadTooLargeError(EncodeError):
    """The message is above the limit of the network; nothing was sent."""

    code = "payload-too-large"


class NameTooLongError(EncodeError):
    """The name of a service does not fit the wire profile; nothing was sent."""

    code = "name-too-long"


class VersionMismatchError(HandshakeError):
    """The two sides speak different versions of the wire profile."""

    code = "version-mismatch"


class SameIdError(HandshakeError):
    """The peer has the node id of this side: a second node with it, or this one itself."""

    code = "same-id"


class CertificateError(HandshakeError):
    """TLS could not be agreed on; the message tells what to check."""

    code = "certificate"


class CertificateExpiredError(CertificateError):
    """The time of the certificate is over."""

    code = "certificate-expired"


class CertificateNotYetValidError(CertificateError):
    """The time of the certificate has not come yet; most often a clock is wrong."""

    code = "certificate-not-yet-valid"


class ForeignCertificateError(CertificateError):
    """No authority that this side trusts has signed the certificate."""

    code = "certificate-foreign"


class MissingCertificateError(CertificateError):
    """The peer showed no certificate where one is asked for."""

    code = "certificate-missing"
