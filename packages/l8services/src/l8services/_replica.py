# SPDX-License-Identifier: Apache-2.0
"""One instance's copy of the items of a service, and how it stays equal to the other copies.

A synchronous core: it decides on every change at once and leaves what takes time to its shell: the
messages to send (:attr:`Replica.outbox`), the fetches to make (:attr:`Replica.planner`) and the own
changes to repeat (:attr:`Replica.replaced`).
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from l8services._digests.ranges import RangeDigests
from l8services._knowledge import Knowledge, covered
from l8services._rebase import Created, OwnChanges
from l8services._resync import ResyncPlanner
from l8services._sequence import SequenceTracker
from l8services._versions import ORIGIN, Clockwork, Stamp, Verdict, Versions, pack, tag, unpack
from l8types.enums import Action, NotificationType
from l8types.errors import (
    DecodeError,
    EncodeError,
    InvalidInputError,
    L8Error,
    NotFoundError,
)
from l8types.pb import L8NotificationSet
from l8types.pb.notification_pb2 import L8NotificationType
from l8types.values import ItemChange

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from l8services._batch import Batch, Row
    from l8services._packer import Packer
    from l8services._tuning import Tuning
    from l8types.protocols.data import Cache, NotificationCodec
    from l8types.protocols.runtime import Clock
    from l8types.values import ChangeSet, ServiceKey

__all__ = ["Copy", "Replica"]

_log = logging.getLogger(__name__)

_BEACON: Final = L8NotificationType.Invalid_Notify
_WHOLE: Final = frozenset({NotificationType.POST, NotificationType.DELETE})


@dataclass(frozen=True, slots=True)
class Copy:
    """A part of another instance's copy.

    Attributes:
        items: Items with their stamps; ``None`` from an instance that does not stamp.
        deleted: Keys with the stamps of their deletion.
    """

    items: tuple[tuple[object, Stamp | None], ...] = ()
    deleted: tuple[tuple[str, Stamp], ...] = ()


class Replica:
    """The items with their versions, the count of own changes, the counts of others.

    Args:
        cache: Holds the items; must not be written to past this object.
        key: The service.
        uuid: Id of this node.
        codec: Makes messages of changes and back.
        clock: Tells the time.
        tuning: Times and limits.
        on_contested: Called with the key when an own state won over a concurrent one, so that a
            store that saw the other one last needs it again.
        packer: Makes one message of many changes; without it each has its own.
    """

    def __init__(
        self,
        cache: Cache,
        key: ServiceKey,
        uuid: str,
        *,
        codec: NotificationCodec,
        clock: Clock,
        tuning: Tuning,
        on_contested: Callable[[str], None],
        packer: Packer | None = None,
    ) -> None:
        self.cache = cache
        # What was decoded is nobody else's: a cache that can take it as it is need not copy it.
        self._apply_change: Callable[[ItemChange], object] = getattr(
            cache, "apply_own", cache.apply
        )
        self._apply_all: Callable[[Sequence[ItemChange]], int] | None = getattr(
            cache, "apply_all", None
        )
        self.key = key
        self.uuid = uuid
        self.versions = Versions()
        self.digests = RangeDigests(self.versions.live)
        self.tracker = SequenceTracker()
        self.knowledge = Knowledge()
        self.planner = ResyncPlanner(
            delay=tuning.resync_delay,
            interval=tuning.resync_interval,
            retry_max=tuning.resync_retry_max,
        )
        self.outbox: deque[Row | L8NotificationSet] = deque(maxlen=tuning.outbox_limit)
        self.replaced: dict[str, list[ChangeSet | Created]] = {}
        self.sequence = 0
        self._codec = codec
        self._packer = packer
        self._clock = clock
        self._clockwork = Clockwork()
        self._own = OwnChanges(tuning.rebase_window)
        self._contested = on_contested

    def commit(self, action: Action, item: object) -> ItemChange | None:
        """Make a change here and put it into the outbox.

        A full outbox drops its oldest message; the others see a gap and fetch what they missed.

        Args:
            action: POST, PUT, PATCH or DELETE.
            item: The item, for DELETE also an example or a key text.

        Returns:
            The change, ``None`` when nothing changed.

        Raises:
            L8Error: What the cache or the codec refused.
        """
        change = self._change(action, item)
        if change is None:
            return None
        base = self.versions.current(change.key)
        stamp = self._stamp(self.uuid)
        self._note(change.key, stamp, deleted=change.type is NotificationType.DELETE)
        self.knowledge.reach(self.uuid, stamp.time)
        self._remember(action, change)
        self.sequence += 1
        change = ItemChange(
            change.type,
            change.model,
            change.key,
            change.item,
            change.changes,
            self.uuid,
            self.sequence,
        )
        if self._packer is None:
            self.outbox.append(self._single(change, stamp, base))
        else:
            self.outbox.append(self._packer.row(change, stamp, base))
        return change

    def message(self, rows: Sequence[Row]) -> L8NotificationSet | bytes:
        """What tells some changes of the outbox that follow each other.

        One alone has the form that every implementation reads, if it can be told in that form.
        """
        if self._packer is None or len(rows) == 1:
            (row,) = rows
            try:
                return self._single(row.change, row.stamp, row.base)
            except EncodeError:
                if self._packer is None:
                    raise
        return self._packer.pack(rows)

    def _single(self, change: ItemChange, stamp: Stamp, base: Stamp) -> L8NotificationSet:
        message = self._codec.encode(change, service=self.key.name, area=self.key.area)
        message.time = pack(stamp, base)
        return message

    def loaded(self) -> None:
        """The cache was filled past this object, with items that have no version yet."""
        keys = [entry[0] for entry in self.cache.items()]
        for key in keys:
            if self.versions.live(key) is None:
                self._note(key, ORIGIN, deleted=False)

    def skip(self) -> None:
        """Count a change that is not sent, so that the other instances fetch this copy."""
        self.sequence += 1

    def beacon(self) -> L8NotificationSet:
        """The message that tells the count of own changes."""
        return L8NotificationSet(
            source=self.uuid,
            sequence=self.sequence,
            service_name=self.key.name,
            service_area=self.key.area,
        )

    def seen(self) -> dict[str, int]:
        """Per instance, this one included, the number up to which this copy has all changes.

        Instances of which something is still to be fetched are left out.
        """
        seen = self.tracker.seen()
        known = {uuid: seen[uuid] for uuid in seen if not self.planner.pending(uuid)}
        return {**known, self.uuid: self.sequence}

    def receive(self, message: L8NotificationSet) -> None:
        """Take notice of a message of another instance.

        Raises:
            L8Error: It cannot be understood, or not be applied.
        """
        source = message.source
        if not source or source == self.uuid:
            return
        time, base = unpack(message.time)
        try:
            if message.type == _BEACON:
                self.tracker.beacon(source, message.sequence)
            else:
                self.tracker.observe(source, message.sequence, time)
                self._take(self._codec.decode(message), Stamp(time, source), base)
        finally:
            self._noticed(source)

    def unpack(self, data: bytes) -> Batch:
        """The changes of a message that has many.

        Raises:
            DecodeError: It is none, or was damaged; what was in it is then missed.
        """
        if self._packer is None:
            raise DecodeError(f"{self.key} takes one change per message in this network")
        return self._packer.unpack(data)

    def receive_all(self, batch: Batch) -> None:
        """Take notice of changes that came together, with the effect of one after the other.

        One that cannot be understood, or not be applied, is logged and lost, as it would be alone.
        """
        source = batch.source
        if not source or source == self.uuid:
            return
        self.tracker.observe_run(source, batch.first, batch.times)
        self._clockwork.observe(max(batch.times))
        at, end = 0, len(batch)
        while at < end:
            at = self._take_run(batch, at)
        self._noticed(source)

    def missed(self, source: str) -> None:
        """Changes of another instance arrived, but nobody can tell which."""
        if source and source != self.uuid:
            self.planner.request(source, self._clock.monotonic(), forced=True)

    def _noticed(self, source: str) -> None:
        if self.tracker.gap(source):
            self.planner.request(source, self._clock.monotonic())
        else:
            self._reach(source, self.tracker.time(source))

    def _reach(self, source: str, time: int) -> None:
        if not (self.planner.pending(source) or self.tracker.gap(source)):
            self.knowledge.reach(source, time)

    def _take_run(self, batch: Batch, start: int) -> int:
        """Apply what can be applied at once, else one change; index of the next."""
        judge, end = self.versions.judge_run, start
        if self._apply_all is not None:
            end = judge(batch.keys, batch.stamps, batch.bases, batch.whole, start)
        if self._apply_all is None or end == start:
            self._take_one(batch, start)
            return start + 1
        run = cast("list[ItemChange]", batch.changes[start:end])
        done = start + self._apply_all(run)
        keys = batch.keys[start:done]
        self.versions.write_run(keys, batch.stamps[start:done])
        self.digests.touch_all(keys)
        if keys:
            self._reach(batch.source, batch.times[done - 1])
        if self._own:
            for change in run[: done - start]:
                self._lose(change.key, to_item=change.type is NotificationType.POST)
        # One that did not fit changes what follows: the rest is judged anew, each by itself.
        for at in range(done, end):
            self._take_one(batch, at)
        return end

    def _take_one(self, batch: Batch, at: int) -> None:
        change, base = batch.changes[at], batch.bases[at]
        try:
            if isinstance(change, L8Error):
                raise change
            self._take(change, batch.stamps[at], tag(Stamp(*base)) if base else 0)
        except L8Error as error:
            _log.warning("%s: a change of %s is lost: %s", self.key, batch.source, error)
        self._reach(batch.source, batch.times[at])

    def adopt(self, copy: Copy, source: str) -> int:
        """Take over what is newer in a part of another instance's copy.

        What was known and deleted here so long ago that its key is forgotten is left alone.

        Returns:
            How many items were taken over.
        """
        adopted = revived = 0
        for item, stamp in copy.items:
            key = self.cache.key_of(item)
            version = stamp if stamp is not None else self._stamp(source)
            if not self._outdated(key, version):
                continue
            if self._forgotten(key, version):
                if self.knowledge.covers(version):
                    continue
                revived += 1
            adopted += self._replace(key, item, version)
        if revived:
            _log.warning(
                "%s: %d items of %s are older than deletions that are forgotten here; they are "
                "kept, although some of them may have been deleted",
                self.key,
                revived,
                source,
            )
        for key, stamp in copy.deleted:
            if stamp > self.versions.current(key):
                adopted += self._replace(key, None, stamp)
        return adopted

    def complete(self, horizon: Stamp, times: Mapping[str, int]) -> None:
        """All of another instance's copy was taken over.

        Args:
            horizon: Newest deletion that it forgot.
            times: Per instance the time of stamps up to which it knew all changes.
        """
        self.versions.forgets(horizon)
        self.knowledge.merge(times)

    def drop_forgotten(
        self,
        horizon: Stamp,
        times: Mapping[str, int],
        known: Collection[str],
        *,
        among: Iterable[str] | None = None,
    ) -> int:
        """Delete what another instance deleted so long ago that it forgot the key.

        What it did not know when it forgot is no such item.

        Args:
            horizon: Newest deletion that it forgot.
            times: Per instance the time of stamps up to which it knows all changes.
            known: Keys of its items.
            among: Keys that it was asked about, ``None`` for all.

        Returns:
            How many items were deleted.
        """
        if horizon == ORIGIN:
            return 0
        mine = (entry[0] for entry in self.cache.items()) if among is None else among
        unknown = set(mine).difference(known)
        stamps = ((key, self.versions.current(key)) for key in unknown)
        gone = [key for key, at in stamps if at <= horizon and (not at.time or covered(times, at))]
        return sum(self._replace(key, None, horizon) for key in gone)

    def _change(self, action: Action, item: object) -> ItemChange | None:
        match action:
            case Action.POST:
                return self.cache.post(item)
            case Action.PUT:
                return self.cache.put(item)
            case Action.PATCH:
                return self.cache.patch(item)
            case Action.DELETE:
                return self.cache.delete(item)
            case _:
                raise InvalidInputError(f"{action.name} is no write")

    def _remember(self, action: Action, change: ItemChange) -> None:
        now = self._clock.monotonic()
        if change.changes is not None:
            self._own.add(change.key, change.changes, now)
        elif action is Action.PATCH:
            self._own.add(change.key, Created(change.item), now)
        else:
            self._own.take(change.key, now)

    def _take(self, change: ItemChange, stamp: Stamp, base: int) -> None:
        key = change.key
        if not stamp.time:
            # A node that does not stamp: its changes count in the order in which they arrive.
            self._apply(change, self._stamp(stamp.source))
            return
        self._clockwork.observe(stamp.time)
        match self.versions.judge(key, stamp, base, whole=change.type in _WHOLE):
            case Verdict.APPLY:
                self._apply(change, stamp)
            case Verdict.FETCH:
                self.planner.refresh(stamp.source, key, self._clock.monotonic())
            case Verdict.IGNORE if self.versions.current(key).source == self.uuid:
                self._contested(key)
            case Verdict.IGNORE:
                _log.debug("%s: older change of %s ignored", self.key, stamp.source)

    def _apply(self, change: ItemChange, stamp: Stamp) -> None:
        try:
            self._apply_change(change)
        except NotFoundError:
            self.planner.request(stamp.source, self._clock.monotonic(), forced=True)
            return
        self._note(change.key, stamp, deleted=change.type is NotificationType.DELETE)
        self._lose(change.key, to_item=change.type is NotificationType.POST)

    def _replace(self, key: str, item: object | None, stamp: Stamp) -> bool:
        """Let an item be that of another instance; whether it could be."""
        self._clockwork.observe(stamp.time)
        try:
            if item is None:
                self.cache.delete(key)
            else:
                self.cache.put(item)
        except L8Error as error:
            # One item that contradicts another one here must not keep the rest away.
            _log.warning("%s: an item of %s cannot be taken: %s", self.key, stamp.source, error)
            return False
        self._note(key, stamp, deleted=item is None)
        self._lose(key, to_item=item is not None)
        return True

    def _lose(self, key: str, *, to_item: bool) -> None:
        """An own state was replaced; own changes may have to be repeated on a whole new item."""
        if not self._own:
            return
        own = self._own.take(key, self._clock.monotonic())
        if own and to_item:
            self.replaced.setdefault(key, []).extend(own)

    def _outdated(self, key: str, version: Stamp) -> bool:
        current = self.versions.current(key)
        if version == current == ORIGIN:
            return self.cache.get(key) is None
        return version > current

    def _forgotten(self, key: str, version: Stamp) -> bool:
        """Whether a version of an unknown item may have been deleted here."""
        unknown = self.versions.current(key) == ORIGIN and self.versions.live(key) is None
        return unknown and ORIGIN < version <= self.versions.horizon

    def _note(self, key: str, stamp: Stamp, *, deleted: bool) -> None:
        self.digests.touch(key)
        if deleted:
            self.versions.remove(key, stamp)
        else:
            self.versions.write(key, stamp)

    def _stamp(self, source: str) -> Stamp:
        return Stamp(self._clockwork.tick(self._clock.now()), source)
