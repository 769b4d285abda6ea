# SPDX-License-Identifier: Apache-2.0
"""TLS contexts from PEM files; what is wrong with the files is told before anybody dials."""

from __future__ import annotations

import datetime as dt
import logging
import ssl
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature

from l8secure._certificates import read_certificate
from l8types.errors import ConfigurationError

if TYPE_CHECKING:
    from l8secure._certificates import TlsFiles

__all__ = ["TlsContexts"]

_log = logging.getLogger(__name__)

_SOON: Final = dt.timedelta(days=14)
"""Whoever is told this long before still has the time to issue another."""


class TlsContexts:
    """Makes contexts for both sides: TLS 1.3, and each side shows a certificate.

    The files are read each time, so that a node that dials again uses a renewed certificate.
    A certificate that others will refuse is no error here, since their clocks and their authorities
    decide; it is told in the log, once.

    Args:
        files: What this node shows and whom it trusts.
    """

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._told = ""

    def context(self, now: dt.datetime, *, server_side: bool) -> ssl.SSLContext:
        """A context.

        Args:
            now: The time, with its zone.
            server_side: For connections that are accepted, or for those that are made.

        Raises:
            ConfigurationError: A file is missing, is not what it should be, or does not fit.
        """
        files = self._files
        for path in (files.certificate, files.key, files.authority):
            if not path.is_file():
                raise ConfigurationError(f"TLS needs cert.pem, key.pem and ca.pem: no file {path}")
        self._tell(now)
        purpose = ssl.Purpose.CLIENT_AUTH if server_side else ssl.Purpose.SERVER_AUTH
        try:
            context = ssl.create_default_context(purpose, cafile=str(files.authority))
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                f"{files.authority} is no authority in PEM form: {error}"
            ) from error
        try:
            context.load_cert_chain(files.certificate, files.key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                f"{files.key} is not the key of {files.certificate}: {error}"
            ) from error
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _tell(self, now: dt.datetime) -> None:
        trouble = self._trouble(now)
        if trouble and trouble != self._told:
            _log.warning("%s: %s", self._files.certificate, trouble)
        self._told = trouble

    def _trouble(self, now: dt.datetime) -> str:
        """Why others may refuse this node, "" when there is no reason."""
        certificate = read_certificate(self._files.certificate)
        authority = read_certificate(self._files.authority)
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if now < begins:
            return f"not valid before {begins:%Y-%m-%d %H:%M} UTC; look at this machine's clock"
        if now > ends:
            return f"expired on {ends:%Y-%m-%d %H:%M} UTC; renew it"
        try:
            certificate.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            # With an authority in between it is right all the same; the other side decides.
            return f"not signed by {self._files.authority} itself"
        if ends - now < _SOON:
            return f"expires on {ends:%Y-%m-%d %H:%M} UTC; renew it"
        return ""
