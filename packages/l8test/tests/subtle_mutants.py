# SPDX-License-Identifier: Apache-2.0
"""Mutants whose fault is a small one, as an author may make it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from l8test.conformance import (
    ActivationConformance,
    DispatcherConformance,
    SecurityConformance,
    VNicConformance,
)
from l8types.enums import Action
from l8types.errors import L8Error, NotFoundError, RemoteError
from l8types.frozen import replace
from l8types.values import Identity, ServiceKey

from .fake_network import VERBS, FakeServices, FakeVNic
from .fake_security import VERA, FakeSecurity
from .test_runtime_suites import nodes, pairs, providers

if TYPE_CHECKING:
    from l8types.protocols.services import Call

    from .harness import Fixtures


async def by_name(self: FakeSecurity, token: str) -> Identity:
    """An identity that is the name of the log-in, which may change."""
    await VALIDATE(self, token)
    return Identity(VERA.user)


VALIDATE = FakeSecurity.validate


async def look_for_all(self: FakeSecurity, identity: str) -> dict[str, frozenset[Action]]:
    """A list in which everybody may look."""
    return {"*": frozenset({Action.GET})}


async def all_actions(self: FakeSecurity, identity: str) -> dict[str, frozenset[Action]]:
    """A list that has what nodes do among each other, too."""
    found = await ALLOWED(self, identity)
    return {name: actions | {Action.NOTIFY} for name, actions in found.items()}


ALLOWED = FakeSecurity.allowed_actions


async def prototype(self: FakeServices, sla: Any, vnic: Any) -> Any:
    """An activation that gives a twin of what it runs."""
    return copy.copy(await ACTIVATE(self, sla, vnic))


ACTIVATE = FakeServices.activate


async def stop_twice(self: FakeServices, key: ServiceKey) -> None:
    """A deactivation that makes sure."""
    handler = self.handler(key)
    await DEACTIVATE(self, key)
    await handler.deactivate()


DEACTIVATE = FakeServices.deactivate


async def nothing_found(self: FakeServices, key: ServiceKey, *rest: Any, **more: Any) -> Any:
    """A call for which a service that is not there has nothing to say."""
    try:
        return await CALL(self, key, *rest, **more)
    except NotFoundError:
        return rest[1]


async def wrapped(self: FakeServices, *arguments: Any, **more: Any) -> Any:
    """A call whose errors are those of the manager."""
    try:
        return await CALL(self, *arguments, **more)
    except L8Error as error:
        raise RemoteError(f"the service said: {error}") from error


CALL = FakeServices.call


async def trusting(self: FakeServices, call: Call, elements: Any) -> Any:
    """A dispatch that takes its handlers for free of faults."""
    handler = self.handler(call.key)
    if handler is None:
        raise NotFoundError(f"{call.key} is not active")
    if call.message is not None and call.message.failure:
        return await handler.failed(elements, call)
    verb = "notify" if call.action is Action.NOTIFY else VERBS[call.action]
    return await getattr(handler, verb)(elements, call)


async def as_post(self: FakeServices, call: Call, elements: Any) -> Any:
    """A dispatch for which a notification is an item as others are."""
    if call.action is Action.NOTIFY:
        call = replace(call, action=Action.POST)
    return await RUN(self, call, elements)


async def from_nowhere(self: FakeServices, call: Call, elements: Any) -> Any:
    """A dispatch that does not tell who asked."""
    return await RUN(self, replace(call, source=""), elements)


RUN = FakeServices.run


def here(self: FakeVNic, target: Any, key: ServiceKey) -> list[str]:
    """Receivers; what nobody offers is asked for here."""
    return TARGETS(self, target, key) or [self.uuid]


TARGETS = FakeVNic.targets


def as_text(self: FakeVNic, payload: Any) -> Any:
    """A container for anything, which travels as its text when it cannot as it is."""
    container = CONTAINER(self, payload)
    try:
        container.encode()
    except L8Error:
        return CONTAINER(self, [str(payload)])
    return container


CONTAINER = FakeVNic.container


async def in_area_0(self: FakeVNic, service: ServiceKey, *, model: str = "") -> None:
    """An announcement of the name alone."""
    await ANNOUNCE(self, ServiceKey(service.name), model=model)


ANNOUNCE = FakeVNic.announce


def as_if_new(self: FakeVNic, service: str, area: int = 0, **_: Any) -> Any:
    """Verbs of which one was copied from another and not adapted."""
    api = API(self, service, area)
    api.put = api.post  # type: ignore[method-assign]
    return api


API = FakeVNic.api

MUTANTS: list[tuple[type, Fixtures, str]] = [
    (SecurityConformance, providers(validate=by_name), "test_log_in"),
    (SecurityConformance, providers(allowed_actions=look_for_all), "test_stranger"),
    (SecurityConformance, providers(allowed_actions=all_actions), "test_allowed_actions"),
    (ActivationConformance, nodes(activate=prototype), "test_activate"),
    (ActivationConformance, nodes(deactivate=stop_twice), "test_deactivate"),
    (DispatcherConformance, nodes(call=nothing_found), "test_call_of_unknown_service"),
    (DispatcherConformance, nodes(call=wrapped), "test_call_that_fails"),
    (DispatcherConformance, nodes(run=trusting), "test_fault_of_a_service"),
    (DispatcherConformance, nodes(run=as_post), "test_notification"),
    (DispatcherConformance, nodes(run=from_nowhere), "test_request"),
    (VNicConformance, pairs(targets=here), "test_unknown_service"),
    (VNicConformance, pairs(container=as_text), "test_bad_payload"),
    (VNicConformance, pairs(announce=in_area_0), "test_service"),
    (VNicConformance, pairs(api=as_if_new), "test_verbs"),
]
