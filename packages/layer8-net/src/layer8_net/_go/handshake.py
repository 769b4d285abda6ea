# SPDX-License-Identifier: Apache-2.0
"""How two ends of a connection introduce themselves in the ``go`` profile.

Both run the same script of six steps, and in each they write first and then read. Every value is
encrypted and framed::

    0  secret of the network
    1  node id
    2  "true" or "false": whether this end is a switch that dialled
    3  alias
    4  services, an ``L8Services`` message
    5  address of a distant switch, empty on one's own machine

There is no version and no refusal: who does not agree closes. An end that is dialled keeps its
last step back until the security provider has admitted the peer, which the script does not notice.

The peers have nothing fresh to prove themselves with, so that a recording of a handshake passes.
What can be noticed is refused: a peer with this side's own id, and a text that this side has sent.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError as ProtobufDecodeError

from l8types.constants import HEALTH_SERVICE, UUID_LENGTH
from l8types.errors import HandshakeError, L8Error
from l8types.pb import L8Services
from l8types.values import ServiceKey
from layer8_net._core.handshake import Endpoint
from layer8_net._core.records import services_message
from layer8_net._go.header import LENGTH, LENGTH_SIZE
from layer8_net._go.records import services_of
from layer8_net.errors import SameIdError

if TYPE_CHECKING:
    from l8types.protocols.security import SecurityProvider

__all__ = [
    "HANDSHAKE_LIMIT",
    "GoAcceptor",
    "GoDialler",
    "GoEndpoint",
    "frame_of",
    "go_endpoint",
]

HANDSHAKE_LIMIT: Final = 65_536
"""Largest step before the peer is known: a list of services may be long."""
_STEP_LIMIT: Final = 4096
"""Largest of the other steps."""
_ALIAS: Final = 1024
"""Bytes of an alias; more is cut off, so that its step stays within the limit."""
_LAST: Final = 5
_SERVICES: Final = 4
_TRUE: Final = b"true"
_FALSE: Final = b"false"
_HEALTH: Final = {ServiceKey(HEALTH_SERVICE): ""}


@dataclass(frozen=True, slots=True)
class GoEndpoint(Endpoint):
    """What an end of the ``go`` profile tells about itself beyond the common."""

    services: dict[ServiceKey, str] = field(default_factory=dict)
    """What it offers, with the models; of this side it is the table that the core keeps."""
    distant: str = ""
    """Address under which a node reached a switch on another machine, empty on the same."""


def go_endpoint(peer: Endpoint) -> GoEndpoint:
    """An endpoint as one of this profile."""
    if isinstance(peer, GoEndpoint):
        return peer
    return GoEndpoint(peer.uuid, peer.alias, peer.keep_alive, peer.is_switch)


def frame_of(payload: bytes) -> bytes:
    """A frame around a payload."""
    return LENGTH.pack(len(payload)) + payload


class _Script:
    """One end of the handshake.

    Args:
        me: What it tells about itself.
        guard: Secret and cipher of the network.
    """

    _linking = False

    def __init__(self, me: Endpoint, guard: SecurityProvider) -> None:
        self._me = me
        self._guard = guard
        own = go_endpoint(me)
        offered = services_message(_HEALTH | dict(own.services))
        self._values = (
            guard.network_secret(),
            me.uuid.encode(),
            _TRUE if self._linking and me.is_switch else _FALSE,
            me.alias.encode("utf-8", "replace")[:_ALIAS].decode("utf-8", "ignore").encode(),
            offered.SerializeToString(deterministic=True),
            own.distant.encode(),
        )
        self._sent: set[bytes] = set()
        self._heard: list[bytes] = []
        self._failed = False
        self.peer: Endpoint | None = None
        """The other end, once it has told everything."""

    def start(self) -> bytes:
        """Frame to send first."""
        return self._write(0)

    def receive(self, frame: bytes) -> bytes:
        """Take a step of the peer.

        Returns:
            The own next step, empty when there is none or not yet.

        Raises:
            HandshakeError: The ends cannot agree; the connection is to be closed.
        """
        try:
            return self._step(frame[LENGTH_SIZE:])
        except L8Error as error:
            self._failed = True
            if isinstance(error, HandshakeError):
                raise
            raise HandshakeError(f"handshake that cannot be read: {error.message}") from error

    @property
    def _over(self) -> bool:
        return len(self._heard) > _LAST

    def _step(self, payload: bytes) -> bytes:
        step = len(self._heard)
        if self._failed or step > _LAST:
            raise HandshakeError("unexpected frame after the handshake")
        if step != _SERVICES and len(payload) > _STEP_LIMIT:
            raise HandshakeError(f"step {step} of {len(payload)} bytes is above {_STEP_LIMIT}")
        if payload in self._sent:
            raise HandshakeError("the peer sent back what this side had sent")
        value = self._guard.decrypt(payload)
        if step == 0 and not hmac.compare_digest(value, self._values[0]):
            raise HandshakeError(
                "the network secrets of the two sides differ; set the same on both"
            )
        self._heard.append(value)
        if step == _LAST:
            self.peer = self._read_peer()
            return b""
        return self._next(step + 1)

    def _next(self, step: int) -> bytes:
        return self._write(step)

    def _write(self, step: int) -> bytes:
        payload = self._guard.encrypt(self._values[step])
        self._sent.add(payload)
        return frame_of(payload)

    def _read_peer(self) -> Endpoint:
        _, node, linking, alias, services, distant = self._heard
        try:
            uuid, name = node.decode("ascii"), alias.decode()
            address = distant.decode()
        except UnicodeDecodeError as error:
            raise HandshakeError(f"the peer tells what is no text: {error}") from error
        if len(uuid) != UUID_LENGTH or "\0" in uuid:
            raise HandshakeError(f"the peer has {uuid!r} as its node id")
        if uuid == self._me.uuid:
            raise SameIdError(f"the peer has the node id {uuid} of this side; ids must differ")
        if linking not in {_TRUE, _FALSE}:
            raise HandshakeError(f"the peer says {linking[:16]!r} instead of true or false")
        return GoEndpoint(
            uuid,
            name,
            self._me.keep_alive,
            self._is_switch(linking=linking == _TRUE),
            _read_services(services),
            address,
        )

    def _is_switch(self, *, linking: bool) -> bool:
        return linking


def _read_services(data: bytes) -> dict[ServiceKey, str]:
    """Services of a peer; none when they cannot be read, as its peers take it."""
    try:
        return dict(services_of(L8Services.FromString(data)))
    except ProtobufDecodeError:
        return {}


class GoDialler(_Script):
    """The end that dialled; whom it dials is a switch."""

    _linking = True

    @property
    def done(self) -> bool:
        """Whether the handshake is over."""
        return self._over and not self._failed

    def _is_switch(self, *, linking: bool) -> bool:
        del linking
        return True


class GoAcceptor(_Script):
    """The end that was dialled.

    The shell feeds frames until :attr:`proved`, decides whether to admit the peer, and sends
    :meth:`welcome` or closes.
    """

    @property
    def proved(self) -> bool:
        """Whether the dialler has told everything and waits for the decision."""
        return self._over and not self._failed

    def welcome(self) -> bytes:
        """Admit the peer: the last step."""
        return self._write(_LAST)

    def refuse(self, error: L8Error) -> bytes:
        """Nothing: the script has no refusal."""
        del error
        self._failed = True
        return b""

    def _next(self, step: int) -> bytes:
        return b"" if step == _LAST else self._write(step)
