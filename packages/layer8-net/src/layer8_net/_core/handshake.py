# SPDX-License-Identifier: Apache-2.0
"""How two ends of a connection prove to each other that they share the network's secret.

The end that dialled speaks first::

    dialler                                     acceptor
      HELLO      nonce, endpoint, profile  ->
             <-  CHALLENGE  nonce, endpoint, profile
      PROOF      code of the dialler       ->
             <-  WELCOME    code of the acceptor, or
             <-  REFUSED    reason; possible after HELLO too

A *code* is an HMAC-SHA-256 with the secret over the role of its maker and both opening frames as
they were sent. The nonces make it fresh, the role makes a code worthless when it is sent back to
its maker, and the frames inside it make version, profile, ids and intervals part of the
agreement. An end refuses a peer with its own id. The acceptor proves itself only to a dialler
that has proved itself, so a stranger gets nothing to guess the secret with. Secrecy and integrity
of what follows are the business of TLS.

An opening frame, after length, version and type (see ``frame``)::

         6   32  nonce
        38   36  node id
        74    4  milliseconds between reports of the node
        78    1  1 for a switch
        79    1  P, bytes of the profile, which follows
      80+P    1  A, bytes of the alias, which follows
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass
from enum import Enum
from typing import Final

from l8types.enums import WireProfile
from l8types.errors import HandshakeError, L8Error, LocalProtocolError, error_class
from layer8_net._core.failures import error_text, split_error
from layer8_net._core.frame import VERSION, FrameType, node_bytes
from layer8_net.errors import SameIdError, VersionMismatchError

__all__ = ["HANDSHAKE_LIMIT", "NONCE_SIZE", "Acceptor", "Dialler", "Endpoint"]

HANDSHAKE_LIMIT: Final = 2048
"""Largest frame before authentication: an opening frame has 591 bytes at most, a refusal 1 KiB."""

NONCE_SIZE: Final = 32
_CODE_SIZE: Final = 32
_MAX_REASON: Final = 1024
_PROFILE: Final = WireProfile.NATIVE.value.encode()
_START: Final = struct.Struct(">IBB")
_OPENING: Final = struct.Struct(">32s36sIBB")
_DIALLER: Final = b"layer8 native 1 dialler\0"
_ACCEPTOR: Final = b"layer8 native 1 acceptor\0"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What an end tells about itself."""

    uuid: str
    alias: str
    keep_alive: float
    """Seconds between its reports."""
    is_switch: bool = False


class _State(Enum):
    START = "start"
    HELLO_SENT = "hello sent"
    PROOF_SENT = "proof sent"
    CHALLENGED = "challenged"
    PROVED = "proved"
    DONE = "done"
    FAILED = "failed"


def _frame(kind: FrameType, body: bytes) -> bytes:
    return _START.pack(2 + len(body), VERSION, kind) + body


def _opening(kind: FrameType, me: Endpoint, nonce: bytes) -> bytes:
    alias = me.alias.encode("utf-8", "replace")[:255].decode("utf-8", "ignore").encode()
    fixed = _OPENING.pack(
        nonce,
        node_bytes(me.uuid),
        min(0xFFFF_FFFF, max(1, round(me.keep_alive * 1000))),
        me.is_switch,
        len(_PROFILE),
    )
    return _frame(kind, b"".join((fixed, _PROFILE, bytes([len(alias)]), alias)))


def _body(frame: bytes, expected: FrameType) -> bytes:
    """Body of a handshake frame.

    Raises:
        VersionMismatchError: Another version.
        HandshakeError: Another type; a refusal is raised as what it says.
    """
    if len(frame) < _START.size:
        raise HandshakeError(f"frame of {len(frame)} bytes is no part of a handshake")
    _, version, kind = _START.unpack_from(frame)
    body = frame[_START.size :]
    if kind == FrameType.REFUSED:
        # Of whatever version: a refusal is the same in all, so that its reason is understood.
        code, reason = split_error(body[:_MAX_REASON].decode("utf-8", "replace"))
        raise error_class(code)(f"the peer refused the connection: {reason}")
    if version != VERSION:
        raise VersionMismatchError(
            f"the peer speaks version {version}, this side {VERSION}; bring both to the same one"
        )
    if kind != expected:
        raise HandshakeError(f"frame type {kind} where {expected.name.lower()} was expected")
    return body


def _endpoint(body: bytes, me: Endpoint) -> Endpoint:
    """Endpoint of an opening frame.

    Raises:
        HandshakeError: It is malformed, of another profile, or carries our own id.
    """
    try:
        _, node, keep_alive_ms, is_switch, size = _OPENING.unpack_from(body)
        start = _OPENING.size
        profile = body[start : start + size]
        alias_size = body[start + size]
        alias = body[start + size + 1 :]
        uuid = node.rstrip(b"\0").decode("ascii")
        name = alias.decode()
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise HandshakeError(f"malformed opening frame: {error}") from error
    if len(alias) != alias_size:
        raise HandshakeError(f"alias of {len(alias)} bytes where {alias_size} were announced")
    if profile != _PROFILE:
        raise HandshakeError(f"the peer speaks profile {profile!r}, this side {_PROFILE!r}")
    if not uuid or uuid == me.uuid:
        raise SameIdError(f"the peer has the node id {uuid!r} of this side; ids must differ")
    return Endpoint(uuid, name, max(keep_alive_ms, 1) / 1000, bool(is_switch))


