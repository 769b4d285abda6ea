# SPDX-License-Identifier: Apache-2.0
"""The handshake of the go profile: six steps, each written before the other side's is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.errors import HandshakeError, PermissionDeniedError
from l8types.values import ServiceKey
from layer8_net._core.handshake import Endpoint
from layer8_net._go.handshake import GoAcceptor, GoDialler, GoEndpoint, frame_of

from .go_parts import ANN, CIPHER, SECRET, SONGS, SWITCH, GoSecurity

if TYPE_CHECKING:
    from l8types.protocols.security import SecurityProvider

NODE = GoEndpoint(ANN, "ann", 5.0, services={SONGS: "Song"})
HUB = GoEndpoint(SWITCH, "hub", 7.0, is_switch=True)


def guard(secret: bytes = SECRET) -> SecurityProvider:
    """A provider with this secret."""
    return cast("SecurityProvider", GoSecurity(secret))


def step(value: bytes) -> bytes:
    """A step as a peer would send it."""
    return frame_of(CIPHER.encrypt(value))


def read(frame: bytes) -> bytes:
    """What a step says."""
    return CIPHER.decrypt(frame[8:])


def shake(dialler: GoDialler, acceptor: GoAcceptor) -> list[bytes]:
    """Let both ends talk until the acceptor has to decide; what the acceptor sent."""
    to_acceptor, to_dialler = dialler.start(), acceptor.start()
    sent: list[bytes] = []
    while not acceptor.proved:
        answer = acceptor.receive(to_acceptor)
        if to_dialler:
            sent.append(to_dialler)
            to_acceptor = dialler.receive(to_dialler)
        to_dialler = answer
    return sent


@pytest.mark.feature("NIC-01", "NIC-21", "SEC-01", "l8types:TYP-40")
def test_both_know_each_other() -> None:
    """After the script each end knows the other's id, alias and services."""
    dialler, acceptor = GoDialler(NODE, guard()), GoAcceptor(HUB, guard())
    shake(dialler, acceptor)
    assert not dialler.done
    assert dialler.receive(acceptor.welcome()) == b""
    assert dialler.done
    peer, hub = acceptor.peer, dialler.peer
    assert isinstance(peer, GoEndpoint)
    assert (peer.uuid, peer.alias, peer.is_switch) == (ANN, "ann", False)
    assert peer.services == {SONGS: "Song", ServiceKey("Health"): ""}
    assert hub is not None
    assert (hub.uuid, hub.alias, hub.is_switch) == (SWITCH, "hub", True)


def test_steps() -> None:
    """The steps say what Go nodes expect, in their order and sizes."""
    dialler, acceptor = GoDialler(NODE, guard()), GoAcceptor(HUB, guard())
    sent = [*shake(dialler, acceptor), acceptor.welcome()]
    assert [read(frame) for frame in sent] == [
        b"Shallow Security Provider",
        SWITCH.encode(),
        b"false",
        b"hub",
        bytes.fromhex("0a100a064865616c746812060a0408001001"),
        b"",
    ]
    assert [len(frame) - 8 for frame in sent[:3]] == [56, 72, 28]
    assert len(sent[-1]) - 8 == 24


@pytest.mark.parametrize(("me", "says"), [(NODE, b"false"), (HUB, b"true")])
def test_who_is_a_switch(me: Endpoint, says: bytes) -> None:
    """Only a switch that dials says so; to it the other end is a switch in any case."""
    dialler = GoDialler(me, guard())
    dialler.start()
    dialler.receive(step(SECRET))
    assert read(dialler.receive(step(b"d" * 36))) == says


@pytest.mark.feature("NIC-18")
def test_distant() -> None:
    """A node that dials another machine tells under which address."""
    acceptor = GoAcceptor(HUB, guard())
    me = GoEndpoint(ANN, "ann", 5.0, distant="192.0.2.7")
    shake(GoDialler(me, guard()), acceptor)
    assert isinstance(acceptor.peer, GoEndpoint)
    assert acceptor.peer.distant == "192.0.2.7"


def test_common_endpoint() -> None:
    """An endpoint without anything special is served too, and its alias is cut to fit."""
    acceptor = GoAcceptor(HUB, guard())
    shake(GoDialler(Endpoint(ANN, "é" * 3000, 5.0), guard()), acceptor)
    assert acceptor.peer is not None
    assert acceptor.peer.alias == "é" * 512


