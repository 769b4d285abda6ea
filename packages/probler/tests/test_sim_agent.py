# SPDX-License-Identifier: Apache-2.0
"""The agent, without a socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probler.sim import Kind, Oid, Value

from . import snmp_wire as wire
from .sim_strategies import records

pytestmark = pytest.mark.feature("SIM-04")

_FIRST, *_, _LAST = sorted(wire.EVERY_KIND)
_COUNTER64 = (1, 3, 6, 1, 9, 10, 0)
_ABSENT = (1, 3, 6, 1, 8, 1, 0)


def test_get_answers_every_type() -> None:
    """All types, at the edges of their ranges, come back from one request."""
    names = list(wire.EVERY_KIND)
    answer = wire.response(wire.agent_of().answer(wire.request(wire.GET, names), 0.0))
    assert answer == wire.Response(wire.V2C, b"public", 77, 0, 0, tuple(wire.EVERY_KIND.items()))


@given(recorded=records(), repetitions=st.integers(0, 12))
def test_a_walk_yields_exactly_the_sorted_recording(
    recorded: dict[Oid, Value], repetitions: int
) -> None:
    """GETNEXT and GETBULK visit every instance once, in order, with its type."""
    # Names that are no valid start of an encoding apart, a walk starts below all of them.
    agent = wire.agent_of(recorded)
    expected = [(oid, value) for oid, value in sorted(recorded.items()) if oid > (0, 0)]
    assert list(wire.walk(agent, repetitions=repetitions)) == expected


@given(recorded=records())
def test_version_1_walks_everything_but_counter64(recorded: dict[Oid, Value]) -> None:
    """A type that version 1 does not know is passed over."""
    expected = [
        (oid, value)
        for oid, value in sorted(recorded.items())
        if oid > (0, 0) and value.kind is not Kind.COUNTER64
    ]
    assert list(wire.walk(wire.agent_of(recorded), version=wire.V1)) == expected


@pytest.mark.parametrize("pdu", [wire.GET, wire.GET_NEXT, wire.GET_BULK, wire.SET])
def test_another_community_gets_no_answer(pdu: int) -> None:
    """A wrong community is silence, not an error, as with real agents; it is counted."""
    agent = wire.agent_of()
    datagram = wire.request(pdu, [_FIRST], community=b"private", second=5)
    assert agent.answer(datagram, 0.0) is None
    assert (agent.statistics.refused, agent.statistics.answered) == (1, 0)


@given(datagram=st.binary(max_size=100))
def test_noise_gets_no_answer(datagram: bytes) -> None:
    """Bytes that are no request are counted and dropped."""
    agent = wire.agent_of()
    assert agent.answer(datagram, 0.0) is None
    assert agent.statistics.malformed == 1


def test_absent_names_are_told_one_by_one() -> None:
    """Version 2 answers the names that are there beside the exceptions for those that are not."""
    names = [_FIRST, (*_FIRST[:-1], 7), _ABSENT]
    answer = wire.response(wire.agent_of().answer(wire.request(wire.GET, names), 0.0))
    assert answer.status == 0
    assert [value.kind for _, value in answer.varbinds] == [
        Kind.INTEGER,
        Kind.NO_SUCH_INSTANCE,
        Kind.NO_SUCH_OBJECT,
    ]
    assert [oid for oid, _ in answer.varbinds] == names


@pytest.mark.parametrize(
    ("pdu", "name"),
    [(wire.GET, _ABSENT), (wire.GET, _COUNTER64), (wire.GET_NEXT, _LAST), (wire.GET_NEXT, (2, 5))],
)
def test_version_1_fails_as_a_whole_at_the_first_absent_name(pdu: int, name: Oid) -> None:
    """NoSuchName points at the binding; the names come back without values."""
    datagram = wire.request(pdu, [_FIRST, name], version=wire.V1)
    answer = wire.response(wire.agent_of().answer(datagram, 0.0))
    assert (answer.status, answer.index) == (2, 2)
    assert answer.varbinds == ((_FIRST, Value(Kind.NULL)), (name, Value(Kind.NULL)))


@pytest.mark.parametrize(("pdu", "count"), [(wire.GET_NEXT, 1), (wire.GET_BULK, 1)])
def test_past_the_end_there_is_end_of_mib_view(pdu: int, count: int) -> None:
    """The name asked for comes back with endOfMibView, once, however many are asked for."""
    datagram = wire.request(pdu, [_LAST], second=50 if pdu == wire.GET_BULK else 0)
    answer = wire.response(wire.agent_of().answer(datagram, 0.0))
    assert answer.varbinds[0] == (_LAST, Value(Kind.END_OF_MIB_VIEW))
    assert len(answer.varbinds) == count


def test_bulk_asks_once_for_non_repeaters_and_in_rows_for_the_others() -> None:
    """The bindings come in the order that the protocol prescribes."""
    recorded = {(1, 3, column, row): column * 10 + row for column in (1, 2, 3) for row in (1, 2)}
    agent = wire.agent_of({oid: Value(Kind.INTEGER, number) for oid, number in recorded.items()})
    names = [(1, 3, 1), (1, 3, 2), (1, 3, 3)]
    answer = wire.response(agent.answer(wire.request(wire.GET_BULK, names, first=1, second=3), 0.0))
    end = Kind.END_OF_MIB_VIEW
    assert [value.content or value.kind for _, value in answer.varbinds] == [
        *(11,),
        *(21, 31),
        *(22, 32),
        *(31, end),
    ]


@pytest.mark.parametrize(
    ("first", "second", "count"), [(-5, 1, 2), (9, 5, 2), (0, 0, 0), (0, -1, 0)]
)
def test_bulk_takes_odd_numbers_as_the_protocol_says(first: int, second: int, count: int) -> None:
    """Negative numbers count as zero, too many non-repeaters as all."""
    names = [_FIRST, _FIRST]
    datagram = wire.request(wire.GET_BULK, names, first=first, second=second)
    assert len(wire.response(wire.agent_of().answer(datagram, 0.0)).varbinds) == count


@pytest.mark.parametrize("limit", [484, 1472, 65_507])
def test_no_answer_exceeds_the_limit(limit: int) -> None:
    """GETBULK fills a message as far as it may, and no further."""
    size = 100
    recorded: dict[Oid, Value] = {
        (1, 3, row): Value(Kind.OCTET_STRING, b"x" * size) for row in range(1, 1000)
    }
    agent = wire.agent_of(recorded, limit=limit)
    datagram = agent.answer(wire.request(wire.GET_BULK, [(1, 3)], second=2**31 - 1), 0.0)
    assert datagram is not None
    assert limit - 2 * size < len(datagram) <= limit


@pytest.mark.parametrize(("version", "bindings"), [(wire.V1, 8), (wire.V2C, 0)])
def test_a_get_that_does_not_fit_is_too_big(version: int, bindings: int) -> None:
    """GET cannot be cut short, so it says tooBig; version 1 repeats the names."""
    name = (1, 3, 6, 1, 9, 11, 2)
    datagram = wire.request(wire.GET, [name] * 8, version=version)
    answer = wire.response(wire.agent_of().answer(datagram, 0.0))
    assert (answer.status, answer.index, len(answer.varbinds)) == (1, 0, bindings)


@pytest.mark.parametrize(("version", "status"), [(wire.V1, 2), (wire.V2C, 6)])
def test_set_is_refused(version: int, status: int) -> None:
    """The agents are read-only: noAccess, in version 1 noSuchName."""
    agent = wire.agent_of()
    answer = wire.response(agent.answer(wire.request(wire.SET, [_FIRST], version=version), 0.0))
    assert (answer.status, answer.index) == (status, 1)


def test_statistics_count_what_was_answered() -> None:
    """Requests and bindings are counted."""
    agent = wire.agent_of()
    agent.answer(wire.request(wire.GET, [_FIRST, _LAST]), 0.0)
    agent.answer(wire.request(wire.GET_NEXT, [_FIRST]), 0.0)
    assert (agent.statistics.answered, agent.statistics.varbinds) == (2, 3)
