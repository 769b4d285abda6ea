# SPDX-License-Identifier: Apache-2.0
"""Opens the transaction group of a service that was activated."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from l8services._replication.group import ReplicatedGroup
from l8services._transactions.group import TransactionGroup
from l8services._transactions.journal import NoJournal, open_journal
from l8types.enums import Durability
from l8types.errors import InvalidInputError

if TYPE_CHECKING:
    from l8services._entry import ServiceEntry
    from l8services._transactions.journal import Journal
    from l8types.protocols.services import Leadership, ReplicatedService, TransactionalService

__all__ = ["open_group"]


async def open_group(entry: ServiceEntry, leadership: Leadership) -> TransactionGroup | None:
    """Take part in the transactions of a service; ``None`` when it has none.

    Raises:
        InvalidInputError: The handler cannot take part.
        UnavailableError: The journal cannot be opened.
        L8Error: The journal cannot be read.
    """
    sla, vnic = entry.sla, entry.vnic
    if not sla.transactional:
        return None
    if not callable(getattr(entry.handler, "stage", None)):
        raise InvalidInputError(
            f"service {sla.key} is transactional, but its handler {type(entry.handler).__name__} "
            "is no TransactionalService; use BaseService or write 'stage' and its companions"
        )
    if sla.replication_count is not None and not callable(getattr(entry.handler, "share", None)):
        raise InvalidInputError(
            f"service {sla.key} is replicated, but its handler {type(entry.handler).__name__} "
            "is no ReplicatedService; use BaseService or write 'keys_of' and its companions"
        )
    journal: Journal = NoJournal()
    if sla.durability is Durability.DISK:
        directory = vnic.resources.data_directory / "transactions"
        journal = await open_journal(directory, str(sla.key))
    handler = cast("TransactionalService", entry.handler)
    group: TransactionGroup
    if sla.replication_count is None:
        group = TransactionGroup(sla, handler, vnic, leadership, journal)
    else:
        spread = cast("ReplicatedService", handler)
        group = ReplicatedGroup(sla, spread, vnic, leadership, journal)
    try:
        await group.start()
    except BaseException:
        journal.close()
        raise
    return group
