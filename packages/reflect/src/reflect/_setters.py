# SPDX-License-Identifier: Apache-2.0
"""Sets plain attributes of an item by the texts of property ids, without parsing these.

Nearly all changes that arrive are of one number, text or boolean of an item with a key of one text.
What is not as usual, in the id or in the value, is left to the properties, which also word the
errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from l8types.enums import Container, Kind
from reflect._scalars import INTEGER_RANGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from l8types.values import Change
    from reflect._keys import KeyPlan
    from reflect._shapes import Field

__all__ = ["Setters"]

_CLASSES: Final[dict[Kind, type]] = {
    Kind.BOOL: bool,
    Kind.FLOAT64: float,
    Kind.STRING: str,
    **dict.fromkeys((Kind.INT, Kind.INT32, Kind.INT64, Kind.UINT32, Kind.UINT64), int),
}
_ANY: Final = "x"


_Setter: TypeAlias = tuple[type, int, int, str]
"""How one attribute is set: what it takes, the range of a whole number, its name on an instance."""


class Setters:
    """The plain attributes of one model.

    Args:
        plan: The primary key of the model.
    """

    __slots__ = ("_by_path", "_key", "_prefix")

    def __init__(self, plan: KeyPlan) -> None:
        self._key = plan.fields[0].attribute
        self._by_path: dict[str, _Setter] = {}
        self._prefix = ""
        if plan.kinds == (Kind.STRING,) and plan.fields[0].element.enum_class is None:
            self._prefix = plan.root_id((_ANY,)).removesuffix(f"{_ANY}>")
            fields = () if plan.shape.frozen else plan.shape.fields
            plain = (field for field in fields if field not in plan.fields)
            self._by_path = {field.path: _setter(field) for field in plain if _is_plain(field)}

    def root(self, key: str, item: object) -> str:
        """Root part of the ids of an item if it has this key, "" where that takes a closer look."""
        if not self._prefix or getattr(item, self._key) != key or "<" in key or ">" in key:
            # Such texts are written in another form.
            return ""
        return f"{self._prefix}{key}>"

    def apply(self, changes: Sequence[Change], target: object) -> int:
        """Set attributes as long as all is as usual.

        Returns:
            How many of the changes were made, from the first one on.
        """
        key = getattr(target, self._key)
        if not self._by_path or type(key) is not str:
            return 0
        root, by_path = self._prefix + key, self._by_path
        for done, change in enumerate(changes):
            owner, _, path = change.property_id.partition(">.")
            setter = by_path.get(path)
            if setter is None or owner != root:
                return done
            wanted, low, high, attribute = setter
            value = change.new
            if type(value) is not wanted:
                return done
            if type(value) is int:
                if not low <= value <= high:
                    return done
            elif type(value) is str and not value.isascii():
                return done
            setattr(target, attribute, value)
        return len(changes)


def _is_plain(field: Field) -> bool:
    element = field.element
    single = field.container is Container.SINGLE and element.model is None
    is_enum = element.enum is not None or element.enum_class is not None
    return single and not is_enum and element.kind in _CLASSES


def _setter(field: Field) -> _Setter:
    kind = field.element.kind
    low, high = INTEGER_RANGES.get(kind, (0, 0))
    return _CLASSES[kind], low, high, field.attribute
