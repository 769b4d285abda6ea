# SPDX-License-Identifier: Apache-2.0
"""A security provider as somebody outside the project would write it: nothing is ever deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from l8secure import LocalSecurity
from l8types.enums import Action
from l8types.errors import PermissionDeniedError

if TYPE_CHECKING:
    from l8types.protocols.data import Elements
    from l8types.protocols.runtime import Resources
    from l8types.values import ServiceKey


class KeepingSecurity(LocalSecurity):
    """Everything as usual, but nobody may delete, not even a node."""

    @override
    async def authorize(
        self, identity: str, action: Action, service: ServiceKey, elements: Elements
    ) -> None:
        if action is Action.DELETE:
            raise PermissionDeniedError(f"nothing is deleted from {service.name} here")
        await super().authorize(identity, action, service, elements)


def create_security(resources: Resources) -> KeepingSecurity:
    """What the entry point names."""
    return KeepingSecurity(resources.data_directory / "security", resources.clock)
