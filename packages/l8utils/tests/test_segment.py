# SPDX-License-Identifier: Apache-2.0
"""Where addresses are."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.errors import InvalidInputError
from l8utils import IpSegment, NetworkInterface, parse_address


def segment(*interfaces: tuple[str, str]) -> IpSegment:
    """A host with these interfaces."""
    return IpSegment(
        tuple(NetworkInterface(name, ip_interface(address)) for name, address in interfaces)
    )


HOST = segment(
    ("lo", "127.0.0.1/8"),
    ("docker0", "172.17.0.1/16"),
    ("wlan0", "192.168.7.9/20"),
    ("eth0", "fe80::5/64"),
    ("eth0", "2001:db8::5/64"),
)


@pytest.mark.feature("IPS-01")
@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8:1000", True),
        ("::1", True),
        ("[::1]:90", True),
        ("::ffff:127.0.0.1", True),
        ("172.17.200.3:1234", True),
        ("192.168.7.9", True),
        ("192.168.7.10", False),
        ("192.168.0.1/20", False),
        ("8.8.8.8", False),
        ("2001:db8::5", True),
        ("[2001:db8::6]:10005", False),
        ("fe80::5%eth0", True),
        ("fe80::6%eth0", False),
    ],
)
def test_peers_on_this_host_and_its_internal_networks_are_local(address: str, local: bool) -> None:
    """The interface's own network decides, with its real size; a physical one is outside."""
    assert HOST.is_local(address) is local


@pytest.mark.feature("IPS-01")
def test_configured_networks_are_local() -> None:
    """Such as the overlay of a container platform."""
    pods = IpSegment(HOST.interfaces, (ip_network("10.244.0.0/16"),))
    assert pods.is_local("10.244.3.4:10005")
    assert not HOST.is_local("10.244.3.4:10005")


@pytest.mark.feature("IPS-01")
@pytest.mark.parametrize(
    ("interfaces", "address"),
    [
        ([("eth0", "8.8.4.4/24"), ("wlan0", "10.1.1.1/8"), ("br-1", "172.17.0.1/16")], "10.1.1.1"),
        ([("eth0", "169.254.3.3/16"), ("eth1", "8.8.4.4/24")], "169.254.3.3"),
        ([("eth0", "fe80::5/64"), ("eth0", "2001:db8::5/64")], "2001:db8::5"),
        ([("lo", "127.0.0.1/8"), ("eth0", "fe80::5/64")], "127.0.0.1"),
        ([], "127.0.0.1"),
    ],
)  # fmt: skip
def test_the_machine_ip_is_how_others_reach_the_host(
    interfaces: list[tuple[str, str]], address: str
) -> None:
    """Private before public IPv4, then routed IPv6, never a container's network."""
    assert segment(*interfaces).machine_ip == ip_address(address)


@pytest.mark.feature("IPS-01")
def test_the_external_network_is_that_of_the_machine_ip() -> None:
    """With the real length of its prefix; none when no interface is known."""
    assert HOST.external_network == ip_network("192.168.0.0/20")
    assert segment(("lo", "127.0.0.1/8")).external_network == ip_network("127.0.0.0/8")
    assert segment().external_network is None


@pytest.mark.feature("IPS-01")
def test_this_host_is_detected() -> None:
    """Whatever it looks like, its own addresses are local."""
    here = IpSegment.detect()
    assert here.interfaces
    assert here.is_local(str(here.machine_ip))
    assert all(here.is_local(str(one.address.ip)) for one in here.interfaces)


@pytest.mark.parametrize("text", ["", "host", "1.2.3", "1.2.3.4.5", "[::1", "1.2.3.4:5:6", "[]:1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    """With the text as it was given."""
    if text == "[::1":
        assert parse_address(text) == ip_address("::1")
        return
    with pytest.raises(InvalidInputError, match="is no IP address"):
        parse_address(text)


@given(st.ip_addresses(), st.integers(0, 65535))
def test_every_address_is_read_with_and_without_port(address: object, port: int) -> None:
    """Brackets keep the colons of IPv6 apart from the port."""
    mapped = getattr(address, "ipv4_mapped", None)
    expected = mapped or address
    assert parse_address(str(address)) == expected
    bracketed = f"[{address}]" if ":" in str(address) else str(address)
    assert parse_address(f"{bracketed}:{port}") == expected
