# SPDX-License-Identifier: Apache-2.0
"""Security provider, split by concern. Deny is an exception, never a return value."""

from __future__ import annotations

import ssl
from typing import Protocol

from l8types.enums import Action
from l8types.pb import L8SysConfig
from l8types.protocols.data import Elements
from l8types.values import AuthResult, Credential, Identity, ServiceKey

__all__ = [
    "AccountService",
    "Authenticator",
    "Authorizer",
    "Cipher",
    "ConfigSource",
    "ConnectionGuard",
    "CredentialStore",
    "ScopeFilter",
    "SecurityProvider",
    "TwoFactor",
]


class Cipher(Protocol):
    """Encryption with the network's key (bodies of the ``go`` profile, files at rest)."""

    def encrypt(self, data: bytes) -> bytes:
        """Encrypted form of ``data``."""
        ...

    def decrypt(self, data: bytes) -> bytes:
        """The reverse.

        Raises:
            DecodeError: Not made by :meth:`encrypt` with this key.
        """
        ...


class ConnectionGuard(Protocol):
    """Admission of connections between nodes."""

    def network_secret(self) -> bytes:
        """Secret that all nodes of the network share; proves membership, is never sent."""
        ...

    def tls(self, *, server_side: bool) -> ssl.SSLContext | None:
        """TLS context with mutual certificates, ``None`` when no certificates are set up."""
        ...

    async def admit(self, uuid: str, alias: str, address: str) -> None:
        """Admit an authenticated peer.

        Raises:
            PermissionDeniedError: It may not join.
        """
        ...


class Authenticator(Protocol):
    """Who is calling."""

    async def authenticate(self, user: str, password: str) -> AuthResult:
        """Check a password; takes the same time whether or not the user exists."""
        ...

    async def validate(self, token: str) -> Identity:
        """Identity behind a token.

        Raises:
            AuthenticationError: Unknown, expired or revoked.
        """
        ...

    async def revoke(self, token: str) -> None:
        """Make a token invalid from now on; idempotent."""
        ...


class TwoFactor(Protocol):
    """Time-based one-time passwords."""

    async def tfa_setup(self, user: str) -> tuple[str, bytes]:
        """New secret (base32) and its QR image (PNG).

        Raises:
            AuthenticationError: Not a user who may enrol now.
        """
        ...

    async def tfa_verify(self, user: str, code: str, pending: str) -> AuthResult:
        """Finish a log-in; attempts are limited."""
        ...


class AccountService(Protocol):
    """What people do about their own account."""

    async def captcha(self) -> tuple[str, bytes]:
        """Id and image of a challenge."""
        ...

    async def register(self, user: str, password: str, captcha: str) -> None:
        """Create an account.

        Raises:
            ConflictError: The name is taken.
            AuthenticationError: The captcha is wrong.
        """
        ...

    async def request_password_reset(self, user: str, captcha: str, base_url: str) -> None:
        """Send a reset link; never tells whether the account exists."""
        ...

    async def reset_password(self, user: str, token: str, password: str) -> None:
        """Set a new password.

        Raises:
            AuthenticationError: The token does not fit or is used up.
        """
        ...


class Authorizer(Protocol):
    """Who may do what. Deny by default."""

    async def authorize(
        self, identity: str, action: Action, service: ServiceKey, elements: Elements
    ) -> None:
        """Check one operation before it reaches the service.

        Raises:
            PermissionDeniedError: Not allowed; tells who, what and which service.
        """
        ...

    async def allowed_actions(self, identity: str) -> dict[str, frozenset[Action]]:
        """Type names with the CRUD actions the caller may use; ``*`` stands for all types."""
        ...


class ScopeFilter(Protocol):
    """Row-level visibility."""

    def scope_item(self, identity: str, item: object) -> object | None:
        """The item as the caller may see it, possibly redacted; ``None`` hides it."""
        ...

    def scope_view(self, identity: str, elements: Elements) -> Elements:
        """The visible part of an answer; an empty container when nothing is."""
        ...


class CredentialStore(Protocol):
    """Secrets for devices and databases."""

    async def credential(self, set_id: str, key: str) -> Credential:
        """A credential by set and key, e.g. ``("lab", "snmp")``.

        Raises:
            NotFoundError: No such set or key.
        """
        ...


class ConfigSource(Protocol):
    """System configuration."""

    def system_config(self) -> L8SysConfig:
        """A fresh configuration message without secrets in it."""
        ...


class SecurityProvider(
    Cipher,
    ConnectionGuard,
    Authenticator,
    TwoFactor,
    AccountService,
    Authorizer,
    ScopeFilter,
    CredentialStore,
    ConfigSource,
    Protocol,
):
    """All of it; what a provider does not offer raises ``PermissionDeniedError``."""
