# SPDX-License-Identifier: Apache-2.0
"""The way of one call: authorization, the verb of the handler, what the caller may see."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Final, cast

from l8services._live.frames import asks_live
from l8services._mapreduce import asks_all, map_reduce, plain_call
from l8types.enums import Action
from l8types.errors import InvalidInputError, L8Error, RemoteError

if TYPE_CHECKING:
    from l8services._entry import ServiceEntry
    from l8types.protocols.data import Elements
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import Call, ServiceHandler, StreamingService

__all__ = ["VERBS", "run", "run_parts"]

_log = logging.getLogger(__name__)

VERBS: Final = {
    Action.POST: "post",
    Action.PUT: "put",
    Action.PATCH: "patch",
    Action.DELETE: "delete",
    Action.GET: "get",
}
"""Methods of a handler by the actions that they answer."""


async def run(
    entry: ServiceEntry, elements: Elements, call: Call, resources: Resources
) -> Elements:
    """Authorize and make a call, and filter its answer.

    Raises:
        PermissionDeniedError: The caller may not do this.
        InvalidInputError: The action is none of a service.
        RemoteError: The handler failed unexpectedly; the log has the reason.
        L8Error: What the handler raised.
    """
    now = resources.clock.monotonic
    begun, code = now(), ""
    verb = VERBS.get(call.action)
    entry.begin()
    try:
        if verb is None or verb == "get" or entry.transactions is not None:
            answer = await _run_unusual(entry, elements, call, resources)
        else:
            # The usual write, a frame less deep.
            await resources.security.authorize(call.identity, call.action, call.key, elements)
            answer = await getattr(entry.handler, verb)(elements, call)
        return _visible(answer, call, resources)
    except L8Error as error:
        code = error.code
        raise
    except asyncio.CancelledError:
        code = "cancelled"
        raise
    except Exception as error:
        code = RemoteError.code
        raise _failure(call) from error
    finally:
        entry.end()
        entry.meter.ended(call.action, now() - begun, code)


async def _run_unusual(
    entry: ServiceEntry, elements: Elements, call: Call, resources: Resources
) -> Elements:
    plain = plain_call(call)
    await resources.security.authorize(call.identity, plain.action, call.key, elements)
    handler = entry.handler
    if plain is not call or asks_all(handler, elements, call, resources):
        return await map_reduce(
            handler,
            elements,
            plain,
            resources,
            lambda part: _answer(entry, handler, part, plain, resources),
        )
    return await _answer(entry, handler, elements, call, resources)


async def run_parts(
    entry: ServiceEntry, elements: Elements, call: Call, resources: Resources
) -> AsyncGenerator[Elements, None]:
    """Authorize a query and give the parts of its answer, filtered, as they are asked for.

    A handler that is no ``StreamingService`` answers in one part. What the handler makes the parts
    of is closed as soon as nobody wants more of them.

    Raises:
        PermissionDeniedError: The caller may not do this.
        RemoteError: The handler failed unexpectedly; the log has the reason.
        L8Error: What the handler raised; the parts before that were given.
    """
    entry.begin()
    try:
        await resources.security.authorize(call.identity, call.action, call.key, elements)
        # A transactional service answers as one, but a live answer is that of this instance.
        plain = entry.transactions is not None and not asks_live(elements)
        handler = entry.handler
        if plain or not callable(getattr(handler, "stream", None)):
            answer = await _answer(entry, handler, elements, call, resources)
            yield _visible(answer, call, resources)
            return
        parts = cast("StreamingService", handler).stream(elements, call)
        try:
            async for part in parts:
                yield _visible(part, call, resources)
        finally:
            if isinstance(parts, AsyncGenerator):
                await parts.aclose()
    except L8Error:
        raise
    except Exception as error:
        raise _failure(call) from error
    finally:
        entry.end()


def _failure(call: Call) -> RemoteError:
    """The outermost boundary of a call. Its caller learns that it failed, the log how."""
    _log.exception("%s: %s failed", call.key, call.action.name)
    return RemoteError(
        f"service {call.key} failed on {call.action.name}; "
        f"the log of node {call.vnic.alias!r} tells why"
    )


async def _answer(
    entry: ServiceEntry,
    handler: ServiceHandler,
    elements: Elements,
    call: Call,
    resources: Resources,
) -> Elements:
    """The answer of the handler, or of all the instances that act as one."""
    verb = VERBS.get(call.action)
    if verb is not None:
        if entry.transactions is not None:
            return await entry.transactions.submit(elements, call)
        answer: Elements = await getattr(handler, verb)(elements, call)
        return answer
    if call.action is not Action.NOTIFY:
        raise InvalidInputError(f"service {call.key} has no action {call.action.name}")
    await handler.notify(elements, call)
    return resources.elements.of()


def _visible(answer: Elements, call: Call, resources: Resources) -> Elements:
    """What the caller may see; an answer without items, as that of a write, has nothing to hide.

    Raises:
        TypeError: The handler gave something else than a container.
    """
    if not hasattr(answer, "raise_for_error"):
        raise TypeError(f"the handler answered with {type(answer).__name__}, not with elements")
    for entry in answer:
        if entry.value is not None:
            return resources.security.scope_view(call.identity, answer)
    return answer
