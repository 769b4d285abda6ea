# SPDX-License-Identifier: Apache-2.0
"""Conformance of security besides log-ins: nodes, rows, credentials, settings."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import pytest

from l8types.errors import NotFoundError, PermissionDeniedError
from l8types.values import Credential

if TYPE_CHECKING:
    from l8types.protocols.data import ElementsFactory
    from l8types.protocols.security import (
        ConfigSource,
        ConnectionGuard,
        CredentialStore,
        ScopeFilter,
    )

__all__ = [
    "ConfigSourceConformance",
    "ConnectionGuardConformance",
    "CredentialStoreConformance",
    "KnownCredential",
    "Peer",
    "ScopeCase",
    "ScopeFilterConformance",
]


@dataclass(frozen=True, slots=True)
class Peer:
    """A node that asks to be admitted."""

    uuid: str
    alias: str
    address: str = "127.0.0.1"


NEIGHBOUR: Final = Peer("00000000-0000-4000-8000-00000000abcd", "neighbour")


class ConnectionGuardConformance:
    """What every ``ConnectionGuard`` promises.

    Fixtures:
        guard: A ``ConnectionGuard``.
        blocked: ``Peer`` values that it does not admit, where it blocks any.
    """

    blocks: ClassVar[bool] = True
    """Capability: some peers are not admitted, although they know the secret."""

    @pytest.fixture
    def blocked(self) -> list[Peer]:
        """By default there are none."""
        return []

    def test_network_secret(self, guard: ConnectionGuard) -> None:
        """The network's secret is always the same, and long enough not to be guessed."""
        assert guard.network_secret() == guard.network_secret()
        assert len(guard.network_secret()) >= 16

    def test_tls(self, guard: ConnectionGuard) -> None:
        """Both sides have certificates and demand one of the other, or neither side has."""
        server, client = guard.tls(server_side=True), guard.tls(server_side=False)
        if server is None or client is None:
            assert server is client
            return
        for context in (server, client):
            assert context.verify_mode is ssl.CERT_REQUIRED
            assert context.minimum_version >= ssl.TLSVersion.TLSv1_2

    async def test_admit(self, guard: ConnectionGuard) -> None:
        """A peer that is not blocked is admitted, as often as it comes."""
        for _ in range(3):
            await guard.admit(NEIGHBOUR.uuid, NEIGHBOUR.alias, NEIGHBOUR.address)

    async def test_blocked(self, guard: ConnectionGuard, blocked: list[Peer]) -> None:
        """A blocked peer is refused by its name, each time; the others are admitted after it."""
        if not self.blocks:
            pytest.skip("the implementation admits every peer")
        for peer in blocked * 2:
            with pytest.raises(PermissionDeniedError, match=peer.alias):
                await guard.admit(peer.uuid, peer.alias, peer.address)
        await self.test_admit(guard)


@dataclass(frozen=True, slots=True)
class ScopeCase:
    """What one identity may see.

    Attributes:
        identity: Who asks.
        visible: Items that it may see as they are.
        hidden: Items that it may not see.
    """

    identity: str
    visible: list[object]
    hidden: list[object]


class ScopeFilterConformance:
    """What every ``ScopeFilter`` promises.

    Fixtures:
        scope: A ``ScopeFilter``.
        scope_case: A ``ScopeCase``.
        containers: An ``ElementsFactory``.
    """

    hides: ClassVar[bool] = True
    """Capability: something is hidden from somebody."""

    def test_items(self, scope: ScopeFilter, scope_case: ScopeCase) -> None:
        """An item is given as it is, or hidden; asking again changes nothing."""
        for item in scope_case.visible * 2:
            assert scope.scope_item(scope_case.identity, item) == item
        for item in scope_case.hidden * 2 if self.hides else ():
            assert scope.scope_item(scope_case.identity, item) is None

    def test_view(
        self, scope: ScopeFilter, scope_case: ScopeCase, containers: ElementsFactory
    ) -> None:
        """A view has the visible items in their order, and leaves the answer itself alone."""
        hidden = scope_case.hidden if self.hides else []
        mixed = [*scope_case.visible[:1], *hidden, *scope_case.visible[1:]]
        answer = containers.of(*mixed)
        view = scope.scope_view(scope_case.identity, answer)
        assert list(view.values) == scope_case.visible
        assert list(answer.values) == mixed

    def test_view_of_nothing(
        self, scope: ScopeFilter, scope_case: ScopeCase, containers: ElementsFactory
    ) -> None:
        """When nothing is visible the view is an empty container."""
        hidden = scope_case.hidden if self.hides else []
        view = scope.scope_view(scope_case.identity, containers.of(*hidden))
        assert not list(view.values)
        assert not view.error


@dataclass(frozen=True, slots=True)
class KnownCredential:
    """A credential that the store under test has."""

    set_id: str
    key: str
    credential: Credential


class CredentialStoreConformance:
    """What every ``CredentialStore`` promises.

    Fixtures:
        credentials: A ``CredentialStore``.
        known: A ``KnownCredential`` of it.
    """

    async def test_known(self, credentials: CredentialStore, known: KnownCredential) -> None:
        """A credential is found by set and key, completely, and as often as it is asked for."""
        for _ in range(2):
            assert await credentials.credential(known.set_id, known.key) == known.credential

    async def test_unknown_credential(
        self, credentials: CredentialStore, known: KnownCredential
    ) -> None:
        """What is not there is not found, also when half of it is; no message shows a secret."""
        for set_id, key in (
            ("no such set", "no such key"),
            (known.set_id, "no such key"),
            ("no such set", known.key),
            (known.key, known.set_id),
        ):
            with pytest.raises(NotFoundError) as refused:
                await credentials.credential(set_id, key)
            assert known.credential.secret not in str(refused.value)


class ConfigSourceConformance:
    """What every ``ConfigSource`` promises.

    Fixtures:
        config: A ``ConfigSource``.
        secrets: What it has to keep to itself.
    """

    @pytest.fixture
    def secrets(self) -> list[bytes]:
        """By default it knows none."""
        return []

    def test_system_config(self, config: ConfigSource, secrets: list[bytes]) -> None:
        """Each caller gets a configuration message of its own, without secrets in it."""
        first = config.system_config()
        assert first == config.system_config()
        first.vnet_port += 1
        assert first != config.system_config()
        written = config.system_config().SerializeToString()
        assert not any(secret in written for secret in secrets)
