# SPDX-License-Identifier: Apache-2.0
"""Conformance of what knows the systems outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8types.errors import NotFoundError

if TYPE_CHECKING:
    from l8types.pb import IntegrationConfig
    from l8types.protocols.runtime import Integrations

__all__ = ["IntegrationsConformance"]


class IntegrationsConformance:
    """What every ``Integrations`` promises.

    Fixtures:
        integrations: An ``Integrations``.
        configured: What it was told of: two integrations or more, each with a name of its own.
    """

    def test_by_name(self, integrations: Integrations, configured: list[IntegrationConfig]) -> None:
        """Each is found by its name, completely, and as often as it is asked for."""
        for one in configured * 2:
            assert integrations.integration(one.name) == one

    def test_unknown(self, integrations: Integrations, configured: list[IntegrationConfig]) -> None:
        """What is not configured is not found: names are compared as they are."""
        for name in ("", "no such system", configured[0].name.swapcase()):
            with pytest.raises(NotFoundError):
                integrations.integration(name)

    def test_all(self, integrations: Integrations, configured: list[IntegrationConfig]) -> None:
        """All of them are listed once."""
        listed = sorted(one.name for one in integrations.integrations())
        assert listed == sorted(one.name for one in configured)

    def test_own_copies(
        self, integrations: Integrations, configured: list[IntegrationConfig]
    ) -> None:
        """What a caller does with an answer changes none of the others."""
        name = configured[0].name
        integrations.integration(name).name = "changed"
        for one in integrations.integrations():
            one.name += " too"
        assert integrations.integration(name).name == name
        self.test_all(integrations, configured)
