# SPDX-License-Identifier: Apache-2.0
"""Second implementations of every part: each writes down what it is asked, and asks ours.

They know the interfaces and the names of the entry points, nothing else.
"""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, Self

from l8types.constants import Plugin

if TYPE_CHECKING:
    from l8types.protocols.collection import PollResult, RuleContext
    from l8types.protocols.runtime import Resources

OURS: Final = {
    Plugin.REGISTRY: "default",
    Plugin.INTROSPECTOR: "reflect",
    Plugin.CLONER: "reflect",
    Plugin.UPDATER: "reflect",
    Plugin.CODEC: "default",
    Plugin.ELEMENTS: "default",
    Plugin.SERIALIZER: "json",
    Plugin.QUERY: "default",
    Plugin.CACHE: "default",
    Plugin.NOTIFICATION: "default",
    # The real one has a secret of its own in the folder of each member.
    Plugin.SECURITY: "shallow",
    Plugin.SERVICES: "l8services",
    Plugin.VNIC: "layer8-net",
    Plugin.SWITCH: "layer8-net",
    Plugin.ORM: "default",
    Plugin.TIME_SERIES: "default",
    Plugin.WEB: "default",
    Plugin.METRICS: "default",
    Plugin.COLLECTOR: "snmp",
}
"""What is asked, by group."""

ASKED: Final[set[str]] = set()
"""Members that were used."""


class Witness:
    """Stands where a part stands."""

    def __init__(self, part: Any) -> None:
        self._part = part

    def __getattr__(self, name: str) -> Any:
        ASKED.add(name)
        return getattr(self._part, name)

    def __call__(self, *arguments: Any) -> Any:
        """Make a session, of a collector."""
        ASKED.add("__call__")
        return self._part(*arguments)

    async def __aenter__(self) -> Self:
        ASKED.add("__aenter__")
        await self._part.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> Any:
        return await self._part.__aexit__(*error)


class Rule:
    """A parsing rule of its own, since rules are not replaced but added."""

    name = "witness"

    def apply(self, result: PollResult, context: RuleContext) -> dict[str, object]:
        """Take the first value."""
        ASKED.add("apply")
        return {context.parameters["attribute"]: next(iter(result.values.values()))}


def make(group: Plugin, resources: Resources) -> Witness:
    """A witness of our part."""
    return Witness(resources.create(group, OURS[group]))


factories = SimpleNamespace(
    **{group.name.lower(): partial(make, group) for group in OURS}, rule=lambda _: Rule()
)
"""What entry points name, by group."""
