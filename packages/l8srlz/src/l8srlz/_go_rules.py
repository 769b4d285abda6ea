# SPDX-License-Identifier: Apache-2.0
"""What a Go node must never be sent: lists and maps whose type it cannot tell.

It takes the type of a list from the first item, and that of a map from the first entry whose key
and value are both there; when that fails, or when a later one differs, the whole node ends.
"""

import enum
from collections.abc import Mapping, Sequence
from typing import Final, cast

from google.protobuf.message import Message

from l8srlz._faults import Fault, shown
from l8srlz._scalars import SIZED, Int32, UInt8
from l8srlz._wire import NUMBERS
from l8types.enums import Kind

_ABSENT: tuple[object, ...] = ()
"""The shape of nothing: such an item becomes the zero value of the list's type."""

_PLAIN: Final = {float, str, bool, *SIZED}
"""Types whose instances all look the same to a Go node; large integers differ from small ones."""


def check(value: object, kind: Kind | None) -> None:
    """Accept a value that every Go node can read.

    Args:
        value: What is to be written.
        kind: Declared kind of it or of its items, which makes numbers alike.

    Raises:
        Fault: A list or map in it has no single type.
    """
    _shape(_alike(value, kind) if kind in NUMBERS else value)


def _alike(value: object, kind: Kind | None) -> object:
    """The same list or map with one number for all that are written as the same kind."""
    number = UInt8(0) if kind is Kind.UINT8 else Int32(0)
    if isinstance(value, Mapping):
        return {key: item if item is None else number for key, item in value.items()}
    if isinstance(value, Sequence):
        return [item if item is None else number for item in value]
    return value


def _shape(value: object) -> tuple[object, ...]:
    """The Go type that the receiver would give to a value, as nested tuples."""
    if isinstance(value, str):
        return (str,)
    if value is None or (isinstance(value, Sequence | Mapping | memoryview) and not len(value)):
        return _ABSENT
    if isinstance(value, bytes | bytearray | memoryview):
        return (bytes,)
    if isinstance(value, Mapping):
        return _shape_of_map(value)
    if isinstance(value, Sequence):
        return _shape_of_list(value)
    return (_scalar(value),)


def _scalar(value: object) -> object:
    if isinstance(value, Message):
        return value.DESCRIPTOR.full_name
    if type(value) in SIZED:
        return SIZED[type(value)]
    if isinstance(value, bool):
        return Kind.BOOL
    if isinstance(value, enum.IntEnum):
        return Kind.INT32
    if isinstance(value, int):
        return Kind.UINT64 if value >= 2**63 else Kind.INT
    return type(value)


def _shape_of_list(items: Sequence[object]) -> tuple[object, ...]:
    wanted: tuple[object, ...] = _ABSENT
    types = set(map(type, items))
    if len(types) == 1 and (types <= _PLAIN or _all_small(items, types)):
        items = items[:1]
    for index, item in enumerate(items):
        try:
            shape = _shape(item)
        except Fault as fault:
            raise fault.within(f"[{index}]") from None
        if not index:
            wanted = shape
        if not wanted:
            raise Fault("is nothing or empty; the first item gives a list its type", "[0]")
        if shape not in (_ABSENT, wanted):
            raise Fault("is of another type than the first item", f"[{index}]")
    if wanted == (SIZED[UInt8],):
        raise Fault("is a list of bytes; write it as a byte string")
    return (Kind.LIST, wanted)


def _all_small(items: Sequence[object], types: set[type]) -> bool:
    """Whether all items are plain integers that are written as the same kind."""
    return types == {int} and all(item < 2**63 for item in cast("Sequence[int]", items))


def _shape_of_map(items: Mapping[object, object]) -> tuple[object, ...]:
    wanted: tuple[object, ...] = _ABSENT
    key_shape: tuple[object, ...] = _ABSENT
    for key, item in items.items():
        try:
            found = _shape(key)
            shape = _shape(item)
        except Fault as fault:
            raise fault.within(f"[{shown(key)}]") from None
        key_shape = key_shape or found
        wanted = wanted or shape
        if not found:
            raise Fault("is no key for a Go map", f"[{shown(key)}]")
        if found != key_shape or shape not in (_ABSENT, wanted):
            raise Fault("is of another type than the entries before", f"[{shown(key)}]")
    if not wanted:
        raise Fault("no value is there to give the map its type")
    return (Kind.MAP, key_shape, wanted)
