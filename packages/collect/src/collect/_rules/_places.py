# SPDX-License-Identifier: Apache-2.0
"""The places that one use of a rule writes to: one for a value, one per row for a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from collect._rules._converters import is_blank
from l8types.enums import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from l8types.protocols.collection import PollResult, RuleContext

__all__ = ["INDEX", "Misfit", "first_present", "names_of", "place_of", "places", "write_all"]

INDEX: Final = "{index}"
"""Stands for the index of a row in a property path."""

_TEXT_KEY: Final = f"{{{int(Kind.STRING)}}}"


@dataclass(frozen=True, slots=True)
class Misfit:
    """Stands for a value that could not be made; the other values of the rule are not touched."""

    reason: str


def names_of(context: RuleContext) -> tuple[str, ...]:
    """Names of the values that a rule reads, in order of preference."""
    return tuple(name.strip() for name in context.parameters.get("from", "").split(","))


def place_of(path: str, index: str) -> str:
    """Property path for the row with this index."""
    return path.replace(INDEX, f"{_TEXT_KEY}{index}")


def places(result: PollResult, path: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Property paths with the values from which each of them is filled."""
    if INDEX not in path:
        yield path, result.values
        return
    for index, row in result.rows.items():
        yield place_of(path, index), row


def first_present(values: Mapping[str, object], names: tuple[str, ...]) -> object:
    """The first value that the device really gave, ``None`` when it gave none."""
    return next((values[name] for name in names if not is_blank(values.get(name))), None)


def write_all(
    result: PollResult,
    context: RuleContext,
    value_of: Callable[[Mapping[str, object]], object],
) -> dict[str, object]:
    """Values by path; a place whose value is ``None`` is left alone.

    Args:
        result: The answer.
        context: Gives the path as the parameter ``to``.
        value_of: Makes the value of a place; a ``ValueError`` becomes a :class:`Misfit`.
    """
    written: dict[str, object] = {}
    for path, values in places(result, context.parameters["to"]):
        try:
            value = value_of(values)
        except ValueError as error:
            value = Misfit(str(error))
        if value is not None:
            written[path] = value
    return written
