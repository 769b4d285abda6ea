# SPDX-License-Identifier: Apache-2.0
"""Devices made from a recording by templates."""

from __future__ import annotations

from itertools import pairwise

import pytest

from l8types.errors import InvalidInputError, NotFoundError
from probler.sim import (
    TEMPLATES,
    Kind,
    Mib,
    Oid,
    Ports,
    Replay,
    Template,
    Value,
    load_recording,
    parse_oid,
    profiles_named,
)
from probler.sim._identity import MAX_DEVICES, identify

IF_ENTRY = parse_oid("1.3.6.1.2.1.2.2.1")
IF_NAME = parse_oid("1.3.6.1.2.1.31.1.1.1.1")
SYSTEM = parse_oid("1.3.6.1.2.1.1")
ADDRESS = parse_oid("1.3.6.1.2.1.4.20.1.1")

every_template = pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)


def device(template: Template, number: int = 1, *, seed: int = 0) -> Mib:
    """A device of a template."""
    return Mib(template.sources(identify(template.name, number, seed)))


def below(mib: Mib, root: Oid, now: float = 0.0) -> dict[Oid, Value]:
    """Values below an OID; the keys are what follows it."""
    found = {}
    oid = mib.successor(root)
    while oid is not None and oid[: len(root)] == root:
        found[oid[len(root) :]] = mib.value(oid, now)
        oid = mib.successor(oid)
    return found


def column(mib: Mib, number: int, now: float = 0.0) -> dict[int, int | bytes | Oid | None]:
    """A column of ifTable by ifIndex."""
    rows = below(mib, (*IF_ENTRY, number), now)
    return {index: value.content for (index,), value in rows.items()}


def number(mib: Mib, oid: Oid, now: float = 0.0) -> int:
    """Content of a numeric instance."""
    content = mib.value(oid, now).content
    assert isinstance(content, int)
    return content


def names(mib: Mib) -> list[str]:
    """The ifNames in order."""
    contents = (value.content for value in below(mib, IF_NAME).values())
    return [content.decode() for content in contents if isinstance(content, bytes)]


@pytest.mark.feature("SIM-03")
def test_each_template_has_interfaces_of_its_own() -> None:
    """The kinds of devices differ in number and names of interfaces."""
    found = {template.name: names(device(template)) for template in TEMPLATES}
    assert found == {
        "router": ["lo", *(f"eth{n}" for n in range(5)), "br0", "tun0"]
        + [f"eth{n}" for n in range(5, 9)],
        "switch": ["lo", "eth0", "br0", *(f"swp{n}" for n in range(1, 29))],
        "server": ["lo", "eth0", "eth1"],
        "firewall": ["lo", "eth0", "tun0", *(f"eth{n}" for n in range(1, 7))],
        "wifi": ["lo", "eth0", "br0", "wlan0", "wlan1"],
    }


@every_template
def test_all_interface_tables_agree(template: Template) -> None:
    """Every ifIndex that any table mentions is a row of ifTable, and the row says so itself."""
    mib = device(template)
    indexes = column(mib, 1)
    assert all(index == content for index, content in indexes.items())
    assert mib.value(parse_oid("1.3.6.1.2.1.2.1.0"), 0.0).content == len(indexes)
    assert {index for (index,) in below(mib, IF_NAME)} == set(indexes)
    mentioned = {
        *(index[0] for index in below(mib, parse_oid("1.3.6.1.2.1.10.7.2.1.1"))),
        *(index[1] for index in below(mib, parse_oid("1.3.6.1.2.1.4.31.3.1.46"))),
        *(index[0] for index in below(mib, parse_oid("1.3.6.1.2.1.4.22.1.1"))),
        *(index[0] for index in below(mib, parse_oid("1.3.6.1.2.1.4.32.1.5"))),
        *(index[-1] for index in below(mib, parse_oid("1.3.6.1.2.1.4.37.1.4"))),
        *(
            value.content
            for oid in ("1.3.6.1.2.1.4.20.1.2", "1.3.6.1.2.1.4.24.7.1.7", "1.3.6.1.2.1.4.34.1.3")
            for value in below(mib, parse_oid(oid)).values()
        ),
        *(value.content for value in below(mib, parse_oid("1.3.6.1.2.1.25.3.4.1.1")).values()),
    }
    assert len(mentioned) > 1
    assert mentioned <= set(indexes)


@every_template
def test_every_row_has_all_its_columns(template: Template) -> None:
    """Copying and removing interfaces leaves no torn rows."""
    mib = device(template)
    rows = set(column(mib, 1))
    assert all(set(column(mib, number)) == rows for number in range(1, 23))


def test_added_ports_have_the_wanted_speed_and_type() -> None:
    """Speeds that ifSpeed cannot express are at its limit there and exact in ifHighSpeed."""
    ports = (
        Ports("eth1", "ge{}", count=1),
        Ports("eth1", "xe{}", count=1, first=7, speed_mbps=40_000, if_type=71),
    )
    mib = device(Template("t", "linux_server", ports=ports))
    assert names(mib)[-2:] == ["ge0", "xe7"]
    assert list(column(mib, 3).values())[-2:] == [6, 71]
    assert list(column(mib, 5).values())[-2:] == [1_000_000_000, 2**32 - 1]
    fast = below(mib, parse_oid("1.3.6.1.2.1.31.1.1.1.15"))
    assert [value.content for value in fast.values()][-2:] == [1000, 40_000]


