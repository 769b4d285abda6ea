# SPDX-License-Identifier: Apache-2.0
"""Switches that find each other: announcements, real datagrams on loopback, and a name."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.errors import ConfigurationError
from l8types.frozen import replace
from l8types.settings import NodeSettings
from layer8_net._core.discovery import ANNOUNCEMENT_SIZE, Announcer, Found
from layer8_net._discovery import _name_and_port

from .fakes import make_switch, new_id, resources, until

if TYPE_CHECKING:
    from layer8_net import TcpSwitch

SECRET = b"a secret of tests"
BROADCAST = "127.255.255.255"


def announcer(uuid: str = "", secret: bytes = SECRET, *, near: bool = True) -> Announcer:
    """One end of the discovery of a network."""
    return Announcer(uuid or new_id(), secret, lambda host: near)


class TestAnnouncements:
    """Datagrams without sockets."""

    def test_found(self) -> None:
        """What one switch announces another one of the same network understands."""
        uuid = new_id()
        datagram = announcer(uuid).announcement(1234, bytes(16))
        assert len(datagram) == ANNOUNCEMENT_SIZE
        assert announcer().receive(datagram, "10.0.0.1", 0.0) == Found(uuid, "10.0.0.1", 1234)

    def test_own(self) -> None:
        """A switch does not find itself."""
        one = announcer()
        assert one.receive(one.announcement(1, bytes(16)), "10.0.0.1", 0.0) is None
        assert one.counters.heard == 0

    def test_another_secret(self) -> None:
        """W-30: whoever does not know the secret of the network is not dialled, and counted."""
        one = announcer()
        forged = announcer(secret=b"other").announcement(1, bytes(16))
        assert one.receive(forged, "10.0.0.1", 0.0) is None
        assert (one.counters.forged, one.counters.refused) == (1, 1)

    @given(st.integers(0, ANNOUNCEMENT_SIZE - 1), st.integers(1, 255))
    def test_damaged(self, position: int, damage: int) -> None:
        """No changed byte goes through."""
        one, datagram = announcer(), bytearray(announcer().announcement(1234, bytes(16)))
        datagram[position] ^= damage
        assert one.receive(bytes(datagram), "10.0.0.1", 0.0) is None
        assert one.counters.refused == 1

    @pytest.mark.parametrize("change", [-1, 1])
    def test_length(self, change: int) -> None:
        """W-30: only the exact length is an announcement."""
        one, datagram = announcer(), announcer().announcement(1234, bytes(16))
        changed = datagram[:-1] if change < 0 else datagram + b"x"
        assert one.receive(changed, "10.0.0.1", 0.0) is None
        assert one.counters.malformed == 1

    def test_port_zero(self) -> None:
        """A switch that listens nowhere cannot be dialled."""
        one = announcer()
        assert one.receive(announcer().announcement(0, bytes(16)), "10.0.0.1", 0.0) is None
        assert one.counters.malformed == 1

    def test_from_elsewhere(self) -> None:
        """Only datagrams from the networks of this machine are looked at."""
        one = announcer(near=False)
        assert one.receive(announcer().announcement(1, bytes(16)), "8.8.8.8", 0.0) is None
        assert one.counters.distant == 1

    def test_rate(self) -> None:
        """W-30: a flood is cut off, and the limit recovers with time."""
        one, datagram = announcer(), announcer().announcement(1, bytes(16))
        results = [one.receive(datagram, "10.0.0.1", 0.0) is not None for _ in range(150)]
        assert sum(results) == 100
        assert one.counters.limited == 50
        assert one.receive(datagram, "10.0.0.1", 0.1) is not None

    @given(st.binary(max_size=200))
    def test_any_bytes(self, data: bytes) -> None:
        """Arbitrary bytes find nobody."""
        assert announcer().receive(data, "10.0.0.1", 0.0) is None

    def test_pauses(self) -> None:
        """Announcements come soon at first and then at an even pace, well within 15 s."""
        one = announcer()
        pauses = [one.pause(1.0) for _ in range(5)]
        assert pauses == pytest.approx([1.0, 2.0, 5.0, 5.0, 5.0])
        assert one.pause(0.0) == pytest.approx(4.0)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", 0))
        port: int = sock.getsockname()[1]
        return port


def _settings(port: int, address: str = BROADCAST) -> NodeSettings:
    return NodeSettings(
        keep_alive=0.5, discovery=True, discovery_port=port, discovery_address=address
    )


def _switch(settings: NodeSettings) -> TcpSwitch:
    return make_switch(resources(settings=settings))


class TestDatagrams:
    """Real sockets on loopback."""

    @pytest.mark.feature("DIS-01")
    @pytest.mark.parametrize("address", ["", BROADCAST, "239.76.56.38"])
    async def test_found(self, address: str) -> None:
        """Switches on one network find each other without being told, and are linked once."""
        settings = _settings(_free_port(), address)
        async with _switch(settings) as one, _switch(settings) as other, _switch(settings) as third:
            switches = (one, other, third)
            await until(lambda: all(switch.statistics().links == 2 for switch in switches))
            assert one.statistics().announcements_sent >= 1
            assert sum(switch.statistics().announcements_heard for switch in switches) >= 1

    @pytest.mark.feature("DIS-01")
    async def test_found_over_ipv6(self) -> None:
        """Switches find each other over IPv6, where there is any."""
        if not _ipv6_works():
            pytest.skip("this machine has no IPv6 loopback")
        settings = replace(_settings(_free_port(), "::1"), host="::1")
        async with _switch(settings) as one, _switch(settings) as other:
            # Of several sockets on one port a unicast reaches one: who hears it dials.
            await until(lambda: one.statistics().links == other.statistics().links == 1)

    async def test_noise(self) -> None:
        """Whatever is sent to the port, the switch goes on, counts it and does not dial."""
        port = _free_port()
        async with _switch(_settings(port)) as switch:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                for datagram in (b"", b"\x01\x02\x03", bytes(91), bytes(500)):
                    sock.sendto(datagram, ("127.0.0.1", port))
            await until(lambda: switch.statistics().announcements_refused >= 4)
            assert switch.statistics().dials == 0

    async def test_port_in_use(self) -> None:
        """A port that cannot be used is one line that says which."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("", 0))
            port = taken.getsockname()[1]
            with pytest.raises(ConfigurationError, match=f"cannot use port {port}"):
                await _switch(_settings(port)).__aenter__()

    async def test_no_address(self) -> None:
        """An address that is none is one line that says which."""
        with pytest.raises(ConfigurationError, match="discovery_address 'everywhere'"):
            await _switch(_settings(_free_port(), "everywhere")).__aenter__()

    async def test_off_by_default(self) -> None:
        """A switch that is not told to be found says nothing."""
        async with make_switch(resources(settings=NodeSettings(keep_alive=0.05))) as switch:
            await asyncio.sleep(0)
            assert switch.statistics().announcements_sent == 0
            assert switch._discovery._channels == []

    async def test_all_interfaces(self) -> None:
        """Without an address all interfaces are announced to; what cannot be sent is let go."""
        settings = replace(_settings(_free_port(), ""), host="0.0.0.0", insecure=True)  # noqa: S104
        async with _switch(settings) as switch, _switch(settings) as other:
            assert switch._discovery._channels
            assert switch.running
            assert other.running


