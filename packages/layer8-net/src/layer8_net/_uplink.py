# SPDX-License-Identifier: Apache-2.0
"""Connecting an interface to its switch: dial, shake hands, and only then let messages through."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from l8types.errors import ConfigurationError, L8Error, UnavailableError
from layer8_net._core.handshake import Endpoint
from layer8_net._core.switch_events import Pressure
from layer8_net._link import Link
from layer8_net._profiles import profile_of
from layer8_net._tls import REPORT, certificate_error, watch

if TYPE_CHECKING:
    from l8types.protocols.security import SecurityProvider
    from l8types.settings import NodeSettings
    from layer8_net._certificates import Certificates
    from layer8_net._machines import DiallerSide

__all__ = ["RETURN_HEADROOM", "Connecting", "Connector", "Uplink", "UplinkEvents"]

RETURN_HEADROOM: Final = 65_536
"""Bytes by which a message that comes back may exceed the limit that it was sent under: the reason
is added to it."""
_HANDSHAKE_SECONDS: Final = 10.0
"""A switch that is alive answers within milliseconds; a silent one must not hold us for ever."""


@dataclass(frozen=True, slots=True)
class UplinkEvents:
    """Whom a connection tells what happens to it."""

    opened: Callable[[Link, Endpoint], None]
    """The handshake is done; no frame was handed out yet."""
    frames: Callable[[list[bytes]], None]
    closed: Callable[[str], None]
    """An opened connection is gone, with the reason."""
    objection: Callable[[Endpoint], L8Error | None] | None = None
    """Why not to go on with the handshake, now that the other end said who it is."""
    pressure: Callable[[Pressure], None] | None = None
    """More or less waits to be written than before."""


class Connecting(Protocol):
    """Makes connections to one switch."""

    async def connect(self) -> None:
        """Connect; returns once the connection is open.

        Raises:
            L8Error: There is none.
        """
        ...


Connector = Callable[[UplinkEvents], Connecting]
"""Makes what makes the connections of an interface."""


class Uplink:
    """Makes connections to the switch that the settings name.

    Args:
        settings: Where the switch is, and limits.
        guard: Secret and certificates.
        me: This node as its peers see it.
        events: Whom to tell.
        certificates: TLS of those that dial.
    """

    def __init__(
        self,
        settings: NodeSettings,
        guard: SecurityProvider,
        me: Endpoint,
        events: UplinkEvents,
        certificates: Certificates,
    ) -> None:
        self._settings = settings
        self._guard = guard
        self._certificates = certificates
        self._profile = profile_of(settings)
        self._me = me
        self._events = events
        self._no_tls: ssl.SSLError | None = None

    async def connect(self) -> None:
        """Connect and shake hands; returns once the connection is open.

        Raises:
            UnavailableError: There is no switch, or it does not answer.
            HandshakeError: The two sides cannot agree; the message tells what to check.
            ConfigurationError: This side has no secret.
            L8Error: The switch refused, as the class that it named.
        """
        settings = self._settings
        where = f"the switch at {settings.host}:{settings.port}"
        try:
            async with asyncio.timeout(_HANDSHAKE_SECONDS):
                await self._shake_hands()
        except ssl.SSLError as error:
            raise certificate_error(error, where) from error
        except TimeoutError as error:
            limit = f"no answer within {_HANDSHAKE_SECONDS:g} s"
            raise UnavailableError(f"cannot reach {where}: {limit}") from error
        except OSError as error:
            if self._no_tls is not None:
                raise certificate_error(self._no_tls, where) from error
            reason = error.strerror or str(error)
            raise UnavailableError(f"cannot reach {where}: {reason}; is it running?") from error
        except L8Error as error:
            raise type(error)(f"cannot join through {where}: {error.message}") from error

    async def _shake_hands(self) -> None:
        if not self._guard.network_secret():
            raise ConfigurationError("the network secret is empty; set one, equal on all nodes")
        settings, profile = self._settings, self._profile
        context = self._certificates.context()
        self._no_tls = None
        if context is not None:
            watch(context)
            REPORT.set(self._keep_failure)
        dialler = profile.dialler(self._me, self._guard)
        attempt = _Attempt(dialler, settings.max_frame_bytes + RETURN_HEADROOM, self._events)
        pressure = self._events.pressure
        _, link = await asyncio.get_running_loop().create_connection(
            lambda: Link(
                attempt.frames,
                attempt.closed,
                frame_limit=profile.handshake_limit,
                queue_bytes=settings.queue_bytes,
                # At once: where both ends speak first, the other one's first words may be here
                # before this task goes on, and the answer to them must not come first.
                on_open=lambda link: link.send([dialler.start()]),
                on_pressure=None if pressure is None else lambda _, level: pressure(level),
                profile=profile,
            ),
            settings.host,
            settings.port,
            ssl=context,
        )
        try:
            await attempt.result
        except BaseException:
            link.abort("handshake given up")
            raise

    def _keep_failure(self, error: ssl.SSLError) -> None:
        """What this side has against the certificate; the connection ends for that reason."""
        self._no_tls = error


class _Attempt:
    """One connection from its first byte to its end."""

    def __init__(self, dialler: DiallerSide, frame_limit: int, events: UplinkEvents) -> None:
        self.result: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._dialler = dialler
        self._frame_limit = frame_limit
        self._events = events
        self._answered = False

    def frames(self, link: Link, frames: list[bytes]) -> None:
        """Frames of the switch."""
        if self._dialler.done:
            self._events.frames(frames)
            return
        for index, frame in enumerate(frames):
            try:
                answer = self._dialler.receive(frame)
            except L8Error as error:
                self._fail(error)
                return
            if not self._is_welcome():
                return
            if answer:
                link.send([answer])
            if self._dialler.done:
                self._open(link, frames[index + 1 :])
                return

    def _is_welcome(self) -> bool:
        """Whether this side still wants the connection, knowing who is at its other end."""
        peer, objection = self._dialler.peer, self._events.objection
        if peer is None or objection is None or self._answered:
            return True
        self._answered = True
        error = objection(peer)
        if error is not None:
            self._fail(error)
        return error is None

    def closed(self, link: Link, reason: str) -> None:
        """The connection is gone."""
        if self._dialler.done:
            self._events.closed(reason)
        elif isinstance(link.error, ssl.SSLError):
            # In TLS 1.3 the side that dials learns after its own part that it was refused.
            self._fail(link.error)
        else:
            self._fail(UnavailableError(f"the connection ended during the handshake: {reason}"))

    def _open(self, link: Link, rest: list[bytes]) -> None:
        """The switch may have sent its first messages together with the welcome."""
        if self.result.done() or self._dialler.peer is None:
            return
        self.result.set_result(None)
        self._events.opened(link, self._dialler.peer)
        if rest:
            self._events.frames(rest)
        link.raise_limit(self._frame_limit)

    def _fail(self, error: L8Error | ssl.SSLError) -> None:
        if not self.result.done():
            self.result.set_exception(error)
