# SPDX-License-Identifier: Apache-2.0
"""Reading and writing recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from l8types.errors import InvalidInputError, NotFoundError
from probler.sim import Kind, Oid, Value, load_recording, parse_recording, write_recording

from .sim_strategies import records
from .snmp_wire import EVERY_KIND

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("1.3.1|2|-5", Value(Kind.INTEGER, -5)),
        ("1.3.1|4|a|b", Value(Kind.OCTET_STRING, b"a|b")),
        ("1.3.1|4|", Value(Kind.OCTET_STRING, b"")),
        ("1.3.1|4x|00FF", Value(Kind.OCTET_STRING, b"\x00\xff")),
        ("1.3.1|4|\xe9", Value(Kind.OCTET_STRING, b"\xe9")),
        ("1.3.1|5|", Value(Kind.NULL)),
        ("1.3.1|6|0.0", Value(Kind.OBJECT_IDENTIFIER, (0, 0))),
        ("1.3.1|64|192.0.2.1", Value(Kind.IP_ADDRESS, bytes((192, 0, 2, 1)))),
        ("1.3.1|64x|C0000201", Value(Kind.IP_ADDRESS, bytes((192, 0, 2, 1)))),
        ("1.3.1|65|4294967295", Value(Kind.COUNTER32, 2**32 - 1)),
        ("1.3.1|66|1", Value(Kind.GAUGE32, 1)),
        ("1.3.1|67|1", Value(Kind.TIME_TICKS, 1)),
        ("1.3.1|68x|9F7804", Value(Kind.OPAQUE, b"\x9f\x78\x04")),
        ("1.3.1|70|18446744073709551615", Value(Kind.COUNTER64, 2**64 - 1)),
    ],
)
def test_every_tag_is_read_as_its_type(line: str, value: Value) -> None:
    """Each line form of the format gives the value it stands for."""
    assert parse_recording("r", f"{line}\n").records == {(1, 3, 1): value}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "is not OID|tag|value"),
        ("1.3.1|2", "is not OID|tag|value"),
        ("1.3.1|3|1", "unknown type tag '3'"),
        ("1.3.1|130|", "unknown type tag '130'"),
        ("1.3.1|x|1", "unknown type tag 'x'"),
        ("x|2|1", "'x' is no object identifier"),
        ("1.3.1|2|one", "'one'"),
        ("1.3.1|2x|01", "is no INTEGER"),
        ("1.3.1|4x|0", "hex"),
        ("1.3.1|64|1.2.3", "'1.2.3'"),
        ("1.3.1|65|-1", "-1 is no COUNTER32"),
    ],
)
def test_a_malformed_line_is_named(line: str, reason: str) -> None:
    """The message tells the recording, the line and what is wrong with it."""
    with pytest.raises(InvalidInputError) as caught:
        parse_recording("lab", f"1.2.1|2|1\n{line}\n1.4.1|2|1\n")
    assert caught.value.message.startswith("recording lab, line 2: ")
    assert reason in caught.value.message
    assert "\n" not in caught.value.message


def test_an_oid_that_occurs_twice_is_refused() -> None:
    """Which of two values counts is not left to chance."""
    with pytest.raises(InvalidInputError, match=r"line 2: 1\.3\.1 occurs twice"):
        parse_recording("r", "1.3.1|2|1\n1.3.1|2|2\n")


def test_records_are_sorted_as_oids_not_as_text() -> None:
    """Arc 10 comes after arc 9, whatever the order of the file."""
    recording = parse_recording("r", "1.3.10|2|1\n1.3.9.5|2|1\n1.3.9|2|1\n")
    assert list(recording.records) == [(1, 3, 9), (1, 3, 9, 5), (1, 3, 10)]


@given(recorded=records())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, recorded: Mapping[Oid, Value]
) -> None:
    """Writing and loading give back every value of every type."""
    path = tmp_path_factory.mktemp("recording") / "r.snmprec"
    assert write_recording(path, recorded.items()) == len(recorded)
    assert load_recording(path).records == recorded
    assert list(load_recording(path).records) == sorted(recorded)


def test_a_written_recording_is_plain_ascii(tmp_path: Path) -> None:
    """Octets that an editor could spoil are written in hexadecimal."""
    path = tmp_path / "r.snmprec"
    write_recording(path, EVERY_KIND.items())
    assert "1.3.6.1.9.2.0|4x|746578742000FF" in path.read_text(encoding="ascii").splitlines()


@pytest.mark.parametrize("source", ["nonsense", "/nowhere/lab.snmprec"])
def test_a_missing_recording_is_named(source: str) -> None:
    """Neither an unknown name nor a missing file ends in a bare OSError."""
    with pytest.raises(NotFoundError, match="cannot read the recording"):
        load_recording(source)


@pytest.mark.parametrize(("name", "interfaces"), [("linux_server", 3), ("linux_router", 8)])
def test_the_recordings_of_the_package_hold_what_the_simulator_needs(
    name: str, interfaces: int
) -> None:
    """System group, both interface tables, addresses, and nearly every type are there."""
    recorded = load_recording(name).records
    assert len(recorded) > 1000
    assert recorded[1, 3, 6, 1, 2, 1, 1, 4, 0] == Value(Kind.OCTET_STRING, b"noc@example.net")
    assert recorded[1, 3, 6, 1, 2, 1, 2, 1, 0] == Value(Kind.INTEGER, interfaces)
    assert {value.kind for value in recorded.values()} == {
        Kind.INTEGER,
        Kind.OCTET_STRING,
        Kind.OBJECT_IDENTIFIER,
        Kind.IP_ADDRESS,
        Kind.COUNTER32,
        Kind.GAUGE32,
        Kind.TIME_TICKS,
        Kind.OPAQUE,
        Kind.COUNTER64,
    }
