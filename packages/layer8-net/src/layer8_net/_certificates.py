# SPDX-License-Identifier: Apache-2.0
"""Certificates that are renewed while a node runs: new connections use the new files."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from l8types.protocols.security import ConnectionGuard

__all__ = ["Certificates"]

_log = logging.getLogger(__name__)

_FRESH_SECONDS: Final = 1.0
"""How long a context is used before the provider is asked again: files are read then, which a
crowd that reconnects at once must not cost each time."""


class Certificates:
    """The TLS context of one side, as the security provider has it now.

    A provider reads its files when it is asked. While they cannot be used, the context that was
    good last goes on, and the log says so once.

    Args:
        guard: The security provider.
        server_side: For connections that are accepted, or for those that are made.
        now: Clock that never goes back, in seconds.
    """

    def __init__(
        self, guard: ConnectionGuard, *, server_side: bool, now: Callable[[], float]
    ) -> None:
        self._guard = guard
        self._server_side = server_side
        self._now = now
        self._good: ssl.SSLContext | None = None
        self._asked_at = 0.0
        self._complaint = ""

    def context(self) -> ssl.SSLContext | None:
        """What the next connection is to use, ``None`` for no TLS.

        Raises:
            Exception: What the provider raises, as long as it never had a context.
        """
        now = self._now()
        if self._good is not None and now - self._asked_at < _FRESH_SECONDS:
            return self._good
        try:
            context = self._guard.tls(server_side=self._server_side)
        except Exception as error:
            if self._good is None:
                raise
            self._complain(str(error))
        else:
            self._take(context)
        self._asked_at = now
        return self._good

    def _take(self, context: ssl.SSLContext | None) -> None:
        if context is None and self._good is not None:
            # Going on in the clear is nothing that a missing file may decide.
            self._complain("there are none any more")
            return
        self._good, self._complaint = context, ""

    def renew_within(self, listening: ssl.SSLContext) -> None:
        """Let a context that a server was started with hand each handshake to the one of now.

        The server keeps its context for as long as it listens; a handshake, when it begins, can
        still be given another one, with its certificate, key and authorities.

        Args:
            listening: What the server was started with.
        """

        def choose(connection: ssl.SSLObject, _name: str | None, _used: ssl.SSLContext) -> None:
            context = self.context()
            if context is not None and context is not listening:
                connection.context = context

        listening.sni_callback = choose

    def _complain(self, complaint: str) -> None:
        if complaint != self._complaint:
            _log.warning("renewed certificates cannot be used, the old ones go on: %s", complaint)
        self._complaint = complaint
