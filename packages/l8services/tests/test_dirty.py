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
