# SPDX-License-Identifier: Apache-2.0
"""The ASGI application of a gateway."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from l8types.errors import L8Error, NotFoundError, RemoteError
from l8web._errors import error_response
from l8web._pages import Pages
from l8web._rest import RestApi
from l8web._session import Sessions

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from l8types.protocols.net import VNic
    from l8web._exposed import ExposedServices
    from l8web._settings import WebSettings

__all__ = ["create_app"]

_LOGGER = logging.getLogger(__name__)

_HEADERS = (
    # Pages have no script at all, so nothing that gets into them can run.
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


def create_app(vnic: VNic, exposed: ExposedServices, settings: WebSettings) -> Starlette:
    """Application that serves the API and the pages.

    Args:
        vnic: Interface through which services are called.
        exposed: Services to serve; may change while the application runs.
        settings: What requests may do.
    """
    sessions = Sessions(vnic.resources.security, lifetime=settings.token_lifetime)
    api = RestApi(vnic, exposed, sessions, settings)
    pages = Pages(vnic, exposed, sessions, settings)
    app = Starlette(
        routes=[*api.routes(), *pages.routes()],
        exception_handlers={
            L8Error: _known_error,
            HTTPException: _http_error,
            Exception: _unknown_error,
        },
    )
    app.add_middleware(_SecurityHeaders)
    return app


async def _known_error(_: Request, error: Exception) -> Response:
    return error_response(cast("L8Error", error))


async def _http_error(request: Request, error: Exception) -> Response:
    """Unknown paths and methods, in the form of all other errors."""
    known = cast("HTTPException", error)
    if known.status_code == 404:
        return error_response(NotFoundError(f"nothing at {request.url.path}"))
    body = {"error": "invalid-input", "message": f"{request.method}: {known.detail.lower()}"}
    return JSONResponse(body, known.status_code, dict(known.headers or {}))


async def _unknown_error(request: Request, error: Exception) -> Response:
    """A fault of ours: the reason goes to the log, not to the caller."""
    _LOGGER.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return error_response(RemoteError("the gateway failed; see its log"))


class _SecurityHeaders:
    """Adds the same headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers)
