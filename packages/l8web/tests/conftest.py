# SPDX-License-Identifier: Apache-2.0
"""A gateway's application without a socket, and a client for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from l8web import ExposedServices, WebSettings, create_app

from .fakes import BOOKS, ENDPOINTS, Network

if TYPE_CHECKING:
    from starlette.applications import Starlette


@pytest.fixture
def network() -> Network:
    """A network with one service."""
    return Network()


@pytest.fixture
def app(network: Network) -> Starlette:
    """The application, with the books exposed."""
    exposed = ExposedServices(network.resources.registry)
    exposed.add(BOOKS, ENDPOINTS)
    return create_app(cast("Any", network), exposed, WebSettings(max_body_bytes=1000))


def client(app: Starlette, token: str = "") -> httpx.AsyncClient:
    """A client that comes without or with a bearer token."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers)