def _ipv6_works() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


class TestName:
    """A name that lists the switches."""

    @pytest.mark.feature("DIS-04")
    async def test_found(self) -> None:
        """The switches behind a name are linked; the one that finds itself there does not mind."""
        fast = NodeSettings(keep_alive=0.5)
        async with make_switch(resources(settings=fast)) as one:
            settings = replace(fast, dns_name=f"localhost:{one.port}")
            async with make_switch(resources(settings=settings)) as other:
                await until(lambda: one.statistics().links == other.statistics().links == 1)

    async def test_unknown_name(self, caplog: pytest.LogCaptureFixture) -> None:
        """A name that does not resolve is one line in the log, and is asked for again."""
        settings = NodeSettings(dns_name="no.such.name.invalid")
        async with make_switch(resources(settings=settings)):
            await until(lambda: "no.such.name.invalid" in caplog.text)

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("switches.example", ("switches.example", 7)),
            ("switches.example:9", ("switches.example", 9)),
            ("::1", ("::1", 7)),
            ("[::1]:9", ("::1", 9)),
            ("[::1]", ("::1", 7)),
        ],
    )
    def test_names(self, name: str, expected: tuple[str, int]) -> None:
        """A name may bring its port."""
        assert _name_and_port(name, 7) == expected


@pytest.mark.feature("l8types:TYP-31")
@pytest.mark.parametrize("place", ["named hosts", "local network", "behind a name"])
async def test_where_a_network_runs(place: str) -> None:
    """It is a setting of each switch, none of the process: nothing else differs.

    A switch that has none stays by itself, in the same process and on the same machine.
    """
    discovery = _free_port()
    first = _settings(discovery) if place == "local network" else NodeSettings(keep_alive=0.5)
    async with _switch(first) as one, _switch(NodeSettings(keep_alive=0.5)) as alone:
        settings = {
            "named hosts": replace(first, peers=(("127.0.0.1", one.port),)),
            "local network": first,
            "behind a name": replace(first, dns_name=f"localhost:{one.port}"),
        }[place]
        async with _switch(settings) as other:
            await until(lambda: one.statistics().links == other.statistics().links == 1)
            assert one.directory.node(other.uuid) is not None
            assert (alone.statistics().links, alone.statistics().dials) == (0, 0)
