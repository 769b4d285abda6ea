# SPDX-License-Identifier: Apache-2.0
"""One call that all participants of a service work on, and whose answers become one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from l8types.enums import Action
from l8types.errors import InvalidInputError, L8Error, RequestTimeoutError
from l8types.frozen import replace
from l8types.pb import L8MetaData, L8Query

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from l8types.protocols.data import Elements
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import Call, MapReduceService, ServiceHandler

__all__ = ["COUNTS", "FAILED", "PARTICIPANTS", "asks_all", "map_reduce", "plain_call"]

COUNTS: Final = "mapreduce"
"""Name in the metadata of an answer under which it tells how complete it is."""
PARTICIPANTS: Final = "participants"
"""How many were asked."""
FAILED: Final = "failed"
"""How many of them did not answer, or with an error."""

_PART: Final = "part"
"""Schema of a query that is one participant's share already."""
_PLAIN: Final = {
    Action.MAP_REDUCE_POST: Action.POST,
    Action.MAP_REDUCE_PUT: Action.PUT,
    Action.MAP_REDUCE_PATCH: Action.PATCH,
    Action.MAP_REDUCE_DELETE: Action.DELETE,
    Action.MAP_REDUCE_GET: Action.GET,
}


def plain_call(call: Call) -> Call:
    """The call as each participant gets it; the same call when it is not one for all."""
    action = _PLAIN.get(call.action)
    return call if action is None else replace(call, action=action)


def asks_all(handler: ServiceHandler, elements: Elements, call: Call, resources: Resources) -> bool:
    """Whether a query says itself that all participants are to answer it."""
    if call.action is not Action.GET or not _merges(handler):
        return False
    query = elements.query
    if query is None or query.schema == _PART:
        return False
    return resources.queries.from_wire(query).map_reduce


async def map_reduce(
    handler: ServiceHandler,
    elements: Elements,
    call: Call,
    resources: Resources,
    own: Callable[[Elements], Awaitable[Elements]],
) -> Elements:
    """Ask all participants at the same time, this one included, and merge what they answer.

    An error of one is part of what is merged; the metadata of the result tell how many failed.

    Args:
        handler: Merges.
        elements: The request.
        call: Its circumstances, with the plain action.
        resources: The parts of the node.
        own: Gives this participant's answer.

    Raises:
        InvalidInputError: The service does not merge answers.
        L8Error: Nobody answered without an error; this is the first one.
    """
    if not _merges(handler):
        raise InvalidInputError(
            f"service {call.key} does not merge answers, so only one participant can be asked"
        )
    part = _part(elements, resources)
    nodes = sorted({*call.vnic.directory.providers(call.key), call.vnic.uuid})
    async with asyncio.TaskGroup() as group:
        tasks = {
            node: group.create_task(
                _answer(node, part, call, resources, own), name=f"{call.key}: part of {node}"
            )
            for node in nodes
        }
    answers = {node: task.result() for node, task in tasks.items()}
    failed = [answer for answer in answers.values() if answer.error]
    if len(failed) == len(answers):
        failed[0].raise_for_error()
    merged = await cast("MapReduceService", handler).merge(answers)
    return _told(merged, len(answers), len(failed), resources)


def _merges(handler: ServiceHandler) -> bool:
    return callable(getattr(handler, "merge", None))


def _part(elements: Elements, resources: Resources) -> Elements:
    if elements.query is None:
        return elements
    query = L8Query()
    query.CopyFrom(elements.query)
    query.schema = _PART
    return resources.elements.query(query)


async def _answer(
    node: str,
    elements: Elements,
    call: Call,
    resources: Resources,
    own: Callable[[Elements], Awaitable[Elements]],
) -> Elements:
    left = None
    if call.deadline is not None:
        left = max(0.0, call.deadline - resources.clock.monotonic())
    try:
        if node == call.vnic.uuid:
            async with asyncio.timeout(left):
                return await own(elements)
        return await call.vnic.request(
            node,
            call.key.name,
            call.key.area,
            call.action,
            elements,
            timeout=left,
            identity=call.identity,
        )
    except L8Error as error:
        return error.answer if error.answer is not None else resources.elements.error(error)
    except TimeoutError:
        late = RequestTimeoutError(f"node {node} did not answer for its part in time")
        return resources.elements.error(late)


def _told(answer: Elements, asked: int, failed: int, resources: Resources) -> Elements:
    metadata = L8MetaData()
    if answer.metadata is not None:
        metadata.CopyFrom(answer.metadata)
    counts = metadata.value_count[COUNTS].counts
    counts[PARTICIPANTS] = asked
    counts[FAILED] = failed
    return resources.elements.entries(answer, metadata=metadata)
