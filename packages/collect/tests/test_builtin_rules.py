# SPDX-License-Identifier: Apache-2.0
"""The built-in rules, one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect import Misfit
from collect._rules._builtin import BUILT_IN
from l8types.protocols.collection import PollResult, RuleContext

RULES = {rule.name: rule for rule in BUILT_IN}
UNKNOWN_SPEED = 4_294_967_295


def run(name: str, result: PollResult, **parameters: str) -> dict[str, object]:
    """Apply a rule; ``from_`` and ``to`` are the common parameters."""
    parameters["from"] = parameters.pop("from_", "")
    parameters = {key.strip("_"): value for key, value in parameters.items()}
    return dict(RULES[name].apply(result, RuleContext("NetworkDevice", "d1", parameters)))


def speed(**row: object) -> object:
    """What the rule for speeds makes of one row."""
    result = PollResult(rows={"1": row})
    path = "interfaces<{index}>.speed"
    written = run("speed", result, from_="ifSpeed, ifHighSpeed", to=path)
    return written.get("interfaces<{24}1>.speed")


@pytest.mark.feature("RUL-02")
def test_a_value_goes_to_its_property() -> None:
    """Converted on the way."""
    result = PollResult(values={"sysUpTime": 8_640_000})
    written = run("value", result, from_="sysUpTime", to="uptime", convert="ticks")
    assert written == {"uptime": "1d 00:00:00"}


@pytest.mark.parametrize("values", [{}, {"sysName": None}, {"sysName": ""}, {"sysName": " \n"}])
def test_what_the_device_did_not_say_is_left_alone(values: dict[str, object]) -> None:
    """An empty text does not overwrite what is known."""
    assert run("value", PollResult(values=values), from_="sysName", to="name") == {}


def test_the_first_value_that_is_there_counts() -> None:
    """A name, where there is none the description."""
    rows: dict[str, dict[str, object]] = {
        "1": {"ifName": "lo", "ifDescr": "loop"},
        "600000000": {"ifName": "", "ifDescr": "eth0"},
        "3": {},
    }
    written = run(
        "value",
        PollResult(rows=rows),
        from_="ifName, ifDescr",
        to="interfaces<{index}>.name",
    )
    assert written == {
        "interfaces<{24}1>.name": "lo",
        "interfaces<{24}600000000>.name": "eth0",
    }


def test_a_value_that_does_not_fit_spares_the_other_rows() -> None:
    """It is marked with the reason."""
    rows: dict[str, dict[str, object]] = {
        "1": {"mac": "oops"},
        "2": {"mac": b"\x00\x01\x02\x03\x04\x05"},
    }
    written = run("value", PollResult(rows=rows), from_="mac", to="i<{index}>", convert="mac")
    assert isinstance(written["i<{24}1>"], Misfit)
    assert written["i<{24}2>"] == "00:01:02:03:04:05"


@pytest.mark.feature("RUL-04")
def test_a_number_becomes_what_stands_beside_it() -> None:
    """The star stands for the others."""
    result = PollResult(rows={"1": {"t": 6}, "2": {"t": 24}, "3": {"t": 999}, "4": {}})
    choices = {"6": "ETHERNET", "24": "LOOPBACK"}
    written = run("choice", result, from_="t", to="i<{index}>", **choices)
    assert list(written.values()) == ["ETHERNET", "LOOPBACK"]
    written = run("choice", result, from_="t", to="i<{index}>", **choices, **{"*": "OTHER"})
    assert list(written.values()) == ["ETHERNET", "LOOPBACK", "OTHER"]


@pytest.mark.parametrize(
    ("oid", "expected"),
    [
        (".1.3.6.1.4.1.9.1.634", "Cisco"),
        ("1.3.6.1.4.1.9", "Cisco"),
        (".1.3.6.1.4.1.9.12.3.1.3.1163", "Nexus"),
        (".1.3.6.1.4.1.99.1", None),
        (".1.3.6.1.4.1", None),
        ("", None),
        (None, None),
    ],
)
def test_the_longest_prefix_counts_and_ends_at_a_dot(oid: str | None, expected: str | None) -> None:
    """9 is no prefix of 99."""
    result = PollResult(values={"oid": oid})
    choices = {"1.3.6.1.4.1.9": "Cisco", "1.3.6.1.4.1.9.12": "Nexus"}
    assert run("prefix", result, from_="oid", to="vendor", **choices).get("vendor") == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"ifSpeed": 1_544_000, "ifHighSpeed": 2}, 1_544_000),
        ({"ifSpeed": UNKNOWN_SPEED, "ifHighSpeed": 40_000}, 40_000_000_000),
        ({"ifSpeed": 0, "ifHighSpeed": 100}, 100_000_000),
        ({"ifHighSpeed": 1000}, 1_000_000_000),
        ({"ifHighSpeed": 0}, 0),
        ({"ifSpeed": 0, "ifHighSpeed": 0}, 0),
        ({"ifSpeed": 9600}, 9600),
        ({"ifSpeed": UNKNOWN_SPEED}, UNKNOWN_SPEED),
        ({"ifSpeed": "", "ifHighSpeed": ""}, None),
        ({}, None),
    ],
)
def test_the_high_speed_counts_where_the_exact_one_ends(
    row: dict[str, object], expected: int | None
) -> None:
    """RFC 2863: ifSpeed at its maximum says that ifHighSpeed must be used."""
    assert speed(**row) == expected


@given(st.integers(0, 400_000))
def test_a_speed_is_right_to_half_a_megabit(megabits: int) -> None:
    """What an agent derives from one real speed gives that speed again."""
    real = megabits * 1_000_000
    found = speed(ifSpeed=min(real, UNKNOWN_SPEED), ifHighSpeed=megabits)
    assert found == real


def test_a_speed_that_is_no_number_is_marked() -> None:
    """It does not end the parsing of the table."""
    assert isinstance(speed(ifSpeed="fast"), Misfit)


@pytest.mark.feature("RUL-08")
@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"2": True}, "on"),
        ({"1": False, "2": False}, "off"),
        ({"1": True, "2": False}, "part"),
        ({}, "what"),
    ],
)
def test_the_protocols_make_the_state(flags: dict[str, object], expected: str) -> None:
    """All, none, some, or nothing known."""
    cases = {"all": "on", "none": "off", "some": "part", "unknown": "what"}
    result = PollResult(values=flags)
    assert run("status", result, to="status", **cases) == {"status": expected}


def test_a_state_without_a_case_is_left_alone() -> None:
    """A poll may name only the cases that it cares for."""
    assert run("status", PollResult(values={"2": True}), to="status", none="off") == {}


def test_the_index_of_a_row_is_a_value_too() -> None:
    """As text."""
    result = PollResult(rows={"7": {}, "8": {}})
    written = run("index", result, to="interfaces<{index}>.id")
    assert written == {"interfaces<{24}7>.id": "7", "interfaces<{24}8>.id": "8"}
