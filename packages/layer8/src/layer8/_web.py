# SPDX-License-Identifier: Apache-2.0
"""Web descriptions of services that keep items of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.enums import Action
from l8types.pb import L8Query
from l8utils import WebServiceDefinition

if TYPE_CHECKING:
    from l8types.values import ServiceKey

__all__ = ["web_of"]


def web_of(key: ServiceKey, model: type, *, read_only: bool = False) -> WebServiceDefinition:
    """The five verbs on items of a model.

    Args:
        key: The service.
        model: Model of the items; a body is one item or a list of them.
        read_only: Offer GET alone.
    """
    web = WebServiceDefinition(key)
    for action in (Action.GET,) if read_only else (Action.GET, Action.DELETE):
        web = web.with_endpoint(action, model, model).with_endpoint(action, L8Query, model)
    if not read_only:
        for action in (Action.POST, Action.PUT, Action.PATCH):
            web = web.with_endpoint(action, model)
    return web
