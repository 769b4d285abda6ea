# SPDX-License-Identifier: Apache-2.0
"""Answers as the bytes of a job."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect import Catalogue, Poll
from collect._wire import decode_result, encode_flags, encode_result, encode_text
from collect.model import CJob, CMap, CTable
from l8types.errors import DecodeError
from l8types.protocols.collection import PollOperation, PollResult

from .fakes import FakeCodec

CODEC = FakeCodec(CMap, CTable, CJob)
NETWORK = Catalogue.builtin().profile("network")
NAME = Poll("snmp", PollOperation.GET, 60.0, {"sysName": "1.3.6.1.2.1.1.5.0:text"}, name="name")
TABLE = Poll(
    "snmp",
    PollOperation.TABLE,
    60.0,
    {"state": "1.3.6.1.2.1.2.2.1.8", "mac": "1.3.6.1.2.1.2.2.1.6:mac"},
    name="table",
)


@pytest.mark.feature("SNM-02")
def test_one_value_has_the_bytes_that_go_nodes_expect() -> None:
    """A map from the OID with a leading dot to an encoded text."""
    data = encode_result(PollResult(values={"sysName": "R1"}), NAME, CODEC)
    assert data.hex() == (
        "000000160000002200000004434d61700a200a122e312e332e362e312e322e312e312e352e30"
        "120a00000018000000025231"
    )
    assert decode_result(data, NAME, CODEC) == PollResult(values={"sysName": "R1"})


@pytest.mark.feature("SNM-04")
def test_rows_have_the_columns_of_the_table() -> None:
    """Numbered as in the MIB, whole numbers 64 bits wide."""
    rows = {"7": {"state": 1, "mac": "00:01:02:03:04:05"}}
    data = encode_result(PollResult(rows=rows), TABLE, CODEC)
    table = CODEC.decode(data)
    assert isinstance(table, CTable)
    assert dict(table.columns) == {8: "8", 6: "6"}
    assert table.rows[7].data[8].hex() == "000000060000000000000001"
    assert decode_result(data, TABLE, CODEC).rows == rows


def test_columns_of_two_tables_do_not_get_mixed_up() -> None:
    """A column of ifTable may have the number of one of ifXTable."""
    poll = NETWORK.poll("ifx")
    rows = {"1": {name: position for position, name in enumerate(poll.ask)}}
    data = encode_result(PollResult(rows=rows), poll, CODEC)
    assert decode_result(data, poll, CODEC).rows == rows


def test_an_index_of_several_numbers_is_kept_whole() -> None:
    """Such rows do not fit a table of numbered rows."""
    rows: dict[str, dict[str, object]] = {
        "0.7.1": {"state": 1},
        "0.7.2": {"state": 2, "mac": "x"},
    }
    data = encode_result(PollResult(rows=rows), TABLE, CODEC)
    assert isinstance(CODEC.decode(data), CMap)
    assert decode_result(data, TABLE, CODEC).rows == rows


def test_a_walk_keeps_its_oids() -> None:
    """They are the names of its values."""
    poll = Poll("snmp", PollOperation.WALK, 60.0, {"all": "1.3.6.1"}, name="walk")
    values = {".1.3.6.1.5": 5, ".1.3.6.1.6.0": "six"}
    data = encode_result(PollResult(values=values), poll, CODEC)
    assert decode_result(data, poll, CODEC).values == values


def test_the_static_answers_have_the_bytes_that_go_nodes_expect() -> None:
    """A text, and a map of 32-bit numbers to flags."""
    assert encode_flags({2: True}, CODEC).hex() == "000000150000000100000005000000020000000101"
    flags = decode_result(encode_flags({2: True, 1: False}, CODEC), NETWORK.poll("status"), CODEC)
    assert flags.values == {"1": False, "2": True}
    assert encode_text("R1", CODEC).hex() == "00000018000000025231"
    address = decode_result(encode_text("10.0.0.1", CODEC), NETWORK.poll("address"), CODEC)
    assert address.values == {"address": "10.0.0.1"}


def test_what_a_go_collector_sends_is_read() -> None:
    """Columns in any order, empty cells, columns that nobody asked for."""
    table = CTable(columns={8: "8", 6: "6", 99: "99"})
    table.rows[3].data[8] = CODEC.encode(2)
    table.rows[3].data[6] = b""
    table.rows[3].data[99] = CODEC.encode("?")
    result = decode_result(CODEC.encode(table), TABLE, CODEC)
    assert result.rows == {"3": {"mac": None, "state": 2}}


@pytest.mark.feature("PAR-04")
@pytest.mark.parametrize(
    "data",
    [b"", b"\x00", b"\x00\x00\x00\x63abcd", CODEC.encode(7), CODEC.encode(CJob(error="x"))],
)
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    """As are bytes that are nothing at all."""
    with pytest.raises(DecodeError):
        decode_result(data, NAME, CODEC)


def test_a_broken_value_is_named() -> None:
    """The others cannot help to find it."""
    message = CMap(data={".1.3.6.1.2.1.1.5.0": b"\x00\x00"})
    with pytest.raises(DecodeError, match=r"value '\.1\.3\.6\.1\.2\.1\.1\.5\.0'"):
        decode_result(CODEC.encode(message), NAME, CODEC)


VALUES = st.text() | st.integers(-(2**63), 2**64 - 1) | st.booleans()


@given(
    st.dictionaries(
        st.integers(0, 2**31 - 1).map(str) | st.sampled_from(["0.1.2", "9.9"]),
        st.dictionaries(st.sampled_from(sorted(NETWORK.poll("ifx").ask)), VALUES, min_size=1),
    )
)
def test_a_table_comes_back_as_it_was(rows: dict[str, dict[str, object]]) -> None:
    """Whatever its indexes and values."""
    poll = NETWORK.poll("ifx")
    data = encode_result(PollResult(rows=rows), poll, CODEC)
    assert decode_result(data, poll, CODEC).rows == rows


@given(st.binary())
def test_octets_of_any_kind_survive(octets: bytes) -> None:
    """They travel as text with exactly these bytes."""
    data = encode_result(PollResult(values={"sysName": octets}), NAME, CODEC)
    text = decode_result(data, NAME, CODEC).values["sysName"]
    assert isinstance(text, str)
    assert text.encode(errors="surrogateescape") == octets


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_refused(data: bytes) -> None:
    """A faulty peer cannot do more harm than that."""
    try:
        decode_result(data, NAME, CODEC)
    except DecodeError:
        return
