# SPDX-License-Identifier: Apache-2.0
"""Bearer tokens: signed, short-lived, revocable."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

import jwt

from l8secure._files import JsonFile
from l8types.errors import AuthenticationError

if TYPE_CHECKING:
    from pathlib import Path

    from l8types.protocols.runtime import Clock

__all__ = ["TokenIssuer"]

_ALGORITHM: Final = "HS256"


class TokenIssuer:
    """Issues and checks tokens (JWT, RFC 7519) signed with a key that only the nodes have.

    Args:
        key: Signing key, 32 bytes.
        revoked: File with the ids of revoked tokens until they expire.
        clock: Time.
        lifetime: Seconds a token is valid.
    """

    def __init__(self, key: bytes, revoked: Path, clock: Clock, *, lifetime: float = 3600) -> None:
        self._key = key
        self._revoked = JsonFile(revoked, dict[str, float], {})
        self._clock = clock
        self._lifetime = lifetime

    def issue(self, account_id: str) -> str:
        """Token of an account."""
        now = self._clock.now()
        claims = {
            "sub": account_id,
            "jti": uuid.uuid4().hex,
            "iat": now,
            "exp": now + self._lifetime,
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def check(self, token: str) -> str:
        """Account id of a valid token.

        Raises:
            AuthenticationError: Not ours, expired or revoked.
        """
        claims = self._claims(token)
        if float(claims["exp"]) <= self._clock.now():
            raise AuthenticationError("the token has expired; log in again")
        if claims["jti"] in self._revoked.load():
            raise AuthenticationError("the token was revoked; log in again")
        return str(claims["sub"])

    def revoke(self, token: str) -> None:
        """Make a token invalid; a token that is not ours is ignored."""
        try:
            claims = self._claims(token)
        except AuthenticationError:
            return
        now = self._clock.now()
        kept = {jti: exp for jti, exp in self._revoked.load().items() if exp > now}
        self._revoked.save(kept | {str(claims["jti"]): float(claims["exp"])})

    def _claims(self, token: str) -> dict[str, str | float]:
        try:
            # The clock of the node decides about expiry, so that tests can turn it.
            return jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                options={
                    "verify_exp": False,
                    "verify_iat": False,
                    "require": ["sub", "jti", "exp"],
                },
            )
        except jwt.InvalidTokenError as error:
            raise AuthenticationError("the token is not valid; log in again") from error
