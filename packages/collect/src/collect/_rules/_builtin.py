# SPDX-License-Identifier: Apache-2.0
"""The rules that come with the package. They know answers and paths, and no model.

All of them take the parameters ``from`` (names of values, the first one present counts) and ``to``
(a property path; with ``{index}`` in it, it is filled once per row). A value that the device did
not give, or gave as empty text, is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from collect._rules._converters import clean_text, convert, is_blank, to_number
from collect._rules._places import first_present, names_of, place_of, write_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    from l8types.protocols.collection import ParsingRule, PollResult, RuleContext

__all__ = [
    "BUILT_IN",
    "ChoiceRule",
    "IndexRule",
    "PrefixRule",
    "SpeedRule",
    "StatusRule",
    "ValueRule",
]

_OWN_PARAMETERS: Final = frozenset({"from", "to", "convert"})
_OTHERWISE: Final = "*"
_MAX_GAUGE32: Final = 4_294_967_295
"""What ifSpeed reports for a speed that it cannot express (RFC 2863, ifSpeed)."""


class ValueRule:
    """``value``: one value into one property, changed by the converter in ``convert``."""

    name = "value"

    def apply(self, result: PollResult, context: RuleContext) -> Mapping[str, object]:
        """Values by property path."""
        names, converter = names_of(context), context.parameters.get("convert", "")

        def value_of(values: Mapping[str, object]) -> object:
            value = first_present(values, names)
            return None if value is None else convert(value, converter)

        return write_all(result, context, value_of)


class ChoiceRule:
    """``choice``: a value into what stands beside it; every other parameter is one choice.

    The choice ``*`` stands for all values that are not listed; without it they are left alone.
    """

    name = "choice"

    def apply(self, result: PollResult, context: RuleContext) -> Mapping[str, object]:
        """Values by property path."""
        names, choices = names_of(context), _choices(context)
        otherwise = choices.get(_OTHERWISE)

        def value_of(values: Mapping[str, object]) -> object:
            value = first_present(values, names)
            return None if value is None else choices.get(clean_text(value), otherwise)

        return write_all(result, context, value_of)


class PrefixRule:
    """``prefix``: an object identifier into what stands beside its longest prefix.

    Every other parameter is one prefix. Prefixes end at a dot: ``1.9`` is none of ``1.99``.
    """

    name = "prefix"

    def apply(self, result: PollResult, context: RuleContext) -> Mapping[str, object]:
        """Values by property path."""
        names, choices = names_of(context), _choices(context)

        def value_of(values: Mapping[str, object]) -> object:
            value = first_present(values, names)
            arcs = clean_text("" if value is None else value).strip(".").split(".")
            prefixes = (".".join(arcs[:length]) for length in range(len(arcs), 0, -1))
            return next((choices[prefix] for prefix in prefixes if prefix in choices), None)

        return write_all(result, context, value_of)


class SpeedRule:
    """``speed``: bits per second from ifSpeed and ifHighSpeed, in this order in ``from``.

    ifSpeed is exact but ends at 4.29 Gbit/s; beyond, or when it is missing or zero, ifHighSpeed
    (in Mbit/s, rounded) counts, as RFC 2863 has it.
    """

    name = "speed"

    def apply(self, result: PollResult, context: RuleContext) -> Mapping[str, object]:
        """Values by property path."""
        exact, high = names_of(context)

        def value_of(values: Mapping[str, object]) -> object:
            speed, megabits = values.get(exact), values.get(high)
            known = not is_blank(speed)
            if known and 0 < to_number(speed) < _MAX_GAUGE32:
                return to_number(speed)
            if not is_blank(megabits) and (not known or to_number(megabits)):
                return convert(megabits, "mbit")
            return to_number(speed) if known else None

        return write_all(result, context, value_of)


class IndexRule:
    """``index``: the index of a row, as text, into a property of what the row fills."""

    name = "index"

    def apply(self, result: PollResult, context: RuleContext) -> Mapping[str, object]:
        """Values by property path."""
        path = context.parameters["to"]
        return {place_of(path, index): index for index in result.rows}


class StatusRule:
    """``status``: which protocols of a host answer, into one of four choices.

    The parameters ``all``, ``none``, ``some`` and ``unknown`` say what is written.
    """

    name = "status"

    def apply(self, result: PollResult, context: RuleContext) -> Mapping[str, object]:
        """Values by property path."""
        answers = {bool(value) for value in result.values.values()}
        case = {
            frozenset({True}): "all",
            frozenset({False}): "none",
            frozenset({True, False}): "some",
        }.get(frozenset(answers), "unknown")
        value = context.parameters.get(case)
        return {} if value is None else {context.parameters["to"]: value}


def _choices(context: RuleContext) -> dict[str, str]:
    return {
        name: value for name, value in context.parameters.items() if name not in _OWN_PARAMETERS
    }


BUILT_IN: Final[tuple[ParsingRule, ...]] = (
    ChoiceRule(),
    IndexRule(),
    PrefixRule(),
    SpeedRule(),
    StatusRule(),
    ValueRule(),
)
