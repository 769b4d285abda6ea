# SPDX-License-Identifier: Apache-2.0
"""Who sends a request: bearer token or cookie, and where a browser's request comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from l8types.errors import AuthenticationError, PermissionDeniedError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from l8types.protocols.security import SecurityProvider
    from l8types.values import Identity

__all__ = ["COOKIE", "Sessions"]

COOKIE: Final = "layer8-token"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})


class Sessions:
    """Finds the caller of a request and keeps browsers logged in."""

    def __init__(self, security: SecurityProvider, *, lifetime: int) -> None:
        self._security = security
        self._lifetime = lifetime

    async def identity(self, request: Request) -> Identity:
        """The caller.

        Raises:
            AuthenticationError: No token, or one that is not valid.
            PermissionDeniedError: A browser was made to send this by a page of another site.
        """
        token, from_cookie = _token(request)
        if not token:
            raise AuthenticationError("log in first: no bearer token in the request")
        if from_cookie and request.method not in _SAFE_METHODS:
            check_origin(request)
        return await self._security.validate(token)

    async def close(self, request: Request) -> None:
        """Revoke the token of a request, if it has one."""
        token, _ = _token(request)
        if token:
            await self._security.revoke(token)

    def remember(self, request: Request, response: Response, token: str) -> None:
        """Keep a browser logged in by a cookie that scripts and other sites cannot use."""
        response.set_cookie(
            COOKIE,
            token,
            max_age=self._lifetime,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )


def check_origin(request: Request) -> None:
    """Refuse what a page of another site makes a browser send.

    Raises:
        PermissionDeniedError: The ``Origin`` of the request is not this gateway.
    """
    origin = request.headers.get("origin")
    if origin is not None and origin != f"{request.url.scheme}://{request.url.netloc}":
        raise PermissionDeniedError(f"request from another site: {origin!r}")


def _token(request: Request) -> tuple[str, bool]:
    """Token of a request and whether it came as a cookie; the header wins."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip(), False
    return request.cookies.get(COOKIE, ""), True
