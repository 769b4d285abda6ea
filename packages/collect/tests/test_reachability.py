# SPDX-License-Identifier: Apache-2.0
"""Verdicts on hosts that answer, or do not."""

import pytest

from collect._reachability import Reachability
from l8types.errors import InvalidInputError


@pytest.mark.feature("SNM-06")
def test_the_first_answer_is_a_verdict() -> None:
    """Nothing is known before, and another answer changes nothing."""
    state = Reachability(3)
    assert state.online == {}
    assert state.answered("snmp")
    assert not state.answered("snmp")
    assert state.online == {"snmp": True}


def test_several_failures_in_a_row_are_a_verdict() -> None:
    """An answer in between starts the count anew."""
    state = Reachability(2)
    assert not state.failed("snmp")
    state.answered("snmp")
    assert not state.failed("snmp")
    assert state.failed("snmp")
    assert not state.failed("snmp")
    assert state.online == {"snmp": False}
    assert state.answered("snmp")


@pytest.mark.feature("COL-17")
def test_protocols_are_judged_one_by_one() -> None:
    """A host may answer by one and not by another."""
    state = Reachability(1)
    state.answered("snmp")
    state.failed("ssh")
    assert state.online == {"snmp": True, "ssh": False}
    state.give_up("snmp")
    assert state.online == {"snmp": False, "ssh": False}


def test_a_limit_of_zero_is_refused() -> None:
    """No failure cannot be a reason."""
    with pytest.raises(InvalidInputError, match="at least 1"):
        Reachability(0)
