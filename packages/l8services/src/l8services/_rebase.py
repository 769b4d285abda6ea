# SPDX-License-Identifier: Apache-2.0
"""Own changes of the last seconds, repeated when a concurrent change of another node replaced them.

Two nodes may change different attributes of one item at the same time. The state with the greater
stamp replaces the other one on all nodes; the node that made the other one then repeats what is
not touched by the winner: a merge of three states, as in version control.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from l8types.enums import UpdateMode
from l8types.frozen import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from l8types.protocols.models import PropertyResolver, Updater
    from l8types.values import Change, ChangeSet

__all__ = ["Created", "OwnChanges", "rebase"]

MAX_KEYS: Final = 1024
"""Items whose own changes are remembered."""
MAX_CHANGES: Final = 32
"""Own changes that are remembered per item."""


@dataclass(frozen=True, slots=True)
class Created:
    """An item that a patch created, since there was none to patch."""

    item: object


class OwnChanges:
    """What this node changed lately, by item; a synchronous core.

    Args:
        window: Seconds after which a change counts as known everywhere.
    """

    def __init__(self, window: float) -> None:
        self._window = window
        self._by_key: OrderedDict[str, list[tuple[float, ChangeSet | Created]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_key)

    def add(self, key: str, change: ChangeSet | Created, now: float) -> None:
        """An own change was made."""
        entries = self._by_key.setdefault(key, [])
        entries.append((now, change))
        del entries[:-MAX_CHANGES]
        self._by_key.move_to_end(key)
        if len(self._by_key) > MAX_KEYS:
            self._by_key.popitem(last=False)

    def take(self, key: str, now: float) -> list[ChangeSet | Created]:
        """The changes of an item within the window, forgotten with this call."""
        entries = self._by_key.pop(key, [])
        return [change for made, change in entries if now - made <= self._window]


def rebase(
    change: ChangeSet | Created, onto: object, properties: PropertyResolver, updater: Updater
) -> object | None:
    """Repeat a change on another state of the item.

    Args:
        change: What was changed, or the item that was created.
        onto: The other state; changed in place.
        properties: Resolves the property ids of the changes.
        updater: Finds and applies differences.

    Returns:
        ``onto``, ``None`` when it touched everything itself so that nothing is left to repeat.

    Raises:
        PropertyError: A change does not fit the model.
    """
    if isinstance(change, Created):
        # Of an item that both created, the winner's attributes count; the others are filled in.
        changes = updater.diff(onto, change.item, mode=UpdateMode.PATCH)
        return _apply(changes, onto, updater, lambda part: not part.old)
    return _apply(
        change,
        onto,
        updater,
        lambda part: properties.property(part.property_id).get(onto) == part.old,
    )


def _apply(
    changes: ChangeSet, onto: object, updater: Updater, wanted: Callable[[Change], bool]
) -> object | None:
    left = tuple(part for part in changes if wanted(part))
    return updater.apply(replace(changes, changes=left), onto) if left else None
