# SPDX-License-Identifier: Apache-2.0
"""The language of SNMP polls, and how values are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect._snmp._request import ValueType, Variable, parse_variable
from collect._snmp._values import read_value
from collect._snmp._walk import WalkGuard
from l8types.errors import InvalidInputError, RemoteError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.3.6.1", Variable(".1.3.6.1", ".1.3.6.1")),
        (".1.3.6.1:text", Variable(".1.3.6.1", ".1.3.6.1", ValueType.TEXT)),
        ("ifName=1.3.6.1.7", Variable("ifName", ".1.3.6.1.7")),
        ("a.b-c_1=.1.3:mac", Variable("a.b-c_1", ".1.3", ValueType.MAC)),
    ],
)
def test_a_question_has_a_name_an_oid_and_a_type(text: str, expected: Variable) -> None:
    """Name and type may be missing."""
    assert parse_variable(text) == expected


@pytest.mark.parametrize("text", ["", "x", "1", "=1.3", "1..3", "1.3.", "1.3:foo", "sysName.0"])
def test_what_is_no_question_is_refused(text: str) -> None:
    """With an example, or with the types that there are."""
    with pytest.raises(InvalidInputError, match=r"write name=|there are auto, text"):
        parse_variable(text)


def test_an_oid_has_at_most_128_numbers() -> None:
    """RFC 2578, section 3.5."""
    assert parse_variable(".".join(["1"] * 128)).number == 1
    with pytest.raises(InvalidInputError, match="asks nothing"):
        parse_variable(".".join(["1"] * 129))


@pytest.mark.parametrize(
    ("raw", "kind", "expected"),
    [
        (b"lab", ValueType.AUTO, "lab"),
        (b"\xff", ValueType.TEXT, "\udcff"),
        (b"\x00\x1b\x2c\x3d\x4e\x5f", ValueType.MAC, "00:1b:2c:3d:4e:5f"),
        (b"Xy{\xd9\x8e\x01", ValueType.MAC, "58:79:7b:d9:8e:01"),
        (b"", ValueType.MAC, ""),
        (b"\x01\x02", ValueType.MAC, "\x01\x02"),
        (b"\x01\x02", ValueType.OCTETS, b"\x01\x02"),
        (b"12", ValueType.NUMBER, 12),
        (b"many", ValueType.NUMBER, "many"),
        (b"", ValueType.NUMBER, ""),
        ("1.3.6.1", ValueType.OID, ".1.3.6.1"),
        ("192.0.2.1", ValueType.AUTO, "192.0.2.1"),
        (2**64 - 1, ValueType.NUMBER, 2**64 - 1),
        (-1, ValueType.AUTO, -1),
        (1.5, ValueType.AUTO, 1.5),
        (None, ValueType.TEXT, None),
    ],
)
def test_values_are_read_as_declared(raw: object, kind: ValueType, expected: object) -> None:
    """What a device gives in another type stays what it is."""
    assert read_value(raw, kind) == expected  # type: ignore[arg-type]


def test_a_guard_gives_the_indexes_below_the_start() -> None:
    """And nothing behind it."""
    guard = WalkGuard(".1.3.6", 10)
    assert [guard.index(oid) for oid in ("1.3.6.1", ".1.3.6.2.0", "1.3.7")] == ["1", "2.0", None]


@pytest.mark.parametrize("second", ["1.3.6.5", "1.3.6.4.9", "1.3.6", "1.3"])
def test_oids_that_do_not_increase_end_a_walk(second: str) -> None:
    """It would go on for ever."""
    guard = WalkGuard("1.3.6", 10)
    guard.index("1.3.6.5")
    with pytest.raises(RemoteError, match=r"after 1\.3\.6\.5; OIDs must increase"):
        guard.index(second)


def test_a_walk_has_a_limit() -> None:
    """An agent that counts for ever is stopped as well."""
    guard = WalkGuard("1.3.6", 3)
    for number in range(3):
        guard.index(f"1.3.6.{number}")
    with pytest.raises(RemoteError, match=r"more than 3 values below 1\.3\.6"):
        guard.index("1.3.6.9")


ARCS = st.lists(st.integers(0, 9), min_size=1, max_size=5)


@given(st.lists(ARCS, max_size=30))
def test_every_walk_ends(answers: list[list[int]]) -> None:
    """Whatever an agent answers: the guard lets through an increasing sequence, or stops."""
    guard, seen = WalkGuard("1.3", 1000), list[list[int]]()
    try:
        for arcs in answers:
            if guard.index(".".join(map(str, [1, 3, *arcs]))) is not None:
                seen.append(arcs)
    except RemoteError:
        pass
    assert seen == sorted(seen)
    assert len(seen) == len({tuple(arcs) for arcs in seen})
