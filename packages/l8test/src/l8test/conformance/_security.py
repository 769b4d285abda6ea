# SPDX-License-Identifier: Apache-2.0
"""Conformance of security providers, one suite per concern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import pytest

from l8test.conformance._admission import (
    ConfigSourceConformance,
    ConnectionGuardConformance,
    CredentialStoreConformance,
    ScopeFilterConformance,
)
from l8types.enums import Action, AuthStatus
from l8types.errors import AuthenticationError, DecodeError, PermissionDeniedError
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from l8types.protocols.data import Elements
    from l8types.protocols.security import (
        Authenticator,
        Authorizer,
        Cipher,
        ConfigSource,
        ConnectionGuard,
        CredentialStore,
        ScopeFilter,
        SecurityProvider,
    )

__all__ = [
    "Account",
    "AuthenticatorConformance",
    "AuthorizerConformance",
    "CipherConformance",
    "SecurityConformance",
]


@dataclass(frozen=True, slots=True, repr=False)
class Account:
    """A user whom the provider under test knows.

    Attributes:
        user: Name for the log-in.
        password: Password for the log-in.
        identity: The AAA id of the account.
        allowed: An operation that this account may do.
        denied: One that it may not do.
    """

    user: str
    password: str
    identity: str
    allowed: tuple[Action, ServiceKey] = (Action.GET, ServiceKey("Books"))
    denied: tuple[Action, ServiceKey] = (Action.POST, ServiceKey("Books"))


class CipherConformance:
    """What every ``Cipher`` promises.

    Fixture:
        cipher: A ``Cipher``.
    """

    detects_damage: ClassVar[bool] = True
    """Capability: a changed byte is noticed (a format without checksum cannot)."""

    @pytest.mark.parametrize("data", [b"", b"x", b"\x00" * 16, bytes(range(256)) * 40], ids=len)
    def test_round_trip(self, cipher: Cipher, data: bytes) -> None:
        """What was encrypted is decrypted, whatever its length."""
        assert cipher.decrypt(cipher.encrypt(data)) == data

    def test_hides(self, cipher: Cipher) -> None:
        """The encrypted form does not show the content, and differs each time."""
        text = b"a rather secret sentence"
        first, second = cipher.encrypt(text), cipher.encrypt(text)
        assert text not in first
        assert first != second

    def test_foreign(self, cipher: Cipher) -> None:
        """Bytes that were not made by encrypting are refused."""
        for data in (b"", b"short"):
            with pytest.raises(DecodeError):
                cipher.decrypt(data)

    def test_damage(self, cipher: Cipher) -> None:
        """A damaged form is refused."""
        if not self.detects_damage:
            pytest.skip("the format has no checksum")
        good = cipher.encrypt(b"content")
        for position in range(len(good)):
            damaged = bytearray(good)
            damaged[position] ^= 1
            with pytest.raises(DecodeError):
                cipher.decrypt(bytes(damaged))


class AuthenticatorConformance:
    """What every ``Authenticator`` promises.

    Fixtures:
        authenticator: An ``Authenticator``.
        account: An ``Account`` that it knows.
    """

    checks_passwords: ClassVar[bool] = True
    """Capability: wrong passwords and tokens are refused (a permissive provider does not)."""

    def checking(self) -> None:
        """Skip a test that a permissive provider cannot pass."""
        if not self.checks_passwords:
            pytest.skip("the implementation admits everybody")

    async def test_log_in(self, authenticator: Authenticator, account: Account) -> None:
        """The right password yields a token, and the token the identity."""
        result = await authenticator.authenticate(account.user, account.password)
        assert result.status is AuthStatus.OK
        assert result.token
        identity = await authenticator.validate(result.token)
        assert identity.id
        if self.checks_passwords:
            assert identity.id == account.identity

    async def test_refused(self, authenticator: Authenticator, account: Account) -> None:
        """A wrong password and an unknown user are refused alike, without a token."""
        self.checking()
        wrong = await authenticator.authenticate(account.user, account.password + "x")
        unknown = await authenticator.authenticate("nobody", account.password)
        for result in (wrong, unknown):
            assert (result.status, result.token) == (AuthStatus.REFUSED, "")
        assert wrong.reason == unknown.reason

    async def test_bad_token(self, authenticator: Authenticator, account: Account) -> None:
        """An unknown or changed token has no identity behind it."""
        self.checking()
        result = await authenticator.authenticate(account.user, account.password)
        for token in ("", "nonsense", result.token[:-4], "x" + result.token):
            with pytest.raises(AuthenticationError):
                await authenticator.validate(token)

    async def test_revoke(self, authenticator: Authenticator, account: Account) -> None:
        """A revoked token is invalid, other tokens stay; revoking twice is as revoking once."""
        self.checking()
        first = await authenticator.authenticate(account.user, account.password)
        second = await authenticator.authenticate(account.user, account.password)
        await authenticator.revoke(first.token)
        await authenticator.revoke(first.token)
        with pytest.raises(AuthenticationError):
            await authenticator.validate(first.token)
        assert (await authenticator.validate(second.token)).id == account.identity


class AuthorizerConformance:
    """What every ``Authorizer`` promises.

    Fixtures:
        authorizer: An ``Authorizer``.
        account: An ``Account`` that it knows.
        content: Any ``Elements``, the content of the requests.
    """

    denies: ClassVar[bool] = True
    """Capability: something is forbidden (a permissive provider forbids nothing)."""

    async def test_allowed(
        self, authorizer: Authorizer, account: Account, content: Elements
    ) -> None:
        """What the account may do passes."""
        action, service = account.allowed
        await authorizer.authorize(account.identity, action, service, content)

    async def test_denied(
        self, authorizer: Authorizer, account: Account, content: Elements
    ) -> None:
        """What the account may not do is refused, with the service in the message."""
        if not self.denies:
            pytest.skip("the implementation allows everything")
        action, service = account.denied
        with pytest.raises(PermissionDeniedError, match=service.name):
            await authorizer.authorize(account.identity, action, service, content)

    async def test_stranger(
        self, authorizer: Authorizer, account: Account, content: Elements
    ) -> None:
        """Who is not known may do nothing."""
        if not self.denies:
            pytest.skip("the implementation allows everything")
        for action in (Action.GET, Action.POST, Action.DELETE):
            with pytest.raises(PermissionDeniedError):
                await authorizer.authorize("stranger", action, account.allowed[1], content)
        assert not any((await authorizer.allowed_actions("stranger")).values())

    async def test_allowed_actions(self, authorizer: Authorizer, account: Account) -> None:
        """The list of what the account may do names actions of data alone."""
        found = await authorizer.allowed_actions(account.identity)
        assert account.allowed[0] in frozenset().union(*found.values())
        for actions in found.values():
            assert all(Action.POST <= action <= Action.GET for action in actions)


class SecurityConformance(
    CipherConformance,
    ConnectionGuardConformance,
    AuthenticatorConformance,
    AuthorizerConformance,
    ScopeFilterConformance,
    CredentialStoreConformance,
    ConfigSourceConformance,
):
    """What every ``SecurityProvider`` promises as a whole.

    A provider that offers a second factor, or accounts, proves that with the suites of these.

    Fixtures:
        security: A ``SecurityProvider``.
        account, content, known, scope_case, blocked: As for the suites of the concerns.
        containers: An ``ElementsFactory``.
    """

    offers_two_factor: ClassVar[bool] = False
    """Capability: there is a second factor."""
    offers_accounts: ClassVar[bool] = False
    """Capability: people can register and reset their password."""

    @pytest.fixture
    def cipher(self, security: SecurityProvider) -> Cipher:
        """The provider as a cipher."""
        return security

    @pytest.fixture
    def guard(self, security: SecurityProvider) -> ConnectionGuard:
        """The provider as a guard."""
        return security

    @pytest.fixture
    def authenticator(self, security: SecurityProvider) -> Authenticator:
        """The provider as an authenticator."""
        return security

    @pytest.fixture
    def authorizer(self, security: SecurityProvider) -> Authorizer:
        """The provider as an authorizer."""
        return security

    @pytest.fixture
    def scope(self, security: SecurityProvider) -> ScopeFilter:
        """The provider as a filter of rows."""
        return security

    @pytest.fixture
    def credentials(self, security: SecurityProvider) -> CredentialStore:
        """The provider as a store of credentials."""
        return security

    @pytest.fixture
    def config(self, security: SecurityProvider) -> ConfigSource:
        """The provider as a source of settings."""
        return security

    @pytest.fixture
    def secrets(self, security: SecurityProvider) -> list[bytes]:
        """The network's secret stays in the network."""
        return [security.network_secret()]

    async def test_not_offered(self, security: SecurityProvider) -> None:
        """What the provider does not offer is refused, and is not silently done by halves."""
        missing: list[Callable[[], Awaitable[object]]] = []
        if not self.offers_two_factor:
            missing.append(lambda: security.tfa_setup("vera"))
            missing.append(lambda: security.tfa_verify("vera", "1", "2"))
        if not self.offers_accounts:
            missing.append(security.captcha)
            missing.append(lambda: security.register("vera", "password", "captcha"))
            missing.append(lambda: security.request_password_reset("vera", "captcha", "https://"))
            missing.append(lambda: security.reset_password("vera", "token", "password"))
        for member in missing:
            with pytest.raises(PermissionDeniedError):
                await member()
