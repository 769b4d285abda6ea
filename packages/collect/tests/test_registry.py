# SPDX-License-Identifier: Apache-2.0
"""Rules by name."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint

import pytest

from collect import RuleRegistry
from collect._rules import _registry
from l8types.errors import ConfigurationError, ConflictError, NotFoundError
from l8types.protocols.collection import PollResult, RuleContext

from .fakes import FakeResources


class Shout:
    """A rule of a user."""

    name = "shout"

    def apply(self, result: PollResult, context: RuleContext) -> Mapping[str, object]:
        """Values by property path."""
        return {context.parameters["to"]: str(result.values["text"]).upper()}


@pytest.mark.feature("PAR-10")
def test_rules_of_a_user_stand_beside_the_built_in_ones() -> None:
    """And are found by their names."""
    registry = RuleRegistry([Shout()])
    assert registry.rule("shout").name == "shout"
    assert registry.names() == (
        "choice",
        "index",
        "prefix",
        "shout",
        "speed",
        "status",
        "value",
    )


def test_two_rules_of_one_name_are_refused() -> None:
    """Silently taking one of them would be a riddle."""
    with pytest.raises(ConflictError, match="'shout'; rename one"):
        RuleRegistry([Shout(), Shout()])


def test_an_unknown_rule_is_answered_with_the_nearest() -> None:
    """Most are misspelt."""
    with pytest.raises(NotFoundError, match="no parsing rule 'valeu'; did you mean 'value'"):
        RuleRegistry().rule("valeu")


def test_installed_rules_are_found_by_their_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is made by the resources of the node."""
    resources = FakeResources()
    resources.plugins["layer8.rule", "shout"] = Shout()
    points = [EntryPoint("shout", "lab:create", "layer8.rule")]
    monkeypatch.setattr(_registry, "entry_points", lambda group: points)
    assert "shout" in RuleRegistry.installed(resources.real).names()
    resources.plugins["layer8.rule", "shout"] = object()
    with pytest.raises(ConfigurationError, match=r"'shout' .* no apply"):
        RuleRegistry.installed(resources.real)
