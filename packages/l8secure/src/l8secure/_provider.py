# SPDX-License-Identifier: Apache-2.0
"""The security provider: composes accounts, roles, tokens, credentials and the network's secret."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import os
import secrets
from typing import TYPE_CHECKING, Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from l8secure._accounts import AccountStore
from l8secure._certificates import TlsFiles
from l8secure._credentials import FileCredentials
from l8secure._files import JsonFile, private_directory, read_or_create, write_private
from l8secure._limits import AttemptLimiter
from l8secure._roles import CRUD, DEFAULT_ROLES, Role
from l8secure._tls import TlsContexts
from l8secure._tokens import TokenIssuer
from l8types.enums import Action, AuthStatus
from l8types.errors import (
    AuthenticationError,
    DecodeError,
    PermissionDeniedError,
)
from l8types.pb import L8SysConfig
from l8types.values import AuthResult, Identity

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from l8types.protocols.data import Elements
    from l8types.protocols.runtime import Clock, Resources
    from l8types.protocols.security import SecurityProvider
    from l8types.values import Credential, ServiceKey

__all__ = ["ADMIN_PASSWORD_FILE", "LocalSecurity", "create_security"]

_LOGGER = logging.getLogger(__name__)

ADMIN_PASSWORD_FILE: Final = "admin-password"  # noqa: S105 - a file name
"""Where the generated first password is left, for the owner of the directory alone."""

_NONCE_BYTES: Final = 12
_SECRET_BYTES: Final = 32


class LocalSecurity:
    """Security of a network whose nodes share one directory.

    A call without identity comes from a node, and a node proved that it knows the network's
    secret: it may do everything. A call with an identity may do what the roles of that account
    allow, and nothing when the account is unknown.

    Args:
        directory: Holds the files; created for the owner alone.
        clock: Time.
        blocked_nodes: Ids or aliases of nodes that may not join.
        tls_files: Certificate, key and authority; by default ``cert.pem``, ``key.pem`` and
            ``ca.pem`` in the folder ``tls`` of the directory, when there is one.
    """

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        *,
        blocked_nodes: frozenset[str] = frozenset(),
        tls_files: TlsFiles | None = None,
    ) -> None:
        self._directory = private_directory(directory)
        self._clock = clock
        self._blocked_nodes = blocked_nodes
        self._tls = None if tls_files is None else TlsContexts(tls_files)
        self._secret = read_or_create(directory / "network.secret", _SECRET_BYTES)
        self._aead = AESGCM(self._derive(b"files at rest"))
        self._limiter = AttemptLimiter()
        self._roles = JsonFile(directory / "roles.json", dict[str, Role], dict(DEFAULT_ROLES))
        self.accounts = AccountStore(directory / "users.json")
        self.credentials = FileCredentials(directory / "credentials.json")
        self.tokens = TokenIssuer(self._derive(b"bearer tokens"), directory / "revoked.json", clock)

    def bootstrap(self) -> Path | None:
        """Create the user ``admin`` when there is no user yet.

        Returns:
            The file with the generated password, ``None`` when there were users.
        """
        if self.accounts.accounts():
            return None
        password = secrets.token_urlsafe(12)
        self.accounts.add("admin", password, ("admin",))
        path = self._directory / ADMIN_PASSWORD_FILE
        write_private(path, f"{password}\n".encode())
        _LOGGER.warning("created user 'admin'; its password is in %s", path)
        return path

    # -- Cipher

    def encrypt(self, data: bytes) -> bytes:
        """AES-256-GCM with a random nonce in front."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, data, None)

    def decrypt(self, data: bytes) -> bytes:
        """The reverse of :meth:`encrypt`."""
        try:
            return self._aead.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], None)
        except (InvalidTag, ValueError) as error:
            raise DecodeError("not encrypted with this network's key, or damaged") from error

    # -- ConnectionGuard

    def network_secret(self) -> bytes:
        """Secret that the nodes share."""
        return self._derive(b"node handshake")

    def tls(self, *, server_side: bool) -> ssl.SSLContext | None:
        """TLS 1.3 with the files that were named, else with those in ``tls`` of the directory."""
        folder = self._directory / "tls"
        if self._tls is None:
            if not folder.is_dir():
                return None
            self._tls = TlsContexts(TlsFiles.of(folder))
        now = dt.datetime.fromtimestamp(self._clock.now(), dt.UTC)
        return self._tls.context(now, server_side=server_side)

    async def admit(self, uuid: str, alias: str, address: str) -> None:
        """Admit every node that proved the secret and is not blocked."""
        if {uuid, alias} & self._blocked_nodes:
            raise PermissionDeniedError(f"node {alias!r} ({uuid}) at {address} is blocked")

    # -- Authenticator

    async def authenticate(self, user: str, password: str) -> AuthResult:
        """Check a password; a name that failed too often has to wait."""
        now = self._clock.monotonic()
        wait = self._limiter.blocked_for(user, now)
        if wait > 0:
            return AuthResult(
                AuthStatus.REFUSED, reason=f"too many attempts; try again in {wait:.0f} s"
            )
        # Counted before the check, so that guesses in parallel count as well.
        self._limiter.failed(user, now)
        account = await asyncio.to_thread(self.accounts.check, user, password)
        if account is None:
            _LOGGER.warning("log-in of %r refused", user)
            return AuthResult(AuthStatus.REFUSED, reason="wrong user or password")
        self._limiter.succeeded(user)
        return AuthResult(AuthStatus.OK, token=self.tokens.issue(account.id))

    async def validate(self, token: str) -> Identity:
        """Account behind a token; an account that was removed has no valid tokens."""
        account = self.accounts.find(id=self.tokens.check(token))
        if account is None:
            raise AuthenticationError("the account of this token is gone")
        return Identity(account.id, account.user, frozenset(account.roles))

    async def revoke(self, token: str) -> None:
        """Make a token invalid."""
        self.tokens.revoke(token)

    # -- TwoFactor and AccountService: not offered by this provider

    async def tfa_setup(self, user: str) -> tuple[str, bytes]:
        """Not offered."""
        _not_offered("two-factor log-in")

    async def tfa_verify(self, user: str, code: str, pending: str) -> AuthResult:
        """Not offered."""
        _not_offered("two-factor log-in")

    async def captcha(self) -> tuple[str, bytes]:
        """Not offered."""
        _not_offered("self registration")

    async def register(self, user: str, password: str, captcha: str) -> None:
        """Not offered: accounts are made by an administrator."""
        _not_offered("self registration")

    async def request_password_reset(self, user: str, captcha: str, base_url: str) -> None:
        """Not offered."""
        _not_offered("password reset")

    async def reset_password(self, user: str, token: str, password: str) -> None:
        """Not offered."""
        _not_offered("password reset")

    # -- Authorizer

    async def authorize(
        self, identity: str, action: Action, service: ServiceKey, elements: Elements
    ) -> None:
        """Allow what a role of the caller's account allows."""
        if not identity:
            return
        account = self.accounts.find(id=identity)
        if account is None:
            raise PermissionDeniedError(f"identity {identity!r} is unknown; log in again")
        roles = self._roles.load()
        if not any(
            role in roles and roles[role].allows(service.name, action) for role in account.roles
        ):
            raise PermissionDeniedError(
                f"user {account.user!r} may not {action.name} on service {service.name!r}"
            )

    async def allowed_actions(self, identity: str) -> dict[str, frozenset[Action]]:
        """Allowed verbs by service name."""
        if not identity:
            return {"*": CRUD}
        account = self.accounts.find(id=identity)
        roles = self._roles.load()
        allowed: dict[str, frozenset[Action]] = {}
        for name in account.roles if account else ():
            for service, actions in roles[name].services.items() if name in roles else ():
                allowed[service] = allowed.get(service, frozenset()) | frozenset(actions)
        return allowed

    # -- ScopeFilter

    def scope_item(self, identity: str, item: object) -> object | None:
        """Every item of a service that the caller may read."""
        return item

    def scope_view(self, identity: str, elements: Elements) -> Elements:
        """The whole answer of a service that the caller may call."""
        return elements

    # -- CredentialStore and ConfigSource

    async def credential(self, set_id: str, key: str) -> Credential:
        """Credential of the file ``credentials.json``."""
        return self.credentials.get(set_id, key)

    def system_config(self) -> L8SysConfig:
        """Limits and ports in message form, as Go nodes expect them."""
        return L8SysConfig(
            max_data_size=52_428_800,
            tx_queue_size=100_000,
            rx_queue_size=100_000,
            vnet_port=10_005,
            keep_alive_interval_seconds=30,
        )

    def _derive(self, purpose: bytes) -> bytes:
        """A key of its own for each use, so that none of them can stand in for another."""
        return HKDF(
            algorithm=hashes.SHA256(), length=_SECRET_BYTES, salt=None, info=purpose
        ).derive(self._secret)


def _not_offered(what: str) -> NoReturn:
    raise PermissionDeniedError(f"{what} is not offered by the local security provider")


def create_security(resources: Resources) -> SecurityProvider:
    """Provider on the directory ``security`` below the node's data directory.

    The settings may name the files of TLS.
    """
    settings = resources.settings
    files = None
    if settings.tls_certificate and settings.tls_key and settings.tls_authority:
        files = TlsFiles(settings.tls_certificate, settings.tls_key, settings.tls_authority)
    return LocalSecurity(resources.data_directory / "security", resources.clock, tls_files=files)