def test_admission_comes_first() -> None:
    """The last step is kept back until the peer is admitted; refused, it gets nothing."""
    dialler, acceptor = GoDialler(NODE, guard()), GoAcceptor(HUB, guard())
    assert len(shake(dialler, acceptor)) == 5
    assert acceptor.refuse(PermissionDeniedError("no")) == b""
    assert not acceptor.proved
    assert not dialler.done


def test_wrong_secret() -> None:
    """Another secret ends it in the first step, before anything is told."""
    acceptor = GoAcceptor(HUB, guard())
    with pytest.raises(HandshakeError, match="secrets of the two sides differ"):
        acceptor.receive(step(b"another secret"))
    assert not acceptor.proved


def test_echo() -> None:
    """W-13: who sends everything back, without knowing the key, is found out at the first step."""
    dialler = GoDialler(NODE, guard())
    with pytest.raises(HandshakeError, match="sent back what this side had sent"):
        dialler.receive(dialler.start())


def test_own_id() -> None:
    """A peer with the own id is a mirror, or a copy of this node."""
    acceptor = GoAcceptor(HUB, guard())
    with pytest.raises(HandshakeError, match="ids must differ"):
        shake(GoDialler(GoEndpoint(SWITCH, "twin", 5.0), guard()), acceptor)


def _talk(acceptor: GoAcceptor, *values: bytes) -> None:
    for value in values:
        acceptor.receive(step(value))


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ((b"short", b"false", b"a", b"", b""), "'short' as its node id"),
        ((b"x" * 35 + b"\0", b"false", b"a", b"", b""), "as its node id"),
        ((b"\xff" * 36, b"false", b"a", b"", b""), "no text"),
        ((ANN.encode(), b"maybe", b"a", b"", b""), "instead of true or false"),
        ((ANN.encode(), b"false", b"\xff", b"", b""), "no text"),
        ((ANN.encode(), b"false", b"a", b"", b"\xff"), "no text"),
    ],
)
def test_nonsense(values: tuple[bytes, ...], what: str) -> None:
    """Whatever a peer tells wrongly is named."""
    with pytest.raises(HandshakeError, match=what):
        _talk(GoAcceptor(HUB, guard()), SECRET, *values)


def test_services_that_cannot_be_read() -> None:
    """Services that are none count as no services, as with Go nodes."""
    acceptor = GoAcceptor(HUB, guard())
    _talk(acceptor, SECRET, ANN.encode(), b"false", b"ann", b"\xff\xff", b"")
    assert isinstance(acceptor.peer, GoEndpoint)
    assert acceptor.peer.services == {}


@pytest.mark.feature("WIR-01")
def test_limits() -> None:
    """A step is small, only the services may be longer."""
    acceptor = GoAcceptor(HUB, guard())
    with pytest.raises(HandshakeError, match="step 0 of 8000 bytes is above 4096"):
        acceptor.receive(frame_of(b"A" * 8000))
    acceptor = GoAcceptor(HUB, guard())
    _talk(acceptor, SECRET, ANN.encode(), b"false", b"ann", bytes(30_000))
    assert not acceptor.proved


def test_after_the_end() -> None:
    """A frame behind the last step, or behind a failure, is refused."""
    dialler, acceptor = GoDialler(NODE, guard()), GoAcceptor(HUB, guard())
    shake(dialler, acceptor)
    with pytest.raises(HandshakeError, match="unexpected frame"):
        acceptor.receive(step(b"more"))
    with pytest.raises(HandshakeError, match="unexpected frame"):
        acceptor.receive(step(b"more"))


@given(st.lists(st.binary(max_size=100), max_size=8))
def test_any_bytes(frames: list[bytes]) -> None:
    """Arbitrary frames end a handshake with a named error, and with no peer."""
    acceptor = GoAcceptor(HUB, guard())
    try:
        for frame in frames:
            acceptor.receive(frame_of(frame))
    except HandshakeError:
        assert not acceptor.proved
    assert acceptor.peer is None


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=6))
def test_any_values(values: list[bytes]) -> None:
    """Arbitrary values from somebody who has the key end it just the same."""
    acceptor = GoAcceptor(HUB, guard())
    try:
        _talk(acceptor, SECRET, *values)
    except HandshakeError:
        assert not acceptor.proved
