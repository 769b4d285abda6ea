# SPDX-License-Identifier: Apache-2.0
"""The ordered table of a device's instances."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from probler.sim import Kind, Mib, Oid, Value

from .sim_strategies import oids, records, values

_SYS_DESCR = (1, 3, 6, 1, 2, 1, 1, 1)
_IF_INDEX = (1, 3, 6, 1, 2, 1, 2, 2, 1, 1)


@given(recorded=records(), oid=oids())
def test_the_successor_is_the_next_in_order(recorded: dict[Oid, Value], oid: Oid) -> None:
    """GETNEXT's answer is the smallest instance above the OID, whether or not that exists."""
    later = [other for other in recorded if other > oid]
    assert Mib(recorded).successor(oid) == min(later, default=None)


class MibMachine(RuleBasedStateMachine):
    """A Mib that is changed at random, beside a plain dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.mib = Mib({})
        self.model: dict[Oid, Value] = {}

    @rule(oid=oids(), value=values())
    def put(self, oid: Oid, value: Value) -> None:
        self.mib.put(oid, value)
        self.model[oid] = value

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        oid = data.draw(st.sampled_from(sorted(self.model)))
        self.mib.remove(oid)
        del self.model[oid]

    @invariant()
    def both_agree(self) -> None:
        assert len(self.mib) == len(self.model)
        walked: list[Oid] = []
        oid = self.mib.successor((0,))
        while oid is not None:
            walked.append(oid)
            assert self.mib.value(oid, 0.0) == self.model[oid]
            assert self.mib.varbind(oid, 0.0) == Mib(self.model).varbind(oid, 0.0)
            oid = self.mib.successor(oid)
        assert walked == sorted(self.model)


TestMibMachine = MibMachine.TestCase
TestMibMachine.settings = settings(max_examples=40, stateful_step_count=20)


def test_a_reading_is_taken_anew_each_time() -> None:
    """Only values that never change are kept in their encoded form."""
    oid = (*_SYS_DESCR, 0)
    mib = Mib({oid: lambda now: Value(Kind.GAUGE32, int(now))})
    assert [mib.value(oid, now).content for now in (1.0, 2.0)] == [1, 2]
    assert mib.varbind(oid, 1.0) != mib.varbind(oid, 2.0)


def test_a_new_value_replaces_the_kept_encoding() -> None:
    """What was answered before a change is not answered after it."""
    oid = (*_SYS_DESCR, 0)
    mib = Mib({oid: Value(Kind.INTEGER, 1)})
    before = mib.varbind(oid, 0.0)
    mib.put(oid, Value(Kind.INTEGER, 2))
    assert mib.varbind(oid, 0.0) != before


@pytest.mark.parametrize(
    ("oid", "kind"),
    [
        ((*_SYS_DESCR, 5), Kind.NO_SUCH_INSTANCE),
        (_SYS_DESCR, Kind.NO_SUCH_INSTANCE),
        ((*_IF_INDEX, 99), Kind.NO_SUCH_INSTANCE),
        (_IF_INDEX, Kind.NO_SUCH_INSTANCE),
        (_IF_INDEX[:-1], Kind.NO_SUCH_OBJECT),
        ((*_IF_INDEX[:-1], 99, 1), Kind.NO_SUCH_OBJECT),
        ((*_SYS_DESCR[:-1], 99, 0), Kind.NO_SUCH_OBJECT),
        ((1, 3, 6, 1, 2, 1, 99), Kind.NO_SUCH_OBJECT),
        ((1, 4), Kind.NO_SUCH_OBJECT),
    ],
)
def test_what_is_absent_is_told_as_net_snmp_does(oid: Oid, kind: Kind) -> None:
    """A missing row of a present object differs from an object that is not there at all."""
    recorded = {(*_SYS_DESCR, 0): 1, (*_IF_INDEX, 1): 1, (*_IF_INDEX, 2): 2}
    mib = Mib({oid: Value(Kind.INTEGER, number) for oid, number in recorded.items()})
    assert mib.absence(oid) == Value(kind)
