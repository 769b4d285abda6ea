# SPDX-License-Identifier: Apache-2.0
"""The items of the service on this node, as a member of the group handles them.

Between the group, which knows encoded changes, and the handler, which knows items.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from l8services._transactions.messages import Batch, Change, Command, Result
from l8services._transactions.prompt import within
from l8types.enums import Action
from l8types.errors import L8Error, RemoteError, RequestTimeoutError
from l8types.protocols.services import Call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence

    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.services import TransactionalService
    from l8types.values import ServiceKey

__all__ = ["GroupItems"]

_log = logging.getLogger(__name__)

Work = tuple[bytes, "Sequence[tuple[Change, object]]"]
"""Answer to a command, and what it changes: the change and its item as it is here."""
Worked = tuple[list[Result], list[Change]]
"""Results of the commands of a batch, and the changes it makes."""


class GroupItems:
    """Stages batches, applies changes, gives and takes copies.

    Args:
        key: The service.
        handler: Keeps the items.
        vnic: Handed to the handler; its node has the codec.
        time_limit: Seconds that a batch may take; the command in which a handler hangs is refused,
            with those that follow. Refused together they are tried one by one.
    """

    def __init__(
        self, key: ServiceKey, handler: TransactionalService, vnic: VNic, time_limit: float
    ) -> None:
        self._key = key
        self._handler = handler
        self._vnic = vnic
        self._resources = vnic.resources
        self._limit = time_limit
        self._staged: tuple[list[Change], list[tuple[str, object]]] = ([], [])
        self._last_call: Call | None = None

    async def stage(self, batch: Batch, *, term: int = 0, members: Sequence[str] = ()) -> Worked:
        """Work out a batch, command by command; what was staged before is dropped.

        Args:
            batch: The batch.
            term: Term of the leader that ordered it.
            members: Ids of the members of the view in which it was ordered.
        """
        del term, members
        self.unstage()
        results: list[Result] = []
        try:
            await within(self._limit, self._work_out(batch, results))
        except TimeoutError:
            late = RequestTimeoutError(
                f"service {self._key} took more than {self._limit} s for a write"
            )
            left = batch.commands[len(results) :]
            results += [self._failed(command, late) for command in left]
        return results, self._staged[0]

    async def _work_out(self, batch: Batch, results: list[Result]) -> None:
        """Add the results one by one: those that are there when time ends count."""
        for command in batch.commands:
            results.append(await self._result(command))  # noqa: PERF401 - see above

    async def _result(self, command: Command) -> Result:
        changes, items = self._staged
        try:
            answer, changed = await self._work(command)
        except L8Error as error:
            return self._failed(command, error)
        except Exception:  # noqa: BLE001 - the boundary of user code, whose caller learns of it
            _log.exception("%s: a write failed", self._key)
            return self._failed(command, self._broken())
        for change, item in changed:
            changes.append(change)
            items.append((change[0], item))
        return Result(command.id, answer)

    def _failed(self, command: Command, error: L8Error) -> Result:
        return Result(command.id, error=self._resources.elements.error(error).error)

    def _broken(self) -> L8Error:
        alias = self._vnic.alias
        return RemoteError(
            f"service {self._key} failed on a write; the log of node {alias!r} tells why"
        )

    async def _work(self, command: Command) -> Work:
        elements = self._resources.elements.decode(command.data)
        staged = await self._handler.stage(elements, self._call(command))
        encode = self._encode
        changed = [((key, encode(item)), item) for key, item in staged.changes]
        return staged.answer.encode(), changed

    async def read(self, command: Command) -> Result:
        """Answer a read from the items of this node."""
        return await self._read(command, self._get)

    async def _get(self, command: Command) -> Elements:
        elements = self._resources.elements.decode(command.data)
        return await self._handler.get(elements, self._call(command))

    async def _read(
        self, command: Command, get: Callable[[Command], Awaitable[Elements]]
    ) -> Result:
        try:
            return Result(command.id, (await get(command)).encode())
        except L8Error as error:
            return self._failed(command, error)
        except Exception:  # noqa: BLE001 - the boundary of user code, whose caller learns of it
            _log.exception("%s: a read failed", self._key)
            text = f"service {self._key} failed on a read; the log of its node tells why"
            return Result(command.id, error=f"{RemoteError.code}: {text}")

    def _call(self, command: Command) -> Call:
        """The call of a command, the same object for alike commands that follow each other."""
        call = self._last_call
        if call is None or call.action != command.action or call.identity != command.identity:
            call = self._last_call = Call(
                vnic=self._vnic,
                action=Action(command.action),
                key=self._key,
                identity=command.identity,
            )
        return call

    def unstage(self) -> None:
        """Drop what is staged."""
        self._handler.unstage()
        self._staged = ([], [])

    @property
    def groups(self) -> Collection[tuple[str, ...]]:
        """Sets of members of which one at least has to have prepared what is staged."""
        return ()

    def covers(self, members: Collection[str]) -> bool:
        """Whether what is staged is not lost when only these members have prepared it."""
        return all(any(holder in members for holder in group) for group in self.groups)

    @property
    def lacking(self) -> tuple[str, ...]:
        """Keys whose items this member should have, but has not."""
        return ()

    def fill(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Take items that were lacking; those of them that were taken."""
        del changes
        return ()

    def apply(self, changes: Sequence[Change]) -> None:
        """Make changes visible; nothing is staged afterwards."""
        staged, items = self._staged
        if changes and (changes is staged or list(changes) == staged):
            # Worked out here: they need not be decoded.
            self._handler.apply(items)
        elif changes:
            self._handler.apply([(key, self._decode(data)) for key, data in changes])
        self.unstage()

    def encoded(self, reader: str = "") -> Iterator[Change]:
        """All visible items, at the time of the call or later.

        Args:
            reader: Id of the member that copies them, "" for the journal of this one.
        """
        del reader
        return ((key, self._encode(item)) for key, item in self._handler.content())

    def become(self, changes: Iterable[Change], spare: Iterable[Change] = ()) -> None:
        """Have these items and no others.

        Args:
            changes: The items of the member that was copied.
            spare: What this member had prepared without learning what became of it.
        """
        del spare
        wanted = dict(changes)
        gone: list[Change] = [(k, None) for k, _ in self._handler.content() if k not in wanted]
        self.apply([*gone, *wanted.items()])

    async def begin(self) -> None:
        """Have what an entirely new service begins with."""
        self._handler.apply(await self._handler.initial())

    def leading(self) -> None:
        """This node leads now."""
        self._handler.leading()

    def acknowledged(self, changes: Iterable[Change]) -> None:
        """These changes were acknowledged here."""
        self._handler.applied([key for key, _ in changes])

    def _encode(self, item: object) -> bytes | None:
        return None if item is None else self._resources.codec.encode(item)

    def _decode(self, data: bytes | None) -> object:
        return None if data is None else self._resources.codec.decode(data)
