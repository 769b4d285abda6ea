# SPDX-License-Identifier: Apache-2.0
"""A security provider that allows everything, for tests and for closed laboratories.

It protects nothing: its secret and its key are public, they are those of the permissive provider of
Go nodes, so that a Python node can join a Go network that runs without real security.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import os
import uuid
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from l8types.enums import Action, AuthStatus
from l8types.errors import DecodeError, NotFoundError, PermissionDeniedError
from l8types.pb import L8SysConfig
from l8types.values import AuthResult, Credential, Identity

if TYPE_CHECKING:
    import ssl

    from l8types.protocols.data import Elements
    from l8types.protocols.runtime import Resources
    from l8types.settings import NodeSettings
    from l8types.values import ServiceKey

SECRET: Final = b"Shallow Security Provider"
"""Secret of every network without real security."""

TOKEN: Final = "bearer token"  # noqa: S105 - the one that everybody gets, no secret
"""Token that every log-in yields."""

# The peers use the 24 characters of the base64 text as the key, which makes it AES-192.
_KEY: Final = base64.b64encode(hashlib.md5(SECRET, usedforsecurity=False).digest())
_IV_BYTES: Final = 16
_CREDENTIALS: Final = {
    ("sim", "ssh"): Credential(user="simadmin", secret="simadmin", realm="simadmin"),  # noqa: S106
    ("sim", "snmp"): Credential(user="public", secret="public"),  # noqa: S106
}
_CRUD: Final = frozenset({Action.POST, Action.PUT, Action.PATCH, Action.DELETE, Action.GET})

_logger = logging.getLogger(__name__)


class ShallowSecurity:
    """Security provider that admits, authenticates and authorizes everybody.

    Says so in the log when it is made. Whatever would need real accounts is refused.

    Args:
        settings: Settings of the node; they fill the system configuration.
    """

    def __init__(self, settings: NodeSettings) -> None:
        self._settings = settings
        _logger.warning(
            "node %s runs with shallow security: everybody may do everything", settings.alias
        )

    def encrypt(self, data: bytes) -> bytes:
        """AES-CFB with the public key, in base64 as the ``go`` profile has it."""
        iv = os.urandom(_IV_BYTES)
        encryptor = Cipher(AES(_KEY), CFB(iv)).encryptor()
        return base64.b64encode(iv + encryptor.update(data) + encryptor.finalize())

    def decrypt(self, data: bytes) -> bytes:
        """The reverse; only damage to the encoding can be noticed, the format has no checksum.

        Raises:
            DecodeError: Not base64, or too short.
        """
        try:
            raw = base64.b64decode(data, validate=True)
        except binascii.Error as error:
            raise DecodeError(f"encrypted data is no base64: {error}") from error
        if len(raw) < _IV_BYTES:
            raise DecodeError(f"encrypted data has {len(raw)} bytes, at least {_IV_BYTES} expected")
        decryptor = Cipher(AES(_KEY), CFB(raw[:_IV_BYTES])).decryptor()
        return decryptor.update(raw[_IV_BYTES:]) + decryptor.finalize()

    def network_secret(self) -> bytes:
        """The public secret."""
        return SECRET

    def tls(self, *, server_side: bool) -> ssl.SSLContext | None:
        """Return ``None``: there are no certificates."""
        return None

    async def admit(self, uuid: str, alias: str, address: str) -> None:
        """Admit every peer."""
        _logger.debug("admitting %s (%s) from %s", alias, uuid, address)

    async def authenticate(self, user: str, password: str) -> AuthResult:
        """Log in anybody."""
        return AuthResult(AuthStatus.OK, token=TOKEN)

    async def validate(self, token: str) -> Identity:
        """A new identity for any token."""
        return Identity(str(uuid.uuid4()))

    async def revoke(self, token: str) -> None:
        """Take notice; the token stays as good as any other text."""
        _logger.debug("shallow security revokes nothing")

    async def tfa_setup(self, user: str) -> tuple[str, bytes]:
        """Refuse; there is no second factor.

        Raises:
            PermissionDeniedError: Always.
        """
        raise _not_offered("two-factor log-in", user)

    async def tfa_verify(self, user: str, code: str, pending: str) -> AuthResult:
        """Refuse; there is no second factor.

        Raises:
            PermissionDeniedError: Always.
        """
        raise _not_offered("two-factor log-in", user)

    async def captcha(self) -> tuple[str, bytes]:
        """Refuse; nobody can register.

        Raises:
            PermissionDeniedError: Always.
        """
        raise _not_offered("registration", "anybody")

    async def register(self, user: str, password: str, captcha: str) -> None:
        """Refuse; everybody is known already.

        Raises:
            PermissionDeniedError: Always.
        """
        raise _not_offered("registration", user)

    async def request_password_reset(self, user: str, captcha: str, base_url: str) -> None:
        """Refuse; there are no passwords.

        Raises:
            PermissionDeniedError: Always.
        """
        raise _not_offered("password reset", user)

    async def reset_password(self, user: str, token: str, password: str) -> None:
        """Refuse; there are no passwords.

        Raises:
            PermissionDeniedError: Always.
        """
        raise _not_offered("password reset", user)

    async def authorize(
        self, identity: str, action: Action, service: ServiceKey, elements: Elements
    ) -> None:
        """Allow everything."""
        _logger.debug("allowing %s on %s to %r (%d)", action.name, service, identity, len(elements))

    async def allowed_actions(self, identity: str) -> dict[str, frozenset[Action]]:
        """All actions on all types."""
        return {"*": _CRUD}

    def scope_item(self, identity: str, item: object) -> object | None:
        """The item as it is."""
        return item

    def scope_view(self, identity: str, elements: Elements) -> Elements:
        """The answer as it is."""
        return elements

    async def credential(self, set_id: str, key: str) -> Credential:
        """Credential of a simulated device.

        Raises:
            NotFoundError: Any other than ``("sim", "ssh")`` and ``("sim", "snmp")``.
        """
        try:
            return _CREDENTIALS[set_id, key]
        except KeyError:
            known = ", ".join(f"{one}/{other}" for one, other in sorted(_CREDENTIALS))
            raise NotFoundError(
                f"shallow security has no credential {set_id}/{key}, only {known}"
            ) from None

    def system_config(self) -> L8SysConfig:
        """Configuration message with the settings of the node."""
        settings = self._settings
        return L8SysConfig(
            max_data_size=settings.max_frame_bytes,
            local_uuid=settings.uuid,
            local_alias=settings.alias,
            vnet_port=settings.port,
            keep_alive_interval_seconds=round(settings.keep_alive),
        )


def _not_offered(what: str, user: str) -> PermissionDeniedError:
    return PermissionDeniedError(
        f"shallow security offers no {what} to {user!r}, use a real security provider"
    )


def create_shallow_security(resources: Resources) -> ShallowSecurity:
    """Entry point ``layer8.security`` named ``shallow``; taken only when the settings name it."""
    return ShallowSecurity(resources.settings)
