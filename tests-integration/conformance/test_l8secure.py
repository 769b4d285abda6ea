# SPDX-License-Identifier: Apache-2.0
"""The security provider keeps what its interfaces promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8secure import LocalSecurity
from l8test.conformance import Account, SecurityConformance

if TYPE_CHECKING:
    from l8types.protocols.data import Elements
    from l8types.protocols.security import SecurityProvider
    from l8utils import NodeResources


class TestLocalSecurity(SecurityConformance):
    """The provider of nodes that share a directory."""

    @pytest.fixture
    def security(self, bare: NodeResources) -> SecurityProvider:
        """The provider that the settings name."""
        return bare.security

    @pytest.fixture
    def account(self, security: SecurityProvider) -> Account:
        """A user who may look, and change nothing."""
        assert isinstance(security, LocalSecurity)
        password = "correct horse"
        found = security.accounts.add("vera", password, roles=("viewer",))
        return Account("vera", password, found.id)

    @pytest.fixture
    def content(self, bare: NodeResources) -> Elements:
        """An empty request."""
        return bare.elements.of()
