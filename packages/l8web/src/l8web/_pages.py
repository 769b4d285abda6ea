# SPDX-License-Identifier: Apache-2.0
"""Small pages for people, rendered here, without scripts."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from l8types.enums import Action, AuthStatus, MulticastMode, SerializerMode
from l8types.errors import AuthenticationError, L8Error, NotFoundError
from l8web._bodies import read_body
from l8web._errors import status_of
from l8web._session import COOKIE, check_origin
from l8web._table import table_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.values import Identity, ServiceKey
    from l8web._exposed import ExposedServices
    from l8web._session import Sessions
    from l8web._settings import WebSettings

__all__ = ["Pages"]


class Pages:
    """Log-in, overview, and a box for queries."""

    def __init__(
        self, vnic: VNic, exposed: ExposedServices, sessions: Sessions, settings: WebSettings
    ) -> None:
        self._vnic = vnic
        self._exposed = exposed
        self._sessions = sessions
        self._settings = settings
        self._json = vnic.resources.serializer(SerializerMode.JSON)
        self._templates = Environment(
            loader=PackageLoader("l8web"), autoescape=True, undefined=StrictUndefined
        )
        self._style = files("l8web").joinpath("templates", "style.css").read_bytes()

    def routes(self) -> list[Route]:
        """Routes of the pages."""
        return [
            Route("/", self._overview, methods=["GET"]),
            Route("/login", self._log_in, methods=["POST"]),
            Route("/leave", self._leave, methods=["POST"]),
            Route("/style.css", self._stylesheet, methods=["GET"]),
        ]

    async def _overview(self, request: Request) -> Response:
        try:
            identity = await self._sessions.identity(request)
        except AuthenticationError:
            return self._page("login.html", message="")
        query = request.query_params.get("query", "")
        columns: list[str] = []
        rows: list[list[str]] = []
        message, status = "", 200
        if query:
            try:
                columns, rows = self._table(await self._ask(query, identity))
            except L8Error as error:
                message, status = error.message, status_of(error)
        return self._page(
            "overview.html",
            status,
            user=identity.user,
            nodes=self._vnic.directory.nodes(),
            services=[
                (key, self._settings.prefix, self._exposed.endpoints(key)) for key in self._exposed
            ],
            query=query,
            columns=columns,
            rows=rows,
            message=message,
        )

    async def _ask(self, query: str, identity: Identity) -> Elements:
        model = self._vnic.resources.queries.parse(query).root.type_name
        key = self._service_of(model)
        return await self._vnic.request(
            MulticastMode.PROXIMITY,
            key.name,
            key.area,
            Action.GET,
            query,
            timeout=self._settings.request_timeout,
            identity=identity.id,
        )

    def _service_of(self, model: str) -> ServiceKey:
        exposed = set(self._exposed)
        for key in self._vnic.directory.services_of_model(model):
            if key in exposed:
                return key
        raise NotFoundError(f"no service on the web holds {model}")

    def _table(self, answer: Elements) -> tuple[list[str], list[list[str]]]:
        """Columns and cells of an answer."""
        return table_of(
            [
                msgspec.json.decode(self._json.marshal(value), type=dict[str, object])
                for value in answer.values
                if value is not None
            ]
        )

    async def _log_in(self, request: Request) -> Response:
        check_origin(request)
        form = parse_qs((await read_body(request, 4096)).decode(errors="replace"))
        user, password = (form.get(name, [""])[0] for name in ("user", "pass"))
        result = await self._vnic.resources.security.authenticate(user, password)
        if result.status is not AuthStatus.OK:
            reason = (
                result.reason or "this account needs a second step that this page does not have"
            )
            return self._page("login.html", 401, message=reason)
        response = RedirectResponse("/", status_code=303)
        self._sessions.remember(request, response, result.token)
        return response

    async def _leave(self, request: Request) -> Response:
        check_origin(request)
        await self._sessions.close(request)
        response = RedirectResponse("/", status_code=303)
        response.delete_cookie(COOKIE)
        return response

    async def _stylesheet(self, request: Request) -> Response:
        return Response(self._style, media_type="text/css")

    def _page(self, template: str, status: int = 200, **values: object) -> Response:
        return HTMLResponse(self._templates.get_template(template).render(values), status)
