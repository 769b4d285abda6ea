# SPDX-License-Identifier: Apache-2.0
"""Keys that are still to be stored."""

from __future__ import annotations

from l8services._dirty import DirtyKeys


def test_refused_keys_are_stored_first() -> None:
    """What was refused goes before what was marked meanwhile, once each, with growing pauses."""
    dirty = DirtyKeys(retry=1.0, retry_max=3.0)
    dirty.mark("1", "2", "1", "3")
    assert dirty.take(2) == ["1", "2"]
    dirty.mark("1")
    pauses = [dirty.put_back(["1", "2"])]
    assert dirty.take(9) == ["1", "2", "3"]
    pauses += [dirty.put_back([]) for _ in range(2)]
    assert (pauses, dirty.failing) == ([1.0, 2.0, 3.0], True)
    assert (dirty.stored(), dirty.stored(), len(dirty)) == (True, False, 0)


def test_what_is_aside_is_in_nobodys_way() -> None:
    """It is not taken before it is marked or tried again; pauses grow until nothing is aside."""
    dirty = DirtyKeys(retry=1.0, retry_max=3.0)
    assert dirty.patience() is None
    for key in ("1", "2"):
        dirty.put_aside(key)
    assert (dirty.pending, dirty.take(9), len(dirty)) == (False, [], 2)
    dirty.mark("3", "2")
    dirty.put_aside("2")  # it has changed since it was refused
    assert (dirty.patience(), dirty.take(1), len(dirty)) == (1.0, ["3"], 2)
    pauses = []
    for _ in range(3):
        dirty.try_again()
        assert "1" in dirty.take(9)
        dirty.put_aside("1")
        pauses.append(dirty.patience())
    assert pauses == [2.0, 3.0, 3.0]
    dirty.mark("1")
    assert (dirty.patience(), dirty.take(9), len(dirty)) == (None, ["1"], 0)
    dirty.put_aside("1")
    assert dirty.patience() == 1.0
