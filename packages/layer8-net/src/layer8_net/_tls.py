# SPDX-License-Identifier: Apache-2.0
"""Names for what goes wrong with certificates, on the side that refuses and on the one refused."""

from __future__ import annotations

import ssl
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from layer8_net.errors import (
    CertificateError,
    CertificateExpiredError,
    CertificateNotYetValidError,
    ForeignCertificateError,
    MissingCertificateError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["REPORT", "certificate_error", "watch"]

_BY_CODE: Final[dict[int, type[CertificateError]]] = {
    9: CertificateNotYetValidError,
    10: CertificateExpiredError,
    18: ForeignCertificateError,
    19: ForeignCertificateError,
    20: ForeignCertificateError,
    21: ForeignCertificateError,
}
"""Verification results of OpenSSL (X509_V_ERR_...), on the side that looked at a certificate."""

_BY_REASON: Final[dict[str, type[CertificateError]]] = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": MissingCertificateError,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": MissingCertificateError,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": CertificateExpiredError,
    "SSL/TLS_ALERT_CERTIFICATE_EXPIRED": CertificateExpiredError,
    "TLSV1_ALERT_UNKNOWN_CA": ForeignCertificateError,
}
"""What the peer tells about ours. It has no word for "not yet valid"; that comes as a bad one."""

_ALERTED: Final = frozenset(
    {"CERTIFICATE_VERIFY_FAILED", "PEER_DID_NOT_RETURN_A_CERTIFICATE", "UNSUPPORTED_PROTOCOL"}
)
"""Failures of which OpenSSL has an alert for the peer; at others it is the peer who told us, or it
does not speak TLS at all."""

_ADVICE: Final[dict[type[CertificateError], str]] = {
    CertificateExpiredError: "renew it",
    CertificateNotYetValidError: "compare the clocks of both machines",
    ForeignCertificateError: "both sides must trust the authority that signed the other's",
    MissingCertificateError: "set up a certificate on the side that dials",
}


REPORT: ContextVar[Callable[[ssl.SSLError], None] | None] = ContextVar("REPORT", default=None)
"""Whom a dialling task wants to be told: a context may be shared by several that dial."""


def certificate_error(error: ssl.SSLError, where: str) -> CertificateError:
    """What a TLS error means.

    Args:
        error: What OpenSSL said.
        where: The other side, for the message.
    """
    kind: type[CertificateError] = CertificateError
    if isinstance(error, ssl.SSLCertVerificationError):
        kind = _BY_CODE.get(error.verify_code, CertificateError)
        said = error.verify_message
    else:
        kind = _BY_REASON.get(error.reason or "", CertificateError)
        said = (error.reason or str(error)).lower().replace("_", " ")
    advice = _ADVICE.get(kind, "check certificates and clocks of both sides")
    return kind(f"no TLS with {where}: {said}; check certificates: {advice}")


def watch(context: ssl.SSLContext, report: Callable[[ssl.SSLError], None] | None = None) -> None:
    """Have failed handshakes of a context told, and the peer told why.

    The event loop keeps a failed handshake of a server to itself, and it closes the connection
    before the alert that OpenSSL has prepared is sent. So the first error of a handshake is told
    here, and to the loop it looks as if more had to be read, whereupon it sends the alert. The
    peer closes then, or the time-out of the handshake ends it.

    Args:
        context: Context of either side.
        report: Told of each handshake that failed; without it, what :data:`REPORT` holds is told.
    """

    class Watched(ssl.SSLObject):
        """A connection whose handshake is watched."""

        failure: ssl.SSLError | None = None

        @override
        def do_handshake(self) -> None:
            if self.failure is not None:
                raise self.failure
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                self.failure = error
                tell = report or REPORT.get()
                if tell is not None:
                    tell(error)
                if error.reason in _ALERTED:
                    raise ssl.SSLWantReadError from error
                raise

    context.sslobject_class = Watched
