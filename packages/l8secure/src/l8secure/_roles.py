# SPDX-License-Identifier: Apache-2.0
"""Roles: which actions are allowed on which services."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from l8types.enums import Action

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CRUD", "DEFAULT_ROLES", "Role"]

CRUD: Final = frozenset({Action.POST, Action.PUT, Action.PATCH, Action.DELETE, Action.GET})


class Role(msgspec.Struct, frozen=True):
    """Allowed actions by service name; ``*`` stands for every service.

    What is not named is denied. A service named on its own overrules ``*``.
    """

    services: dict[str, tuple[Action, ...]]

    def allows(self, service: str, action: Action) -> bool:
        """Whether the role allows an action; map-reduce actions count as their verbs."""
        verb = action - 20 if action > Action.SERVICE_QUERY else action
        return verb in self.services.get(service, self.services.get("*", ()))


DEFAULT_ROLES: Final[Mapping[str, Role]] = MappingProxyType(
    {
        "admin": Role({"*": tuple(sorted(CRUD))}),
        "viewer": Role({"*": (Action.GET,)}),
    }
)
"""Roles of a new network."""