@pytest.mark.feature("SIM-08")
def test_devices_of_one_template_are_different() -> None:
    """Name, place, addresses and traffic belong to one device."""
    router = TEMPLATES[0]
    first, second = device(router, 1), device(router, 2)
    for number in (1, 5):  # sysDescr, sysName
        assert below(first, (*SYSTEM, number)) != below(second, (*SYSTEM, number))
    assert not set(column(first, 6).values()) & set(column(second, 6).values()) - {b""}
    assert column(first, 10) != column(second, 10)
    assert (198, 18, 1, 1) in below(first, ADDRESS)
    assert (198, 18, 1, 2) in below(second, ADDRESS)
    assert (198, 18, 0, 10) not in below(first, ADDRESS)
    places = {identify("router", number, 0).location for number in range(1, 9)}
    assert len(places) == 8


def test_an_address_is_replaced_wherever_it_occurs() -> None:
    """Index and value of the address tables agree, for both IP versions."""
    mib = device(TEMPLATES[2], 3)
    own = below(mib, ADDRESS)[198, 18, 1, 3]
    assert own == Value(Kind.IP_ADDRESS, bytes((198, 18, 1, 3)))
    new = below(mib, parse_oid("1.3.6.1.2.1.4.34.1.3"))
    assert (1, 4, 198, 18, 1, 3) in new
    assert (2, 16, *bytes.fromhex("20010db8001000000000000000000103")) in new


def test_the_description_mentions_the_device() -> None:
    """The recorded host name in the description gives way to the device's id."""
    content = device(TEMPLATES[1], 12).value((*SYSTEM, 1, 0), 0.0).content
    assert isinstance(content, bytes)
    assert content.startswith(b"Linux switch-12 6.1.0 ")


@every_template
def test_equal_seeds_give_equal_devices(template: Template) -> None:
    """Everything is a function of seed, number and time; another seed gives another device."""
    first, again = device(template, 4, seed=9), device(template, 4, seed=9)
    assert below(first, (1, 3), 1234.5) == below(again, (1, 3), 1234.5)
    assert below(first, SYSTEM) != below(device(template, 4, seed=10), SYSTEM)


@pytest.mark.feature("SIM-07")
@every_template
def test_counters_of_links_that_are_up_grow_and_the_others_stand(template: Template) -> None:
    """Traffic needs a link; 32-bit and 64-bit counters agree at every time."""
    mib = device(template)
    up = {index for index, status in column(mib, 8).items() if status == 1}
    times = [0.0, 1.0, 60.0, 3600.0, 86_400.0]
    for narrow, wide in ((10, 6), (11, 7), (16, 10), (17, 11)):
        root = (*IF_NAME[:-1], wide)
        for index in column(mib, 1):
            counts = [number(mib, (*root, index), now) for now in times]
            assert [number(mib, (*IF_ENTRY, narrow, index), now) for now in times] == [
                count % 2**32 for count in counts
            ]
            if index in up:
                assert all(early < late for early, late in pairwise(counts))
            else:
                assert len(set(counts)) == 1


@pytest.mark.feature("SIM-07")
def test_uptime_load_and_memory_move() -> None:
    """Uptime counts on; processor load and used memory change within their limits."""
    mib = device(TEMPLATES[0])
    up_time = parse_oid("1.3.6.1.2.1.1.3.0")
    assert number(mib, up_time, 60.0) == number(mib, up_time, 0.0) + 6000
    load, memory = parse_oid("1.3.6.1.2.1.25.3.3.1.2"), parse_oid("1.3.6.1.2.1.25.2.3.1.6.1")
    size = number(mib, (*memory[:-2], 5, 1))
    processor = mib.successor(load)
    assert processor is not None
    for oid, high in ((processor, 100), (memory, size)):
        seen = {number(mib, oid, float(now)) for now in range(0, 3600, 60)}
        assert len(seen) > 3
        assert 0 < min(seen) < max(seen) < high


def test_some_added_ports_have_no_link() -> None:
    """A switch shows ports that are down, always the same ones."""
    status = list(column(device(TEMPLATES[1]), 8).values())
    assert 2 <= status.count(2) <= 12
    assert status == list(column(device(TEMPLATES[1]), 8).values())


def test_a_template_that_does_not_fit_its_recording_is_refused() -> None:
    """An interface to copy or leave out has to be there."""
    for template in (
        Template("t", "linux_server", ports=(Ports("eth9", "eth{}", count=1),)),
        Template("t", "linux_server", without=frozenset({"eth9"})),
    ):
        with pytest.raises(InvalidInputError, match="profile t: no interface 'eth9'"):
            device(template)


@pytest.mark.parametrize("number", [0, MAX_DEVICES + 1])
def test_a_device_number_beyond_the_address_plan_is_refused(number: int) -> None:
    """Two devices never share an address."""
    with pytest.raises(InvalidInputError, match=f"device number {number} "):
        identify("router", number, 0)
    assert identify("router", MAX_DEVICES, 0).ipv4.is_private


@pytest.mark.feature("SIM-03")
def test_profiles_are_taken_in_turn() -> None:
    """All kinds, or the chosen ones, alternate."""
    assert [profile.name for profile in profiles_named([], 6)] == [
        *("router", "switch", "server", "firewall", "wifi"),
        "router",
    ]
    assert [profile.name for profile in profiles_named(["wifi", "server"], 3)] == [
        *("wifi", "server", "wifi"),
    ]
    with pytest.raises(NotFoundError, match="no device profile 'toaster': choose from router, "):
        profiles_named(["wifi", "toaster"], 3)


def test_a_replay_changes_nothing() -> None:
    """A replayed recording is answered as it is, at any time."""
    recording = load_recording("linux_server")
    mib = Mib(Replay(recording).sources(identify("linux_server", 1, 0)))
    assert below(mib, (1,), 99.0) == {oid[1:]: value for oid, value in recording.records.items()}
