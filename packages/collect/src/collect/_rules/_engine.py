# SPDX-License-Identifier: Apache-2.0
"""Turns the answer of a poll into a partial item: only what was read is present in it.

A poll is compiled once: its rules are looked up, the properties that they write are checked against
the model. Then any number of answers are applied. What goes wrong with one value is reported and
leaves the others alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from collect._rules._places import Misfit
from l8types.enums import DecoratorType, Kind
from l8types.errors import ConfigurationError, InvalidInputError, L8Error
from l8types.naming import go_name
from l8types.protocols.collection import ParsingRule, RuleContext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collect._catalogue import Poll, Profile
    from collect._rules._registry import RuleRegistry
    from l8types.protocols.collection import PollResult
    from l8types.protocols.models import Introspector, ModelNode

__all__ = ["CompiledPoll", "ParseError", "ParseReport", "RulesEngine"]

_KEY: Final = re.compile(r"<[^<>]*>")
_UNSIGNED: Final = frozenset({Kind.UINT8, Kind.UINT32, Kind.UINT64})
_INTEGERS: Final = _UNSIGNED | {Kind.INT, Kind.INT32, Kind.INT64}
_TRUE: Final = frozenset({"true", "1"})


@dataclass(frozen=True, slots=True)
class ParseError:
    """One value that could not be written."""

    path: str
    """Where it should have gone; the path of the rule when the whole rule failed."""
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ParseReport:
    """What became of one answer."""

    written: int = 0
    """Properties that were written."""
    skipped: int = 0
    """Rules that found nothing to write."""
    errors: tuple[ParseError, ...] = ()


@dataclass(frozen=True, slots=True)
class _Step:
    rule: ParsingRule
    parameters: Mapping[str, str]


class RulesEngine:
    """Compiles polls and keeps them.

    Args:
        introspector: Knows the models; the primary key of every model written must be declared.
        rules: The rules by name.
    """

    def __init__(self, introspector: Introspector, rules: RuleRegistry) -> None:
        self._introspector = introspector
        self._rules = rules
        self._compiled: dict[tuple[str, str], CompiledPoll] = {}

    def compiled(self, profile: Profile, poll: Poll, model: type) -> CompiledPoll:
        """A poll ready to be applied; compiled on the first call.

        Args:
            profile: The profile of the poll.
            poll: The poll.
            model: Class of the items that the profile fills.

        Raises:
            ConfigurationError: A rule or a property of the poll does not exist.
        """
        key = (profile.name, poll.name)
        compiled = self._compiled.get(key)
        if compiled is None or compiled.poll is not poll:
            compiled = self._compiled[key] = self._compile(profile, poll, model)
        return compiled

    def _compile(self, profile: Profile, poll: Poll, model: type) -> CompiledPoll:
        root = self._introspector.inspect(model)
        steps: list[_Step] = []
        for use in poll.rules:
            try:
                rule = self._rules.rule(use.rule)
                steps.append(_Step(rule, {**use.parameters, "to": _resolve(root, use.to)}))
            except L8Error as error:
                raise ConfigurationError(
                    f"profile {profile.name!r}: poll {poll.name!r}: {use.to!r}: {error}"
                ) from error
        return CompiledPoll(poll, model, self._introspector, tuple(steps))


class CompiledPoll:
    """The rules of one poll, bound to a model."""

    def __init__(
        self, poll: Poll, model: type, introspector: Introspector, steps: tuple[_Step, ...]
    ) -> None:
        self.poll = poll
        self._model = model
        self._introspector = introspector
        self._key_attribute = _key_attribute(introspector, model)
        self._steps = steps

    def apply(self, result: PollResult, key: str) -> tuple[object, ParseReport]:
        """Make the partial item of an answer.

        Args:
            result: The answer.
            key: Primary key of the item.

        Returns:
            The item, which holds its key and what was read, and the report.
        """
        item = self._model(**{self._key_attribute: key})
        written = skipped = 0
        errors: list[ParseError] = []
        for step in self._steps:
            values = self._run(step, result, key, errors)
            skipped += not values
            for path, value in values.items():
                written += self._write(item, path, value, errors)
        return item, ParseReport(written, skipped, tuple(errors))

    def _run(
        self, step: _Step, result: PollResult, key: str, errors: list[ParseError]
    ) -> Mapping[str, object]:
        context = RuleContext(self._model.__name__, key, step.parameters)
        try:
            return step.rule.apply(result, context)
        except InvalidInputError as error:
            errors.append(ParseError(step.parameters["to"], str(error)))
            return {}

    def _write(self, item: object, path: str, value: object, errors: list[ParseError]) -> bool:
        if isinstance(value, Misfit):
            errors.append(ParseError(path, value.reason))
            return False
        try:
            place = self._introspector.property_for(item, path)
            place.set(item, _fit(value, place.node))
        except InvalidInputError as error:
            errors.append(ParseError(path, str(error)))
            return False
        return True


def _key_attribute(introspector: Introspector, model: type) -> str:
    """Python attribute that takes the key of an item; the first one of several.

    Raises:
        ConfigurationError: None is declared.
    """
    declared = introspector.fields(model, DecoratorType.PRIMARY) or ()
    for node in introspector.inspect(model).attributes.values():
        if declared and node.field_name == declared[0]:
            return node.attribute
    raise ConfigurationError(f"model {model.__name__} has no primary key; declare one first")


def _segments(path: str) -> Iterator[tuple[str, str]]:
    """Names on a path in the form of property ids, each with its key."""
    start = 0
    for name in _KEY.sub(lambda found: "\0" * len(found[0]), path).split("."):
        plain = name.rstrip("\0")
        end = start + len(name)
        yield go_name(plain).lower(), path[start + len(plain) : end]
        start = end + 1


def _resolve(root: ModelNode, path: str) -> str:
    """The path in the form of property ids.

    Raises:
        InvalidInputError: The model has no such attribute.
    """
    node, resolved = root, []
    for name, key in _segments(path):
        if name not in node.attributes:
            raise InvalidInputError(f"{node.type_name} has no attribute {name!r}")
        node = node.attributes[name]
        resolved.append(name + key)
    return ".".join(resolved)


def _fit(value: object, node: ModelNode) -> object:
    """The value in the kind of its attribute.

    Raises:
        InvalidInputError: It does not fit; nothing is cut, wrapped or replaced by zero.
    """
    if node.enum is not None:
        return _fit_enum(value, node.enum)
    if node.kind is Kind.BOOL:
        return value if isinstance(value, bool) else str(value).lower() in _TRUE
    if node.kind is Kind.STRING:
        return str(value)
    if node.kind in _INTEGERS:
        return _fit_integer(value, unsigned=node.kind in _UNSIGNED)
    return value


def _fit_enum(value: object, names: Mapping[str, int]) -> int:
    if isinstance(value, int):
        return int(value)
    if str(value) not in names:
        raise InvalidInputError(f"{value!r:.60} is none of {', '.join(names)}")
    return names[str(value)]


def _fit_integer(value: object, *, unsigned: bool) -> int:
    try:
        number = int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"{value!r:.60} is not a whole number") from error
    if unsigned and number < 0:
        raise InvalidInputError(f"{number} is below zero")
    return int(number)
