# SPDX-License-Identifier: Apache-2.0
"""REST: one route for all services of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from l8types.enums import Action, AuthStatus, MulticastMode, SerializerMode
from l8types.errors import AuthenticationError, InvalidInputError
from l8types.values import ServiceKey
from l8web._bodies import decode_items, encode_answer, read_body

if TYPE_CHECKING:
    from starlette.requests import Request

    from l8types.protocols.net import VNic
    from l8types.values import AuthResult
    from l8web._exposed import ExposedServices
    from l8web._session import Sessions
    from l8web._settings import WebSettings

__all__ = ["RestApi"]

_ACTIONS: Final = {
    "GET": Action.GET,
    "POST": Action.POST,
    "PUT": Action.PUT,
    "PATCH": Action.PATCH,
    "DELETE": Action.DELETE,
}


class _Login(msgspec.Struct):
    user: str
    password: str = msgspec.field(name="pass")


class RestApi:
    """Routes of the API; what a request may do is decided by the services it reaches."""

    def __init__(
        self, vnic: VNic, exposed: ExposedServices, sessions: Sessions, settings: WebSettings
    ) -> None:
        self._vnic = vnic
        self._exposed = exposed
        self._sessions = sessions
        self._settings = settings
        self._json = vnic.resources.serializer(SerializerMode.JSON)

    def routes(self) -> list[Route]:
        """Routes in order of matching."""
        prefix = self._settings.prefix
        return [
            Route("/auth", self._log_in, methods=["POST"]),
            Route("/logout", self._log_out, methods=["POST"]),
            Route("/metrics", self._metrics, methods=["GET"]),
            Route(f"{prefix}health", self._health, methods=["GET"]),
            Route(f"{prefix}services", self._services, methods=["GET"]),
            Route(f"{prefix}permissions", self._permissions, methods=["GET"]),
            Route(f"{prefix}{{area:int}}/{{name}}", self._service, methods=list(_ACTIONS)),
        ]

    async def _service(self, request: Request) -> Response:
        identity = await self._sessions.identity(request)
        area = int(request.path_params["area"])
        key = ServiceKey(str(request.path_params["name"]), area)
        action = _ACTIONS["GET" if request.method == "HEAD" else request.method]
        answer = await self._vnic.request(
            MulticastMode.PROXIMITY,
            key.name,
            key.area,
            action,
            await self._payload(request, key, action),
            timeout=self._settings.request_timeout,
            identity=identity.id,
        )
        return Response(encode_answer(answer, self._json), media_type="application/json")

    async def _payload(self, request: Request, key: ServiceKey, action: Action) -> object:
        models = self._exposed.models(key, action)
        by_query = action in (Action.GET, Action.DELETE)
        if by_query and (query := request.query_params.get("query")):
            return query
        if by_query and (text := request.query_params.get("body")):
            return decode_items(text.encode(), models, self._json)
        body = await read_body(request, self._settings.max_body_bytes)
        if by_query and not body.strip():
            raise InvalidInputError(
                f"{action.name} needs a query (?query=…) or an example item as body"
            )
        return decode_items(body, models, self._json)

    async def _log_in(self, request: Request) -> Response:
        body = await read_body(request, 4096)
        try:
            login = msgspec.json.decode(body, type=_Login)
        except msgspec.DecodeError as error:
            raise InvalidInputError(f'log in with {{"user": "…", "pass": "…"}}: {error}') from error
        security = self._vnic.resources.security
        result = await security.authenticate(login.user, login.password)
        response = JSONResponse(_login_answer(result))
        if result.token:
            self._sessions.remember(request, response, result.token)
        return response

    async def _log_out(self, request: Request) -> Response:
        await self._sessions.close(request)
        return JSONResponse({})

    async def _health(self, request: Request) -> Response:
        await self._sessions.identity(request)
        nodes = [
            {
                "uuid": node.uuid,
                "alias": node.alias,
                "state": node.state.name.lower(),
                "switch": node.is_switch,
                "started": node.started,
                "services": sorted(f"{key.area}/{key.name}" for key in node.services),
            }
            for node in self._vnic.directory.nodes()
        ]
        return JSONResponse({"list": nodes})

    async def _services(self, request: Request) -> Response:
        await self._sessions.identity(request)
        services = [
            {
                "path": f"{self._settings.prefix}{key.area}/{key.name}",
                "endpoints": [
                    {"action": e.action.name, "request": e.request, "response": e.response}
                    for e in self._exposed.endpoints(key)
                ],
            }
            for key in self._exposed
        ]
        return JSONResponse({"list": services})

    async def _permissions(self, request: Request) -> Response:
        identity = await self._sessions.identity(request)
        allowed = await self._vnic.resources.security.allowed_actions(identity.id)
        return JSONResponse({name: sorted(actions) for name, actions in sorted(allowed.items())})

    async def _metrics(self, request: Request) -> Response:
        await self._sessions.identity(request)
        return Response(self._vnic.resources.metrics.render(), media_type="text/plain")


def _login_answer(result: AuthResult) -> dict[str, object]:
    """The answer of a log-in, without a token where a second step is needed.

    Raises:
        AuthenticationError: Refused; with the provider's reason.
    """
    if result.status is AuthStatus.REFUSED:
        raise AuthenticationError(result.reason or "wrong user or password")
    return {
        "token": result.token,
        "pending": result.pending,
        "portal": result.portal,
        "needTfa": result.status is AuthStatus.NEEDS_TFA,
        "setupTfa": result.status is AuthStatus.SETUP_TFA,
        "mustChangePassword": result.status is AuthStatus.MUST_CHANGE_PASSWORD,
    }
