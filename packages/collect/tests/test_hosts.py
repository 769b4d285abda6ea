# SPDX-License-Identifier: Apache-2.0
"""Targets as hosts, routes and owners."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect import DEFAULT_LINKS, NETWORK, Links
from collect._assignment import owner_of
from collect._hosts import Access, PolledHost, hosts_of
from collect.model import L8PHost, L8PHostProtocol, L8PTarget
from l8types.errors import ConflictError, InvalidInputError, NotFoundError
from l8types.values import ServiceKey

from .targets import SNMP, make_target


@pytest.mark.feature("TGT-02", "TGT-03")
def test_a_target_has_hosts_and_each_says_how_it_is_reached() -> None:
    """In the order of their ids, by the name of the protocol."""
    target = make_target(hosts=("b", "a"))
    target.hosts["a"].configs[1].addr = "10.0.0.1"
    target.hosts["a"].configs[1].timeout = 7
    first, second = hosts_of(target)
    assert first == PolledHost(
        "t1",
        "a",
        "NetDev",
        {
            "ssh": Access(1, "10.0.0.1", timeout=7.0),
            "snmp": Access(2, "127.0.0.1", 1161, "lab"),
        },
    )
    assert (first.address, second.address) == ("10.0.0.1", "127.0.0.1")
    assert (first.key, second.key) == (("t1", "a"), ("t1", "b"))


@pytest.mark.feature("COL-05")
@pytest.mark.parametrize(
    ("target", "message"),
    [
        (L8PTarget(hosts={"h": L8PHost()}), "needs a target_id"),
        (L8PTarget(target_id="t"), "'t' has no hosts"),
        (L8PTarget(target_id="t", hosts={"h": L8PHost()}), "host 'h' of target 't' has no protoc"),
        (
            L8PTarget(
                target_id="t",
                hosts={"h": L8PHost(configs={77: L8PHostProtocol(addr="x")})},
            ),
            "no protocol 77",
        ),
        (
            L8PTarget(target_id="t", hosts={"h": L8PHost(configs={SNMP: L8PHostProtocol()})}),
            "snmp has no address",
        ),
    ],
)
def test_a_target_that_cannot_be_polled_says_what_it_lacks(target: L8PTarget, message: str) -> None:
    """Before anything is started."""
    with pytest.raises(InvalidInputError, match=message):
        hosts_of(target)


@pytest.mark.feature("TGT-16")
def test_a_links_id_names_the_services_of_a_kind_of_targets() -> None:
    """One table for all."""
    route = DEFAULT_LINKS.route_of(make_target())
    keys = (route.collector, route.parser, route.cache, route.persist)
    assert [str(key) for key in keys] == ["Coll--0", "NPars--0", "NCache--0", "NPersist--0"]
    assert DEFAULT_LINKS.collectors() == {ServiceKey("Coll", 0)}
    with pytest.raises(NotFoundError, match="links id 'NetDve'; did you mean 'NetDev'"):
        DEFAULT_LINKS.route("NetDve")
    with pytest.raises(ConflictError, match="two routes have the links id 'NetDev'"):
        Links([NETWORK, replace(NETWORK)])


NAMES = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=6, unique=True)


@given(NAMES, st.text())
def test_all_nodes_agree_on_the_owner_of_a_target(collectors: list[str], target: str) -> None:
    """Whatever the order in which they know the collectors."""
    owner = owner_of(target, collectors)
    assert owner in collectors
    assert owner_of(target, collectors[::-1]) == owner


@given(NAMES, st.text(), st.text(min_size=1))
def test_only_the_targets_of_a_lost_collector_move(
    collectors: list[str], target: str, other: str
) -> None:
    """And only to a new one, when one joins."""
    owner = owner_of(target, collectors)
    assert owner_of(target, [*collectors, other]) in (owner, other)
    left = [name for name in collectors if name != collectors[0]]
    if owner != collectors[0]:
        assert owner_of(target, left) == owner


def test_targets_are_spread_over_the_collectors() -> None:
    """Not evenly, but none is left out."""
    owners = [owner_of(f"10.0.0.{number}", ["a", "b", "c"]) for number in range(300)]
    assert min(owners.count(name) for name in "abc") > 60
    assert owner_of("x", []) == ""
