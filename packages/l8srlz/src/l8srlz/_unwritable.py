# SPDX-License-Identifier: Apache-2.0
"""Which part of a model could not be written: asked only after writing the whole has failed.

msgspec, which writes dataclasses and structs, tells what was wrong, but not where.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec

from l8srlz._faults import Fault, shown

WRITE_ERRORS: Final = (TypeError, ValueError, RecursionError, Fault)
"""What msgspec, and the hooks that it calls, raise for what cannot be written."""
_MAX_STEPS: Final = 32
"""How far down is looked. Who nests deeper is helped by the first steps of the way."""


def unwritable_part(value: object, write: Callable[[object], object], error: Exception) -> Fault:
    """The fault of a value that could not be written, with its place.

    Args:
        value: The whole.
        write: What failed with it.
        error: How it failed.
    """
    steps: list[str] = []
    above: list[object] = []
    while len(steps) < _MAX_STEPS:
        above.append(value)
        for step, part in _parts(value):
            failed = _failure(write, part)
            if failed is not None:
                steps.append(step)
                value, error = part, failed
                break
        else:
            break
        if any(value is one for one in above):
            name = type(value).__name__
            return _fault(
                f"this {name} contains itself; a value is a tree, refer to a part by its key", steps
            )
    if isinstance(error, RecursionError):
        return _fault("nested too deep; keep the parts in a list or map instead", steps)
    return _fault(str(error), steps)


def _fault(reason: str, steps: list[str]) -> Fault:
    return Fault(reason, *reversed(steps))


def _failure(write: Callable[[object], object], part: object) -> Exception | None:
    try:
        write(part)
    except WRITE_ERRORS as error:
        return error
    return None


def _parts(value: object) -> Iterator[tuple[str, object]]:
    """What is directly in a value, each with the step that leads to it."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield f".{name}", getattr(value, name)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield f".{field.name}", getattr(value, field.name)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield f"[{shown(key)}]", part
    elif isinstance(value, list | tuple | set | frozenset):
        for index, part in enumerate(value):
            yield f"[{index}]", part
