# SPDX-License-Identifier: Apache-2.0
"""The smallest security provider that keeps its promises; it protects nothing."""

from __future__ import annotations

import hashlib
import itertools
import ssl
from typing import Any

from l8test.conformance import Account, KnownCredential, Peer, ScopeCase
from l8types.enums import Action, AuthStatus
from l8types.errors import (
    AuthenticationError,
    DecodeError,
    NotFoundError,
    PermissionDeniedError,
)
from l8types.pb import L8SysConfig
from l8types.values import AuthResult, Credential, Identity, ServiceKey

from .fake_wire import FakeCodec, FakeElementsFactory

VERA = Account("vera", "correct horse", "id-of-vera")
SNMP = KnownCredential("lab", "snmp", Credential("reader", "a community", port=161))
BLOCKED = [Peer("id-1", "the guest"), Peer("id-2", "the other guest")]
CASE = ScopeCase(VERA.identity, ["a", "b"], ["secret of another"])
FACTORY = FakeElementsFactory(FakeCodec())


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

    def tls(self, *, server_side: bool) -> ssl.SSLContext | None:
        kind = ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT
        context = ssl.SSLContext(kind)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    async def admit(self, uuid: str, alias: str, address: str) -> None:
        if uuid in {peer.uuid for peer in BLOCKED}:
            raise PermissionDeniedError(f"{alias} may not join")

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

    def scope_item(self, identity: str, item: object) -> object | None:
        return None if str(item).startswith("secret") else item

    def scope_view(self, identity: str, elements: Any) -> Any:
        seen = [self.scope_item(identity, value) for value in elements.values]
        return FACTORY.of(*(item for item in seen if item is not None))

    async def credential(self, set_id: str, key: str) -> Credential:
        if (set_id, key) != (SNMP.set_id, SNMP.key):
            raise NotFoundError(f"no credential {set_id}/{key}")
        return SNMP.credential

    async def not_offered(self, *_: str) -> Any:
        raise PermissionDeniedError("this provider does not offer it")

    tfa_setup = tfa_verify = captcha = register = not_offered
    request_password_reset = reset_password = not_offered

    def system_config(self) -> L8SysConfig:
        found = L8SysConfig()
        found.CopyFrom(self.config)
        return found


def fixtures_of(make: Any) -> dict[str, Any]:
    """Fixtures of the suite: one provider in all its roles."""
    provider = make()
    roles = (
        "security", "cipher", "guard", "authenticator", "authorizer", "scope", "credentials",
        "config",
    )  # fmt: skip
    return {
        **{role: lambda: provider for role in roles},
        "account": lambda: VERA,
        "content": lambda: None,
        "secrets": lambda: [provider.network_secret() or b"none"],
        "blocked": lambda: BLOCKED,
        "known": lambda: SNMP,
        "scope_case": lambda: CASE,
        "containers": lambda: FACTORY,
    }
