# SPDX-License-Identifier: Apache-2.0
"""The checker of histories: what it accepts is right, and a broken register is caught."""

from __future__ import annotations

import math
import random
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8test.linearizability import Operation, Recorder, check_linearizable, recorded

if TYPE_CHECKING:
    from pathlib import Path


def read(value: object, begin: float, end: float, key: str = "x") -> Operation:
    """A read."""
    return Operation(key, value, begin, end, write=False)


def test_overlapping() -> None:
    """A read during a write sees the old or the new value; after it, only the new one."""
    write = Operation("x", 1, 1, 3)
    assert not check_linearizable([write, read(None, 2, 4), read(1, 5, 6)])
    assert not check_linearizable([write, read(1, 2, 4)])
    assert "read of None" in check_linearizable([write, read(None, 4, 5)])


def test_back_in_time() -> None:
    """A value that was seen does not disappear again."""
    write = Operation("x", 1, 1, 9)
    assert check_linearizable([write, read(1, 2, 3), read(None, 4, 5)])


def test_unknown_outcome() -> None:
    """A write with an unknown outcome may have happened late, or not at all."""
    unknown = Operation("x", 2, 1, math.inf)
    writes = [Operation("x", 1, 0, 1), unknown]
    assert not check_linearizable([*writes, read(1, 5, 6), read(2, 7, 8)])
    assert not check_linearizable([*writes, read(1, 5, 6)])
    assert check_linearizable([*writes, read(2, 5, 6), read(1, 7, 8)])


def test_many_unknown_outcomes() -> None:
    """Writes with an unknown outcome whose values nobody saw do not make the search longer."""
    lost = [Operation("x", number, 0.0) for number in range(100, 160)]
    rounds = [
        one
        for number in range(40)
        for one in (
            Operation("x", number, number, number + 0.5),
            read(number, number, number + 0.9),
        )
    ]
    assert not check_linearizable([*lost, *rounds])
    assert "read of 0" in check_linearizable([*lost, *rounds, read(0, 90, 91)])


def test_keys_are_independent() -> None:
    """Each key has its own order, and the one without is named."""
    good, bad = Operation("x", 1, 0, 1), read(1, 2, 3, "y")
    assert not check_linearizable([good, read(1, 2, 3)])
    assert check_linearizable([good, bad]).startswith("key 'y'")


@pytest.mark.parametrize(
    "operation", [Operation("x", 1, 2, 1), Operation("x", 1, 1, math.inf, write=False)]
)
def test_nonsense(operation: Operation) -> None:
    """A history that cannot be one is refused."""
    with pytest.raises(ValueError, match="Operation"):
        check_linearizable([operation])


times = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(sorted)
operations = st.builds(
    lambda value, span, write: Operation("x", value, span[0], span[1], write=write),
    st.sampled_from([None, 1, 2]),
    times,
    st.booleans(),
)


@given(st.lists(operations, max_size=5))
def test_against_all_orders(history: list[Operation]) -> None:
    """The search finds an order exactly when trying all of them does."""
    expected = any(explains(order) for order in permutations(history))
    assert (check_linearizable(history) == "") is expected


def explains(order: tuple[Operation, ...]) -> bool:
    """Whether an order keeps to the times and explains the reads."""
    value: object = None
    for place, operation in enumerate(order):
        if any(later.end < operation.begin for later in order[place:]):
            return False
        if operation.write:
            value = operation.value
        elif operation.value != value:
            return False
    return True


@pytest.mark.parametrize("broken", [False, True])
def test_register(broken: bool) -> None:
    """A register that answers some reads from an old copy is caught, one that does not is not."""
    dice = random.Random(1)
    values: list[int | None] = [None]
    history = []
    for number in range(400):
        begin, end = float(number), number + 0.5 + dice.random()
        if dice.random() < 0.5:
            values.append(number)
            history.append(Operation("x", number, begin, end))
        else:
            stale = broken and len(values) > 3 and dice.random() < 0.1
            history.append(read(values[-4 if stale else -1], begin, end))
    assert (check_linearizable(history) != "") is broken


def test_a_recorded_history(tmp_path: Path) -> None:
    """What clients began, ended or were refused is read back, killed ones included."""
    moments = iter([float(number) for number in range(100)])
    file = tmp_path / "history"
    one, other = (Recorder(file, name, lambda: next(moments)) for name in ("one", "other"))
    kept, never = one.writing("x", "1"), one.writing("x", "2")
    other.writing("x", "3")
    one.acknowledged(kept)
    one.refused(never)
    begin = other.now()
    other.read("x", "3", begin)
    other.read("y", None, begin)
    one.close()
    other.close()
    assert recorded(file) == [
        Operation("x", "1", 0.0, 3.0),
        Operation("x", "3", 2.0, math.inf),
        Operation("x", "3", 4.0, 5.0, write=False),
        Operation("y", None, 4.0, 6.0, write=False),
    ]
    assert check_linearizable(recorded(file)) == ""
    assert recorded(tmp_path / "nothing") == []


def test_a_refused_write_that_was_read_is_found(tmp_path: Path) -> None:
    """A value of a write that certainly did not happen has no place in any order."""
    file = tmp_path / "history"
    recorder = Recorder(file, "one")
    recorder.refused(recorder.writing("x", "1"))
    recorder.read("x", "1", recorder.now())
    recorder.close()
    assert "read of '1'" in check_linearizable(recorded(file))


@pytest.mark.parametrize("line", ['["acknowledged", "nobody/1", 2.0]', '["jump"]', "{}"])
def test_a_file_that_is_no_history(tmp_path: Path, line: str) -> None:
    """A line that no recorder writes is named."""
    file = tmp_path / "history"
    file.write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="history:1 is no line of a history"):
        recorded(file)
