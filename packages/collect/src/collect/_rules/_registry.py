# SPDX-License-Identifier: Apache-2.0
"""Rules by the name that polls use for them."""

from __future__ import annotations

import difflib
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from collect._rules._builtin import BUILT_IN
from l8types.constants import Plugin
from l8types.errors import ConfigurationError, ConflictError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from l8types.protocols.collection import ParsingRule
    from l8types.protocols.runtime import Resources

__all__ = ["RuleRegistry", "nearest"]


def nearest(name: str, known: Iterable[str]) -> str:
    """Part of an error message that suggests a name, or lists what there is."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"there are: {', '.join(names) or 'none'}"


class RuleRegistry:
    """The built-in rules and those that are added.

    Args:
        rules: Rules to start with besides the built-in ones.
    """

    def __init__(self, rules: Iterable[ParsingRule] = ()) -> None:
        self._rules: dict[str, ParsingRule] = {}
        for rule in (*BUILT_IN, *rules):
            self.register(rule)

    @classmethod
    def installed(cls, resources: Resources) -> Self:
        """The built-in rules and those of all entry points of the group ``layer8.rule``.

        Raises:
            ConfigurationError: A rule fails to load.
            ConflictError: Two rules have the same name.
        """
        registry = cls()
        for point in entry_points(group=Plugin.RULE.value):
            rule = resources.create(Plugin.RULE, point.name)
            if not callable(getattr(rule, "apply", None)):
                raise ConfigurationError(
                    f"entry point {point.name!r} of {Plugin.RULE.value} makes a "
                    f"{type(rule).__name__}, which has no apply(); give it a parsing rule"
                )
            registry.register(rule)  # type: ignore[arg-type]
        return registry

    def register(self, rule: ParsingRule) -> None:
        """Add a rule.

        Raises:
            ConflictError: Another rule has its name.
        """
        if self._rules.setdefault(rule.name, rule) is not rule:
            raise ConflictError(f"two parsing rules are called {rule.name!r}; rename one")

    def rule(self, name: str) -> ParsingRule:
        """A rule by its name.

        Raises:
            NotFoundError: No rule has it.
        """
        rule = self._rules.get(name)
        if rule is None:
            raise NotFoundError(f"no parsing rule {name!r}; {nearest(name, self._rules)}")
        return rule

    def names(self) -> tuple[str, ...]:
        """Names of all rules, sorted."""
        return tuple(sorted(self._rules))
