# SPDX-License-Identifier: Apache-2.0
"""The small parts of a switch: brakes, claims, offers, and the options of its sockets."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from l8types.enums import NodeState
from l8types.frozen import replace
from l8types.settings import NodeSettings
from l8types.values import NodeInfo, ServiceKey
from layer8_net._core.mesh_claims import Claims
from layer8_net._core.switch_brakes import Brakes
from layer8_net._exposure import is_loopback, is_wildcard

from .fakes import make_switch, node, resources
from .virtual import VirtualNet


class BrakesMachine(RuleBasedStateMachine):
    """Held is exactly who has a reason."""

    def __init__(self) -> None:
        super().__init__()
        self.brakes = Brakes()
        self.reasons: set[tuple[int, int | bytes]] = set()
        self.held: set[int] = set()

    @rule(connection=st.integers(0, 3), because=st.sampled_from([7, 8, b"a", b"b"]))
    def hold(self, connection: int, because: int | bytes) -> None:
        """A connection sends to somebody slow."""
        assert self.brakes.hold(connection, because) == (connection not in self.held)
        self.held.add(connection)
        self.reasons.add((connection, because))

    @rule(because=st.sampled_from([7, 8, b"a", b"b"]))
    def release(self, because: int | bytes) -> None:
        """Somebody slow has caught up."""
        self.reasons = {one for one in self.reasons if one[1] != because}
        free = self.held - {one for one, _ in self.reasons}
        assert set(self.brakes.release(because)) == free
        self.held -= free

    @rule(connection=st.integers(0, 3))
    def forget(self, connection: int) -> None:
        """A connection is gone."""
        self.brakes.forget(connection)
        self.held.discard(connection)
        self.reasons = {one for one in self.reasons if one[0] != connection}

    @invariant()
    def nothing_is_left_over(self) -> None:
        """Without a reason nothing is remembered."""
        assert set(self.brakes._held) == self.held
        assert set(self.brakes._holding) == {because for _, because in self.reasons}


TestBrakes = BrakesMachine.TestCase
TestBrakes.settings = settings(max_examples=50, stateful_step_count=30)


@given(st.permutations([("a", 1.0), ("b", 2.0), ("c", 2.0)]))
def test_claims(order: list[tuple[str, float]]) -> None:
    """The later claim counts, ties by the id of the switch, in whatever order they come."""
    claims = Claims()
    for owner, started in order:
        claims.put(NodeInfo("n", "", owner, started=started))
    for expected in ("c", "b", "a"):
        best = claims.best("n")
        assert best is not None
        assert best.switch == expected
        claims.remove(expected, "n")
    assert claims.best("n") is None


def test_claims_of_a_silent_switch() -> None:
    """What a silent switch says is up is unreachable, until it is heard again."""
    claims = Claims()
    up = NodeInfo("n", "", "a")
    claims.put(up)
    assert claims.silence("a", silent=True) == ["n"]
    assert claims.best("n") == replace(up, state=NodeState.UNREACHABLE)
    claims.silence("a", silent=False)
    assert claims.best("n") == up


def test_offers_are_remembered() -> None:
    """W-25: a change of one service leaves what is known of ten thousand others untouched."""
    net = VirtualNet()
    keys = [ServiceKey(f"S{number}") for number in range(10_000)]
    net.join(*keys)
    offers = net.core._offers
    before = [offers.of((key.name.encode(), 0)) for key in keys]
    net.join(keys[0])
    after = [offers.of((key.name.encode(), 0)) for key in keys]
    assert [one is other for one, other in zip(before, after, strict=True)].count(False) == 1
    assert len(after[0].live) == 2


@pytest.mark.parametrize(
    ("host", "loopback", "wildcard"),
    [
        ("127.0.0.1", True, False),
        ("localhost", True, False),
        ("::1", True, False),
        ("0.0.0.0", False, True),  # noqa: S104 - only looked at
        ("::", False, True),
        ("", False, True),
        ("host.example", False, False),
    ],
)
def test_hosts(host: str, loopback: bool, wildcard: bool) -> None:
    """Loopback is never left, and a wildcard is no address to dial."""
    assert (is_loopback(host), is_wildcard(host)) == (loopback, wildcard)


async def test_socket_options() -> None:
    """W-18: connections of a switch send at once, and the kernel looks after half-open ones."""
    fast = NodeSettings(keep_alive=0.5)
    async with make_switch(resources(settings=fast)) as switch, node(switch):
        (link,) = switch._connections._links.values()
        sock = link.socket
        assert sock is not None
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
