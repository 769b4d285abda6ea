# SPDX-License-Identifier: Apache-2.0
"""Proving membership of the network."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.errors import (
    ConflictError,
    HandshakeError,
    L8Error,
    LocalProtocolError,
    PermissionDeniedError,
)
from layer8_net._core.handshake import HANDSHAKE_LIMIT, Acceptor, Dialler, Endpoint

from .fakes import new_id

SECRET = b"the secret"
NODE = Endpoint(new_id(), "nodé", 5.0)
SWITCH = Endpoint(new_id(), "switch", 2.5, is_switch=True)
OTHER = Endpoint(new_id(), "other", 5.0)


def _dialler(me: Endpoint = NODE, secret: bytes = SECRET, nonce: bytes = b"d" * 32) -> Dialler:
    return Dialler(me, secret, nonce)


def _acceptor(me: Endpoint = SWITCH, secret: bytes = SECRET, nonce: bytes = b"a" * 32) -> Acceptor:
    return Acceptor(me, secret, nonce)


@pytest.mark.feature("l8types:TYP-40")
def test_agreement() -> None:
    """Two ends with the same secret learn who the other is."""
    dialler, acceptor = _dialler(), _acceptor()
    proof = dialler.receive(acceptor.receive(dialler.start()))
    assert acceptor.receive(proof) == b""
    assert acceptor.proved
    assert not dialler.done
    assert dialler.receive(acceptor.welcome()) == b""
    assert (dialler.done, acceptor.done) == (True, True)
    assert (dialler.peer, acceptor.peer) == (SWITCH, NODE)


def test_wrong_secret_of_the_dialler() -> None:
    """The acceptor refuses, tells why, and proves nothing itself."""
    dialler, acceptor = _dialler(secret=b"another"), _acceptor()
    proof = dialler.receive(acceptor.receive(dialler.start()))
    with pytest.raises(HandshakeError, match="secrets of the two sides differ") as caught:
        acceptor.receive(proof)
    with pytest.raises(LocalProtocolError):
        acceptor.welcome()
    with pytest.raises(HandshakeError, match="refused the connection: the network secrets"):
        dialler.receive(acceptor.refuse(caught.value))


def test_wrong_secret_of_the_acceptor() -> None:
    """A dialler does not trust an acceptor that says welcome without the secret."""
    dialler, impostor = _dialler(), _acceptor(secret=b"another")
    dialler.receive(impostor.receive(dialler.start()))
    fake = (34).to_bytes(4, "big") + bytes([1, 4]) + bytes(32)
    with pytest.raises(HandshakeError, match="does not know the secret"):
        dialler.receive(fake)
    assert not dialler.done


def test_echo() -> None:
    """A peer that sends everything back is refused at its first frame."""
    dialler = _dialler()
    with pytest.raises(HandshakeError, match="frame type 1"):
        dialler.receive(dialler.start())


def test_reflected_proof() -> None:
    """A code that a dialler made does not pass as the code of an acceptor, nor the reverse."""
    dialler, acceptor = _dialler(), _acceptor()
    proof = dialler.receive(acceptor.receive(dialler.start()))
    as_welcome = proof[:5] + bytes([4]) + proof[6:]
    with pytest.raises(HandshakeError, match="does not know the secret"):
        dialler.receive(as_welcome)


def test_replayed_proof() -> None:
    """A recorded handshake does not work a second time: the nonce is new."""
    dialler, acceptor = _dialler(), _acceptor()
    hello = dialler.start()
    proof = dialler.receive(acceptor.receive(hello))
    later = _acceptor(nonce=b"b" * 32)
    later.receive(hello)
    with pytest.raises(HandshakeError):
        later.receive(proof)


def test_relayed_under_another_name() -> None:
    """The ids are part of what is proved: a code made for one node does not admit another."""
    dialler, acceptor = _dialler(), _acceptor()
    hello = dialler.start()
    forged = hello.replace(NODE.uuid.encode(), OTHER.uuid.encode())
    proof = dialler.receive(acceptor.receive(forged))
    with pytest.raises(HandshakeError):
        acceptor.receive(proof)


def test_own_id() -> None:
    """A peer with the id of this side is refused, by both ends."""
    with pytest.raises(HandshakeError, match="ids must differ"):
        _acceptor(me=NODE).receive(_dialler().start())
    challenge = _acceptor(me=NODE).receive(_dialler(me=OTHER).start())
    dialler = _dialler()
    dialler.start()
    with pytest.raises(HandshakeError, match="ids must differ"):
        dialler.receive(challenge)


@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [
        (4, 9, "version 9"),
        (5, 2, "frame type 2"),
        (80, ord("x"), "profile"),
        (79, 255, "malformed"),
    ],
)
def test_other_openings(offset: int, value: int, reason: str) -> None:
    """Another version, type or profile and broken lengths are named in the error."""
    hello = bytearray(_dialler().start())
    hello[offset] = value
    with pytest.raises(HandshakeError, match=reason):
        _acceptor().receive(bytes(hello))


@pytest.mark.parametrize("error", [ConflictError("taken"), PermissionDeniedError("not you")])
def test_refusal_keeps_its_class(error: L8Error) -> None:
    """The dialler raises what the acceptor refused with."""
    dialler, acceptor = _dialler(), _acceptor()
    dialler.receive(acceptor.receive(dialler.start()))
    with pytest.raises(type(error), match=error.message):
        dialler.receive(acceptor.refuse(error))


def test_frames_after_the_end() -> None:
    """A finished handshake takes no more frames."""
    dialler, acceptor = _dialler(), _acceptor()
    acceptor.receive(dialler.receive(acceptor.receive(dialler.start())))
    welcome = acceptor.welcome()
    dialler.receive(welcome)
    with pytest.raises(HandshakeError, match="unexpected frame"):
        dialler.receive(welcome)
    with pytest.raises(HandshakeError, match="unexpected frame"):
        acceptor.receive(welcome)


@given(st.lists(st.binary(max_size=200), max_size=4), st.booleans())
def test_any_bytes(frames: list[bytes], dialled: bool) -> None:
    """Frames of a stranger give an error of the tree and never an agreement."""
    side = _dialler() if dialled else _acceptor()
    if isinstance(side, Dialler):
        side.start()
    for frame in frames:
        try:
            side.receive(frame)
        except L8Error:
            continue
    assert not side.done


def test_long_alias_fits_the_limit() -> None:
    """An opening frame with the longest alias stays below the limit before authentication."""
    hello = _dialler(me=Endpoint(new_id(), "é" * 300, 5.0)).start()
    assert len(hello) < HANDSHAKE_LIMIT
    acceptor = _acceptor()
    acceptor.receive(hello)
    assert acceptor.peer is not None
    assert acceptor.peer.alias == "é" * 127


def test_nonce_size() -> None:
    """A nonce of another size is a mistake of the caller."""
    with pytest.raises(ValueError, match="nonce of 3 bytes"):
        _dialler(nonce=b"abc")
