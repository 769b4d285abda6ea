# SPDX-License-Identifier: Apache-2.0
"""Which addresses belong to this machine, to its networks, or to the rest of the world."""

from __future__ import annotations

import ipaddress
import platform

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layer8_net._addresses import this_machine, this_system
from layer8_net._core.addresses import AddressKind, Interface, Interfaces


def interfaces(*networks: str, down: str = "") -> Interfaces:
    """Interfaces with names that say nothing about what they are."""
    up = [Interface(f"x{n}", ipaddress.ip_interface(one)) for n, one in enumerate(networks)]
    off = [Interface("off", ipaddress.ip_interface(down), is_up=False)] if down else []
    return Interfaces(up + off)


MACHINE = interfaces("127.0.0.1/8", "10.1.2.3/20", "fd00::5/64", "fe80::1/64", down="172.16.0.1/16")


@pytest.mark.feature("DIS-02")
@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("127.0.0.1", AddressKind.MACHINE),
        ("127.9.9.9", AddressKind.MACHINE),
        ("::1", AddressKind.MACHINE),
        ("10.1.2.3", AddressKind.MACHINE),
        ("fd00::5", AddressKind.MACHINE),
        ("10.1.15.9", AddressKind.LOCAL),
        ("10.1.16.9", AddressKind.PUBLIC),
        ("::ffff:10.1.15.9", AddressKind.LOCAL),
        ("fd00::77", AddressKind.LOCAL),
        ("fe80::9%eth0", AddressKind.LOCAL),
        ("fd01::77", AddressKind.PUBLIC),
        ("172.16.0.1", AddressKind.PUBLIC),
        ("8.8.8.8", AddressKind.PUBLIC),
    ],
)
def test_kinds(host: str, kind: AddressKind) -> None:
    """W-31: the real masks decide, for IPv4 and IPv6; interfaces that are down do not count."""
    assert MACHINE.kind(host) is kind


@given(st.ip_addresses(), st.integers(0, 32))
def test_any_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address, bits: int) -> None:
    """Every address has a kind, and it is local when the mask says so."""
    machine = interfaces(f"10.1.2.3/{bits}")
    kind = machine.kind(str(address))
    inside = address.version == 4 and address in ipaddress.ip_network(f"10.1.2.3/{bits}", False)
    assert (kind is AddressKind.PUBLIC) == (not inside and not address.is_loopback) or (
        getattr(address, "ipv4_mapped", None) is not None
    )


def test_no_address() -> None:
    """A text that is no address is misuse."""
    with pytest.raises(ValueError, match="eth0"):
        MACHINE.kind("eth0")


@pytest.mark.feature("DIS-03")
@pytest.mark.parametrize(
    ("networks", "best"),
    [
        ((), "127.0.0.1"),
        (("127.0.0.1/8", "fe80::1/64"), "127.0.0.1"),
        (("127.0.0.1/8", "8.8.8.8/24", "10.0.0.7/8"), "10.0.0.7"),
        (("fd00::5/64", "192.168.0.2/24"), "192.168.0.2"),
        (("2a00::5/64",), "2a00::5"),
    ],
)
def test_machine_address(networks: tuple[str, ...], best: str) -> None:
    """W-31: the private address goes first; without a network it is loopback."""
    assert interfaces(*networks).machine_address() == best


def test_broadcasts() -> None:
    """Announcements go to the broadcast address of each network that has one."""
    machine = interfaces("127.0.0.1/8", "10.1.2.3/20", "10.9.9.9/32", "fd00::5/64")
    assert machine.broadcasts() == ("10.1.15.255",)


@pytest.mark.feature("DIS-03")
def test_this_machine() -> None:
    """The real machine has its own addresses and an operating system."""
    machine = this_machine()
    assert machine.kind(machine.machine_address()) is AddressKind.MACHINE
    assert this_system().name == platform.system()
