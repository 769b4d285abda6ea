# SPDX-License-Identifier: Apache-2.0
"""Whom a switch dials, and when."""

from __future__ import annotations

import pytest

from layer8_net._core.mesh_peers import _MAX_LEARNED, PeerBook

ME = "m" * 36
LOWER = "a" * 36
HIGHER = "z" * 36


def hosts(book: PeerBook, now: float) -> list[str]:
    """Who is dialled at a time."""
    return [target.host for target in book.due(now)]


def test_fixed_peers_are_never_given_up() -> None:
    """W-10: a peer of the settings is dialled again and again, with pauses that grow up to 3 s."""
    book = PeerBook(ME)
    book.add("h", 1, 0.0)
    now, pauses = 0.0, []
    for _ in range(40):
        [target] = book.due(now)
        assert book.due(now) == []
        book.failed(target, now, 1.0)
        due = book.next_due()
        assert due is not None
        pauses.append(due - now)
        now = due
    assert pauses == pytest.approx(sorted(pauses))
    assert pauses[0] == pytest.approx(0.1)
    assert pauses[-1] == pytest.approx(3.0)
    assert hosts(book, now + 1e6) == ["h"]


def test_linked_peers_are_left_alone() -> None:
    """Who is linked is not dialled, however many addresses lead there; who is lost is, soon."""
    book = PeerBook(ME)
    book.add("h", 1, 0.0)
    book.add("alias", 1, 0.0)
    for target in book.due(0.0):
        book.reached(target, HIGHER, 0.0, 0.5)
    book.up(HIGHER, 0.0)
    assert book.linked == {HIGHER}
    assert (book.due(99.0), book.next_due()) == ([], None)
    book.down(HIGHER, 99.0, 0.0)
    assert hosts(book, 99.0) == []
    [target] = book.due(99.06)
    assert target.host == "h"
    # The alias has to wait until that is over, however long it takes.
    assert (book.due(200.0), book.next_due()) == ([], None)
    book.failed(target, 200.0, 0.5)
    assert hosts(book, 200.0) == ["alias"]


def test_itself() -> None:
    """An address that leads to this switch is not dialled any more."""
    book = PeerBook(ME)
    book.add("h", 1, 0.0)
    [target] = book.due(0.0)
    book.reached(target, ME, 0.0, 0.5)
    assert (book.due(1e6), book.next_due()) == ([], None)
    book.learn("other", 1, 0.0, ME)
    assert len(book) == 1


def test_the_lower_id_goes_first() -> None:
    """Of two switches that learn of each other the one with the higher id waits a moment."""
    book = PeerBook(ME)
    book.learn("higher", 1, 0.0, HIGHER)
    book.learn("lower", 1, 0.0, LOWER)
    assert hosts(book, 0.0) == ["higher"]
    assert hosts(book, 1.0) == ["lower"]


def test_learned_peers_are_forgotten() -> None:
    """Who was never reached is forgotten after a minute, who was linked after an hour."""
    book = PeerBook(ME)
    book.learn("never", 1, 0.0, HIGHER)
    book.learn("once", 2, 0.0, LOWER)
    book.up(LOWER, 0.0)
    book.down(LOWER, 1.0, 0.5)
    for target in book.due(30.0):
        book.failed(target, 30.0, 0.5)
    for target in book.due(62.0):
        book.failed(target, 62.0, 0.5)
    assert len(book) == 1
    book.learn("never", 1, 62.0, HIGHER)
    assert len(book) == 2
    for target in book.due(3000.0):
        book.failed(target, 3000.0, 0.5)
    book.due(3700.0)
    assert len(book) == 0


def test_hearing_again_keeps() -> None:
    """Who is heard of again and again is kept, and its id is filled in when it becomes known."""
    book = PeerBook(ME)
    for second in range(0, 600, 30):
        book.learn("h", 1, float(second), HIGHER if second else "")
        for target in book.due(float(second)):
            book.failed(target, float(second), 0.5)
    assert len(book) == 1
    book.up(HIGHER, 600.0)
    assert book.next_due() is None


def test_memory_is_bounded() -> None:
    """However many addresses one is told, only so many are kept; fixed ones are never dropped."""
    book = PeerBook(ME)
    book.add("fixed", 1, 0.0)
    for number in range(_MAX_LEARNED + 50):
        book.learn(f"h{number}", 1, float(number))
    assert len(book) == _MAX_LEARNED + 1
    due = hosts(book, float(_MAX_LEARNED))
    assert "fixed" in due
    assert "h0" not in due
