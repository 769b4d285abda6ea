# SPDX-License-Identifier: Apache-2.0
"""Client of a gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

import httpx
import msgspec

from l8types.errors import DecodeError, RequestTimeoutError, UnavailableError
from l8web._errors import error_from

if TYPE_CHECKING:
    from types import TracebackType

    from l8types.protocols.models import Serializer

__all__ = ["RestClient"]

T = TypeVar("T")


class _Answer(msgspec.Struct):
    items: list[msgspec.Raw] = msgspec.field(default_factory=list, name="list")


class _Token(msgspec.Struct):
    token: str = ""


class RestClient:
    """Calls services through a gateway; an async context manager.

    Args:
        url: Base URL of the gateway.
        serializer: JSON serializer of the models.
        prefix: Path of the services.
        timeout: Seconds for one request.
        transport: How requests travel; by default over the network.
    """

    def __init__(
        self,
        url: str,
        serializer: Serializer,
        *,
        prefix: str = "/api/",
        timeout: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=timeout, transport=transport)
        self._json = serializer
        self._prefix = prefix

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def login(self, user: str, password: str) -> None:
        """Log in; later calls carry the token.

        Raises:
            AuthenticationError: Refused.
        """
        body = msgspec.json.encode({"user": user, "pass": password})
        token = msgspec.json.decode(await self._send("POST", "/auth", body), type=_Token).token
        # The header alone speaks for us, or a later log-in would meet the cookie of this one.
        self._http.cookies.clear()
        self._http.headers["Authorization"] = f"Bearer {token}"

    async def get(self, service: str, query: str, model: type[T], *, area: int = 0) -> list[T]:
        """Items that answer a query.

        Raises:
            QueryError: The query cannot be understood.
            PermissionDeniedError: The user may not ask this.
            NotFoundError: No such service on the web.
        """
        path = f"{self._prefix}{area}/{service}"
        content = await self._send("GET", path, params={"query": query})
        try:
            raws = msgspec.json.decode(content, type=_Answer).items
        except msgspec.DecodeError as error:
            raise DecodeError(f"the answer of the gateway is no list: {error}") from error
        return [self._json.unmarshal(bytes(raw), model) for raw in raws]

    async def post(self, service: str, *items: object, area: int = 0) -> None:
        """Add items."""
        await self._write("POST", service, area, items)

    async def put(self, service: str, *items: object, area: int = 0) -> None:
        """Replace items."""
        await self._write("PUT", service, area, items)

    async def patch(self, service: str, *items: object, area: int = 0) -> None:
        """Merge what is present in the items."""
        await self._write("PATCH", service, area, items)

    async def delete(self, service: str, query: str, *, area: int = 0) -> None:
        """Remove the matches of a query."""
        await self._send("DELETE", f"{self._prefix}{area}/{service}", params={"query": query})

    async def _write(self, method: str, service: str, area: int, items: tuple[object, ...]) -> None:
        body = b"[" + b",".join(self._json.marshal(item) for item in items) + b"]"
        await self._send(method, f"{self._prefix}{area}/{service}", body)

    async def _send(
        self, method: str, path: str, body: bytes = b"", params: dict[str, str] | None = None
    ) -> bytes:
        try:
            response = await self._http.request(method, path, content=body, params=params)
        except httpx.TimeoutException as error:
            raise RequestTimeoutError(f"no answer to {method} {path} in time") from error
        except httpx.TransportError as error:
            raise UnavailableError(
                f"the gateway at {self._http.base_url} cannot be reached: {error}"
            ) from error
        if response.is_error:
            raise error_from(response.status_code, response.content)
        return response.content
