# SPDX-License-Identifier: Apache-2.0
"""What there is to see of a network, from records alone."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from l8types.enums import NodeState
from l8types.values import NodeInfo, NodeStatistics, ServiceKey
from layer8._tables import duration, quantity, render
from layer8._view import Leader, LinkRow, NetworkView, RateMeter, Rates, ServiceRow, view_of

BOOKS, SHELVES = ServiceKey("Books", 1), ServiceKey("Shelves")
ME = NodeInfo("me", "status", "s1")
SWITCH = NodeInfo(
    "s1",
    "north",
    "s1",
    is_switch=True,
    started=100.0,
    statistics=NodeStatistics(memory_bytes=52_428_800, cpu_ratio=0.25),
)
OTHER = NodeInfo("s2", "south", "s2", is_switch=True, state=NodeState.UNREACHABLE)
WEB = NodeInfo("n1", "web", "s1", services={SHELVES: ""})
DB = NodeInfo("n2", "db", "s2", services={BOOKS: "Book", SHELVES: "Shelf"}, started=190.0)
LOST = NodeInfo("n3", "db-2", "gone", services={BOOKS: "Book"}, state=NodeState.UNREACHABLE)
ALL = (LOST, DB, WEB, OTHER, SWITCH, ME)


@pytest.mark.feature("layer8-net:HLT-03")
def test_nodes_are_shown_with_what_they_report() -> None:
    """Switches first, then by name; what is not known is not made up; the looker is left out."""
    view = view_of(ALL, me="me", now=200.0)
    assert [node.alias for node in view.nodes] == ["north", "south", "db", "db-2", "web"]
    north, south, db, lost, web = view.nodes
    assert (north.memory_bytes, north.cpu_ratio, north.uptime) == (52_428_800, 0.25, 100.0)
    assert (web.memory_bytes, web.cpu_ratio, web.uptime, web.rates) == (None,) * 4
    assert (south.state, db.state, lost.state) == ("unreachable", "up", "unreachable")
    assert (db.switch, lost.switch) == ("south", "gone")
    assert db.services == ("Books--1", "Shelves--0")
    assert view.through == "north"


@pytest.mark.feature("layer8-net:HLT-04", "layer8-net:HLT-05")
def test_services_are_shown_with_live_providers_and_leaders() -> None:
    """A provider that is not up does not count; the model is known if anybody declared it."""
    leaders = {BOOKS: Leader("n2", 7, "the greatest id"), SHELVES: Leader("nobody-known")}
    view = view_of(ALL, me="me", now=200.0, leaders=leaders)
    assert view.services == (
        ServiceRow("Books", 1, "Book", ("db",), "db", 7, "the greatest id"),
        ServiceRow("Shelves", 0, "Shelf", ("db", "web"), "nobody-known", 0, ""),
    )
    [row] = view_of((ME, LOST), me="me", now=0.0).services
    assert (row.providers, row.leader) == ((), "")


def test_links_are_those_of_the_switch_that_is_asked() -> None:
    """One to each other switch, in the state in which that one is seen."""
    assert view_of(ALL, me="me", now=200.0).links == (LinkRow("north", "south", "unreachable"),)
    assert view_of((SWITCH, ME), me="me", now=200.0).links == ()


def test_a_view_is_json_and_a_table() -> None:
    """Nothing of it is lost in JSON; the tables show names as they are, not as markup."""
    odd = replace(WEB, alias="[red]web[/red]")
    rates = {"n2": Rates(1.0, 2048.0, 3.0, 4096.0)}
    view = view_of((*ALL, odd), me="me", now=200.0, rates=rates)
    told = json.loads(json.dumps(view.to_json()))
    assert told["nodes"][0]["rates"] is None
    assert {node["alias"] for node in told["nodes"]} == {node.alias for node in view.nodes}
    text = drawn(view)
    for shown in ("[red]web[/red]", "unreachable", "50.0 MiB", "25.0%", "1m 40s", "1 / 2.0 KiB"):
        assert shown in text
    assert "links" in text
    empty = drawn(NetworkView("north", (), (), ()))
    assert "services" not in empty
    assert "links" not in empty


def drawn(view: NetworkView) -> str:
    """The tables as text."""
    file = io.StringIO()
    Console(file=file, width=160).print(render(view))
    return file.getvalue()


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (204_800, "200 KiB"), (2**60, "1048576 TiB")],
)
def test_quantities(size: float, text: str) -> None:
    """In the unit that is read best."""
    assert quantity(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0s"), (59, "59s"), (3600, "1h"), (3725, "1h 2m"), (90_000, "1d 1h")],
)
def test_durations(seconds: float, text: str) -> None:
    """The two greatest units."""
    assert duration(seconds) == text


def report(uuid: str, messages: int, size: int) -> NodeInfo:
    """A node with these totals in both directions."""
    figures = NodeStatistics(
        tx_messages=messages, tx_bytes=size, rx_messages=messages, rx_bytes=size
    )
    return NodeInfo(uuid, uuid, "s1", statistics=figures)


def test_rates_are_taken_from_reports() -> None:
    """Two are needed; a record without new figures is none."""
    meter = RateMeter()
    meter.observe(report("a", 10, 1000), 5.0)
    meter.observe(report("a", 10, 1000), 6.0)
    assert meter.rates() == {}
    meter.observe(report("a", 30, 1400), 9.0)
    assert meter.rates() == {"a": Rates(5.0, 100.0, 5.0, 100.0)}
    meter.forget("a")
    assert meter.rates() == {}


def test_a_node_that_was_started_again_counts_from_zero() -> None:
    """Its rate is never below zero."""
    meter = RateMeter()
    for messages, size, now in ((100, 9000, 1.0), (200, 9500, 2.0), (5, 50, 3.0)):
        meter.observe(report("a", messages, size), now)
    assert meter.rates() == {}
    meter.observe(report("a", 15, 150), 5.0)
    assert meter.rates() == {"a": Rates(5.0, 50.0, 5.0, 50.0)}


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**9), st.floats(0, 100))))
def test_no_reports_make_a_rate_below_zero_or_endless(
    reports: list[tuple[int, int, float]],
) -> None:
    """Whatever nodes report, in whatever order it comes."""
    meter = RateMeter()
    for messages, size, now in reports:
        meter.observe(report("a", messages, size), now)
    for rates in meter.rates().values():
        assert min(rates.tx_messages, rates.tx_bytes, rates.rx_messages, rates.rx_bytes) >= 0
