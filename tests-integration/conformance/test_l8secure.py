# SPDX-License-Identifier: Apache-2.0
"""The security provider keeps what its interfaces promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8secure import LocalSecurity
from l8test.conformance import (
    Account,
    ConnectionGuardConformance,
    KnownCredential,
    Peer,
    ScopeCase,
    SecurityConformance,
)
from l8types.values import Credential

if TYPE_CHECKING:
    from pathlib import Path

    from l8types.protocols.data import Elements, ElementsFactory
    from l8types.protocols.security import ConnectionGuard, SecurityProvider
    from l8utils import NodeResources


@pytest.mark.feature("l8types:TYP-33")
class TestLocalSecurity(SecurityConformance):
    """The provider of nodes that share a directory."""

    hides = False
    blocks = False

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

    @pytest.fixture
    def containers(self, bare: NodeResources) -> ElementsFactory:
        """Containers of the node."""
        return bare.elements

    @pytest.fixture
    def scope_case(self, account: Account) -> ScopeCase:
        """A viewer sees all items of what may be read."""
        return ScopeCase(account.identity, ["a", "b"], [])

    @pytest.fixture
    def known(self, security: SecurityProvider) -> KnownCredential:
        """A credential that was put in."""
        assert isinstance(security, LocalSecurity)
        kept = Credential("reader", "a community", "realm", 161)
        security.credentials.put("lab", "snmp", kept)
        return KnownCredential("lab", "snmp", kept)


class TestBlockedNodes(ConnectionGuardConformance):
    """The provider with nodes that may not join."""

    @pytest.fixture
    def blocked(self) -> list[Peer]:
        """One by its id, one by its name."""
        return [Peer("id-1", "the guest"), Peer("id-2", "the other guest")]

    @pytest.fixture
    def guard(self, bare: NodeResources, tmp_path: Path) -> ConnectionGuard:
        """A provider that was told of them."""
        blocked = frozenset({"id-1", "the other guest"})
        return LocalSecurity(tmp_path / "security", bare.clock, blocked_nodes=blocked)