class _Side:
    """What both ends have in common."""

    def __init__(self, me: Endpoint, secret: bytes, nonce: bytes) -> None:
        if len(nonce) != NONCE_SIZE:
            raise ValueError(f"nonce of {len(nonce)} bytes, {NONCE_SIZE} are needed")
        self._me = me
        self._secret = secret
        self._nonce = nonce
        self._hello = b""
        self._challenge = b""
        self._state = _State.START
        self.peer: Endpoint | None = None
        """The other end, once it said who it is; not proved before :attr:`done`."""

    @property
    def done(self) -> bool:
        """Whether both ends have proved themselves."""
        return self._state is _State.DONE

    def _code(self, role: bytes) -> bytes:
        transcript = hashlib.sha256(self._hello).digest() + hashlib.sha256(self._challenge).digest()
        return hmac.new(self._secret, role + transcript, hashlib.sha256).digest()

    def _check(self, code: bytes, role: bytes, what: str) -> None:
        if len(code) != _CODE_SIZE or not hmac.compare_digest(code, self._code(role)):
            raise HandshakeError(f"{what}; set the same secret on both")


class Dialler(_Side):
    """The end that dialled.

    Args:
        me: What it tells about itself.
        secret: Secret of the network.
        nonce: 32 fresh random bytes.
    """

    def start(self) -> bytes:
        """Frame to send first."""
        self._hello = _opening(FrameType.HELLO, self._me, self._nonce)
        self._state = _State.HELLO_SENT
        return self._hello

    def receive(self, frame: bytes) -> bytes:
        """Take a frame of the acceptor.

        Returns:
            What to send, empty for nothing.

        Raises:
            HandshakeError: The ends cannot agree; the connection is to be closed.
            L8Error: The acceptor refused, as the class that it names.
        """
        try:
            return self._step(frame)
        except L8Error:
            self._state = _State.FAILED
            raise

    def _step(self, frame: bytes) -> bytes:
        if self._state is _State.HELLO_SENT:
            self.peer = _endpoint(_body(frame, FrameType.CHALLENGE), self._me)
            self._challenge = frame
            self._state = _State.PROOF_SENT
            return _frame(FrameType.PROOF, self._code(_DIALLER))
        if self._state is _State.PROOF_SENT:
            code = _body(frame, FrameType.WELCOME)
            self._check(code, _ACCEPTOR, "the peer does not know the secret of this network")
            self._state = _State.DONE
            return b""
        raise HandshakeError(f"unexpected frame in state {self._state.value!r}")


class Acceptor(_Side):
    """The end that was dialled.

    The shell feeds frames until :attr:`proved`, decides whether to admit the peer, and sends
    :meth:`welcome` or :meth:`refuse`.
    """

    def start(self) -> bytes:
        """What to send first: nothing, the dialler speaks first."""
        return b""

    @property
    def proved(self) -> bool:
        """Whether the dialler has proved itself and waits for the decision."""
        return self._state is _State.PROVED

    def receive(self, frame: bytes) -> bytes:
        """Take a frame of the dialler.

        Returns:
            What to send, empty for nothing.

        Raises:
            HandshakeError: The ends cannot agree; send :meth:`refuse` and close.
        """
        try:
            return self._step(frame)
        except L8Error as error:
            self._state = _State.FAILED
            if isinstance(error, HandshakeError):
                raise
            raise HandshakeError(error.message) from error

    def _step(self, frame: bytes) -> bytes:
        if self._state is _State.START:
            self.peer = _endpoint(_body(frame, FrameType.HELLO), self._me)
            self._hello = frame
            self._challenge = _opening(FrameType.CHALLENGE, self._me, self._nonce)
            self._state = _State.CHALLENGED
            return self._challenge
        if self._state is _State.CHALLENGED:
            code = _body(frame, FrameType.PROOF)
            self._check(code, _DIALLER, "the network secrets of the two sides differ")
            self._state = _State.PROVED
            return b""
        raise HandshakeError(f"unexpected frame in state {self._state.value!r}")

    def welcome(self) -> bytes:
        """Admit the peer: the frame that ends the handshake.

        Raises:
            LocalProtocolError: No peer has proved itself.
        """
        if self._state is not _State.PROVED:
            raise LocalProtocolError(f"no peer to welcome in state {self._state.value!r}")
        self._state = _State.DONE
        return _frame(FrameType.WELCOME, self._code(_ACCEPTOR))

    def refuse(self, error: L8Error) -> bytes:
        """Refuse the peer: the frame that tells why; the connection is to be closed then."""
        self._state = _State.FAILED
        return _frame(FrameType.REFUSED, error_text(error).encode()[:_MAX_REASON])
