# SPDX-License-Identifier: Apache-2.0
"""Where keys go, and who gets them when members are lost: the cores of replication."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from l8services._replication.balance import balance, excess
from l8services._replication.index import NEVER, Index, Place, StagedIndex
from l8services._replication.placement import live, place_written, rank, replica_of
from l8services._replication.repair import held_back, plan

NAMES = tuple("abcdefghi")
KEYS = st.integers(0, 30).map(str)


def filled(count: int, keys: int, members: tuple[str, ...] = NAMES) -> Index:
    """An index after so many new keys."""
    index = Index(count)
    for number in range(keys):
        index.put(str(number), place_written(index, members, str(number), count, (number, 1)))
    return index


@pytest.mark.feature("REP-04")
@given(st.integers(1, 4), st.integers(0, 60), st.integers(1, 9))
def test_balance(count: int, keys: int, size: int) -> None:
    """New keys get as many holders as asked for, also when these do not divide the members.

    No member holds more than one key more than another one.
    """
    members = NAMES[:size]
    index = filled(count, keys, members)
    loads = [index.load(member) for member in members]
    assert max(loads) - min(loads) <= 1
    assert sum(loads) == keys * min(count, size)
    for _, place in index.places():
        assert len(set(place.holders)) == len(place.holders) == min(count, size)


@pytest.mark.feature("REP-04")
def test_known_key_stays() -> None:
    """A key that is written again stays where it is.

    Holders that are away hold it no longer, and when all are away it cannot be written.
    """
    index = filled(3, 4)
    place = index.get("1")
    assert place is not None
    again = place_written(index, NAMES, "1", 3, (9, 1))
    assert again == Place(place.holders, (9, 1))
    first, *others = place.holders
    left = tuple(name for name in NAMES if name != first)
    assert place_written(index, left, "1", 3, (9, 1)) == Place(tuple(others), (9, 1))
    nobody = tuple(name for name in NAMES if name not in place.holders)
    assert place_written(index, nobody, "1", 3, (9, 1)) is None
    assert "1" in index.unavailable(nobody)


def test_next_holder_answers() -> None:
    """When the first holder is away, the next one is replica 0, and back again when it returns."""
    place = Place(("c", "a", "b"))
    assert live(place, "ab") == ("a", "b")
    assert [replica_of(place, name, "ab") for name in "abcd"] == [0, 1, None, None]
    assert [replica_of(place, name, "abc") for name in "abcd"] == [1, 2, 0, None]
    assert replica_of(None, "a", "abc") is None


@given(st.lists(st.tuples(KEYS, st.booleans()), max_size=40), st.integers(0, 40))
def test_staged(writes: list[tuple[str, bool]], cut: int) -> None:
    """Batches worked out above an index come to what the index comes to itself."""
    direct, below = Index(2), Index(2)
    staged = StagedIndex(below)
    for number, (key, kept) in enumerate(writes):
        part = StagedIndex(staged)
        made = place_written(part, NAMES, key, 2, (number, 1)) if kept else None
        part.put(key, made)
        staged.take(part)
        direct.put(key, place_written(direct, NAMES, key, 2, (number, 1)) if kept else None)
        assert all(staged.load(name) == direct.load(name) for name in NAMES)
        if number == cut:
            for changed, place in staged.changes.items():
                below.put(changed, place)
            staged.clear()
    assert {k: staged.get(k) for k, _ in writes} == {k: direct.get(k) for k, _ in writes}


@given(st.lists(st.tuples(st.sampled_from(["a", "A", "ab", "aB", "AB", "1", "İ"]), st.booleans())))
def test_alike(writes: list[tuple[str, bool]]) -> None:
    """Keys that differ in the case of letters only are found by any of them, as they are there."""
    index = Index(1)
    for key, kept in writes:
        index.put(key, Place(("a",), (1, 1)) if kept else None)
    keys = [key for key, _ in index.places()]
    for text in ("a", "A", "AB", "1", "i", "İ", "x"):
        assert sorted(index.alike(text)) == sorted(k for k in keys if k.lower() == text.lower())


def test_short_keys_are_known() -> None:
    """Keys that never got as many holders as they are to have are found without a search."""
    index = filled(2, 5)
    assert index.short() == ()
    index.put("2", Place(("a",), (8, 1)))
    assert index.short() == ("2",)
    index.put("2", None)
    assert index.short() == ()


def test_plan_is_bounded() -> None:
    """A step of repair has no more moves than it may have; the rest comes later."""
    index = filled(2, 30, NAMES[:3])
    left = NAMES[1:3]
    steps = 0
    while moves := plan(index, left, limit=4):
        assert len(moves) <= 4
        for move in moves:
            index.put(move.key, Place(move.holders, (99, steps)))
        steps += 1
    assert steps >= 5
    assert all(sorted(place.holders) == sorted(left) for _, place in index.places())


def test_leaving_member() -> None:
    """A member that is about to leave gets nothing, and its keys get another holder first."""
    index = filled(2, 20, NAMES[:4])
    assert held_back(index, "a", NAMES[:4], ("a",)) == index.load("a")
    for move in plan(index, NAMES[:4], leaving=("a",), limit=100):
        assert "a" not in move.holders
        assert set(move.sources) & {"a"} or len(move.holders) == 2
        index.put(move.key, Place(move.holders, (50, 1)))
    assert held_back(index, "a", NAMES[:4], ("a",)) == 0
    assert all(len(place.holders) == 2 for _, place in index.places())


def test_last_ones_leave() -> None:
    """When all leave, nobody has to wait for anybody."""
    index = filled(2, 5, NAMES[:2])
    assert plan(index, NAMES[:2], leaving=NAMES[:2], limit=10) == []
    assert held_back(index, "a", NAMES[:2], NAMES[:2]) == 0
    assert held_back(index, "a", ("a",), ("a",)) == 0


def test_moves_to_a_new_member() -> None:
    """A step has no more moves than it may have; each key moves once and keeps its other holder."""
    index = filled(2, 40, NAMES[:4])
    before = dict(index.places())
    steps = 0
    while moves := balance(index, NAMES[:5], limit=3):
        assert len(moves) <= 3
        for move in moves:
            assert move.revision == before[move.key].revision
            kept = set(before[move.key].holders) & set(move.holders)
            assert len(kept) == 1
            assert set(move.holders) - kept == {"e"}
            index.put(move.key, Place(move.holders, (99, steps)))
        steps += 1
    assert steps == 6
    assert [index.load(name) for name in NAMES[:5]] == [16] * 5


def test_what_is_not_moved() -> None:
    """Keys that miss a holder, and those to be left alone, stay where they are."""
    index = filled(2, 20, NAMES[:4])
    keys = dict(index.places())
    without = NAMES[1:5]
    moves = balance(index, without, limit=100)
    assert moves
    assert not any("a" in keys[move.key].holders for move in moves)
    skip = [move.key for move in moves]
    assert not {move.key for move in balance(index, without, skip=skip, limit=100)} & set(skip)
    assert balance(index, NAMES[:5], skip=tuple(keys), limit=100) == []
    assert balance(index, (), limit=5) == []
    assert excess(index, ()) == 0


class Replication(RuleBasedStateMachine):
    """Writes, members that are lost, away, back or new, and repair, with the items themselves."""

    @initialize(count=st.integers(1, 3), size=st.integers(1, 5))
    def begin(self, count: int, size: int) -> None:
        self.index = Index(count)
        self.view = list(NAMES[:size])
        self.away: set[str] = set()
        self.disks: dict[str, dict[str, tuple[object, int]]] = {name: {} for name in self.view}
        self.written: dict[str, int] = {}
        self.batch = 0
        self.names = size

    @rule(key=KEYS)
    def write(self, key: str) -> None:
        """A write that is refused changes nothing."""
        self.batch += 1
        place = place_written(self.index, self.view, key, self.index.count, (self.batch, 1))
        if place is not None:
            self.index.put(key, place)
            self.written[key] = self.batch
            self.keep(key, place, self.batch)

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        """A key is forgotten by those who are there."""
        place = self.index.get(key)
        if place is not None and live(place, self.view):
            self.index.put(key, None)
            del self.written[key]
            self.keep(key, None, 0)

    def keep(self, key: str, place: Place | None, value: int) -> None:
        for name in self.view:
            self.disks[name].pop(key, None)
            if place is not None and name in place.holders:
                self.disks[name][key] = (place.revision, value)

    @precondition(lambda self: len(self.view) > 1)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        """A member and all it had are gone."""
        name = data.draw(st.sampled_from(self.view))
        self.view.remove(name)
        del self.disks[name]

    @precondition(lambda self: len(self.view) > 1)
    @rule(data=st.data())
    def go_away(self, data: st.DataObject) -> None:
        """A member is away with what it has."""
        name = data.draw(st.sampled_from(self.view))
        self.view.remove(name)
        self.away.add(name)

    @precondition(lambda self: self.away)
    @rule(data=st.data())
    def come_back(self, data: st.DataObject) -> None:
        """It keeps what is still its own, at the revision that the index knows."""
        name = data.draw(st.sampled_from(sorted(self.away)))
        self.away.remove(name)
        self.view.append(name)
        held = self.disks[name]
        places = {key: self.index.get(key) for key in held}
        self.disks[name] = {
            key: (revision, value)
            for key, (revision, value) in held.items()
            if (place := places[key]) and name in place.holders and place.revision == revision
        }

    @precondition(lambda self: self.names < len(NAMES))
    @rule()
    def join(self) -> None:
        """A new member has nothing."""
        name = NAMES[self.names]
        self.names += 1
        self.view.append(name)
        self.disks[name] = {}

    @rule(limit=st.integers(1, 5))
    def repair(self, limit: int) -> None:
        """One step; what is copied is what a holder has at that revision."""
        for move in plan(self.index, self.view, limit=limit):
            revision, value = self.disks[move.sources[0]][move.key]
            assert revision == move.revision
            self.batch += 1
            self.index.put(move.key, Place(move.holders, (self.batch, 1)))
            self.keep(move.key, self.index.get(move.key), value)

    @rule(limit=st.integers(1, 5))
    def even_out(self, limit: int) -> None:
        """One step of moves to those who hold fewer: no key has fewer holders for it."""
        for move in balance(self.index, self.view, limit=limit):
            place = self.index.get(move.key)
            assert place is not None
            assert place.holders == move.sources
            assert len(set(move.holders)) == len(place.holders)
            revision, value = self.disks[move.sources[0]][move.key]
            assert revision == move.revision
            self.batch += 1
            self.index.put(move.key, Place(move.holders, (self.batch, 1)))
            self.keep(move.key, self.index.get(move.key), value)

    @rule()
    def settle_evenly(self) -> None:
        """After repair and all moves no member holds more than one key more than another."""
        self.settle()
        while balance(self.index, self.view, limit=3):
            self.even_out(3)
        assert excess(self.index, self.view) <= 1

    @rule()
    def settle(self) -> None:
        """After all repair every key that is not lost has exactly the holders it is to have."""
        while plan(self.index, self.view, limit=3):
            self.repair(3)
        for _, place in self.index.places():
            present = live(place, self.view)
            wanted = min(self.index.count, len(self.view))
            assert len(present) == wanted or not present

    @invariant()
    def holders_have_it(self) -> None:
        """Whoever the index names, and is there, has what was written last; nobody else has it."""
        for key, place in self.index.places():
            for name in live(place, self.view):
                assert self.disks[name][key] == (place.revision, self.written[key])
        for name in self.view:
            assert set(self.disks[name]) == set(self.index.held(name))

    @invariant()
    def counted_right(self) -> None:
        """Loads follow from the places."""
        counted = Counter(name for _, place in self.index.places() for name in place.holders)
        assert all(self.index.load(name) == counted[name] for name in NAMES)
        assert set(self.index.holders()) == set(counted)
        assert {k for k, _ in self.index.places()} == set(self.written)


TestReplication = Replication.TestCase


@given(st.integers(2, 4), st.lists(st.integers(0, 8), min_size=1, max_size=20))
def test_nothing_is_lost(count: int, losses: list[int]) -> None:
    """While fewer members than hold each key are lost between repairs, no key is ever without."""
    index = filled(count, 40)
    view = list(NAMES)
    since_repair = 0
    for number in losses:
        name = NAMES[number]
        if name in view and since_repair < count - 1 and len(view) > 1:
            view.remove(name)
            since_repair += 1
        else:
            while moves := plan(index, view, limit=7):
                for move in moves:
                    assert set(move.sources) <= set(view)
                    index.put(move.key, Place(move.holders, NEVER))
            since_repair = 0
        assert index.unavailable(view) == ()
    assert rank(index, view, 1)
