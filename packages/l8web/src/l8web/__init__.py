# SPDX-License-Identifier: Apache-2.0
"""REST gateway to the services of a network, its pages, and a client.

Services know nothing of HTTP: they announce which bodies they accept, and the gateway turns
requests into calls over the network under the identity of whoever logged in.
"""

from __future__ import annotations

from l8web._app import create_app
from l8web._client import RestClient
from l8web._errors import BodyTooLargeError, status_of
from l8web._exposed import ExposedServices
from l8web._gateway import Gateway, GatewayFactory, create_web
from l8web._settings import WebSettings

__all__ = [
    "BodyTooLargeError",
    "ExposedServices",
    "Gateway",
    "GatewayFactory",
    "RestClient",
    "WebSettings",
    "create_app",
    "create_web",
    "status_of",
]
