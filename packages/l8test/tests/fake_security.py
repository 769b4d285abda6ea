# SPDX-License-Identifier: Apache-2.0
"""The smallest security provider that keeps its promises; it protects nothing."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

from l8test.conformance import Account
from l8types.enums import Action, AuthStatus
from l8types.errors import (
    AuthenticationError,
    DecodeError,
    NotFoundError,
    PermissionDeniedError,
)
from l8types.pb import L8SysConfig
from l8types.values import AuthResult, Credential, Identity, ServiceKey

VERA = Account("vera", "correct horse", "id-of-vera")


class FakeSecurity:
    """Knows one user."""

    def __init__(self) -> None:
        self.numbers = itertools.count()
        self.valid: set[str] = set()
        self.config = L8SysConfig(vnet_port=10)

    def encrypt(self, data: bytes) -> bytes:
        salted = next(self.numbers).to_bytes(4, "big") + bytes(byte ^ 0x55 for byte in data)
        return hashlib.sha256(salted).digest() + salted

    def decrypt(self, data: bytes) -> bytes:
        digest, salted = data[:32], data[32:]
        if len(salted) < 4 or hashlib.sha256(salted).digest() != digest:
            raise DecodeError("damaged")
        return bytes(byte ^ 0x55 for byte in salted[4:])

    def network_secret(self) -> bytes:
        return b"no secret at all"

    async def authenticate(self, user: str, password: str) -> AuthResult:
        if (user, password) != (VERA.user, VERA.password):
            return AuthResult(AuthStatus.REFUSED, reason="wrong user or password")
        token = f"token-{next(self.numbers)}-end"
        self.valid.add(token)
        return AuthResult(AuthStatus.OK, token=token)

    async def validate(self, token: str) -> Identity:
        if token not in self.valid:
            raise AuthenticationError("no such token")
        return Identity(VERA.identity)

    async def revoke(self, token: str) -> None:
        self.valid.discard(token)

    async def authorize(
        self, identity: str, action: Action, service: ServiceKey, elements: object
    ) -> None:
        if identity != VERA.identity or action is not Action.GET:
            raise PermissionDeniedError(f"{identity} may not {action.name} on {service.name}")

    async def allowed_actions(self, identity: str) -> dict[str, frozenset[Action]]:
        return {"*": frozenset({Action.GET})} if identity == VERA.identity else {}

    async def credential(self, set_id: str, key: str) -> Credential:
        raise NotFoundError(f"no credential {set_id}/{key}")

    def system_config(self) -> L8SysConfig:
        found = L8SysConfig()
        found.CopyFrom(self.config)
        return found


def fixtures_of(make: Any) -> dict[str, Any]:
    """Fixtures of the suite: one provider in all its roles."""
    provider = make()
    roles = ("security", "cipher", "authenticator", "authorizer")
    return {
        **{role: lambda: provider for role in roles},
        "account": lambda: VERA,
        "content": lambda: None,
    }
