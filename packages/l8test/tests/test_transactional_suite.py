# SPDX-License-Identifier: Apache-2.0
"""The suite of transactional services passes the sample service, and catches each mutant of it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from l8test.conformance import Instance, TransactionalServiceConformance
from l8test.transactional import TransactionalCountingService, transactional_sla
from l8types.enums import Action
from l8types.errors import ConflictError
from l8types.protocols.services import Staged

from .fake_wire import FakeCodec, FakeElementsFactory
from .harness import Fixtures, failures

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from l8types.protocols.data import Elements
    from l8types.protocols.services import Call

REFUSED = "x=13"


class Texts(TransactionalCountingService):
    """Keeps texts such as ``a=1``, but no 13; a removal of what is not there changes nothing."""

    @override
    async def stage(self, elements: Elements, call: Call) -> Staged:
        if REFUSED in elements.values:
            raise ConflictError("13 is not wanted")
        if call.action is Action.DELETE:
            [item] = elements.values
            key = self._key(item)
            there = self.staged[key] if key in self.staged else self.items.get(key)
            if there is None:
                return Staged(elements)
        return await super().stage(elements, call)

    async def initial(self) -> Sequence[tuple[str, object]]:
        return [("first", "first=0")]


def instances(**members: Any) -> Fixtures:
    """Fixtures with services that differ in these members."""
    make = type("Mutant", (Texts,), members)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Instance]:
        introspector = SimpleNamespace(primary_key=lambda item: item.partition("=")[0])
        resources = SimpleNamespace(
            elements=FakeElementsFactory(FakeCodec()), introspector=introspector
        )
        vnic: Any = SimpleNamespace(alias="node", resources=resources)
        service = make()
        await service.activate(transactional_sla(), vnic)
        yield Instance(
            service,
            vnic,
            item=lambda name, number: f"{name}={number}",
            number=lambda item: int(str(item).partition("=")[2]),
            refused=REFUSED,
        )

    return {"open_instance": lambda: opened}


async def at_once(self: Texts, elements: Elements, call: Call) -> Staged:
    """Staging that shows what it staged."""
    staged = await STAGE(self, elements, call)
    self.items.update({key: item for key, item in staged.changes if item is not None})
    return staged


async def first_only(self: Texts, elements: Elements, call: Call) -> Staged:
    """Staging that tells of the first change."""
    staged = await STAGE(self, elements, call)
    return Staged(staged.answer, staged.changes[:1])


async def emptied(self: Texts, elements: Elements, call: Call) -> Staged:
    """A removal that leaves an empty item."""
    staged = await STAGE(self, elements, call)
    return Staged(staged.answer, [(key, item or f"{key}=0") for key, item in staged.changes])


async def from_visible(self: Texts, elements: Elements, call: Call) -> Staged:
    """Staging on top of what is visible."""
    self.staged.clear()
    return await STAGE(self, elements, call)


async def half(self: Any, elements: Elements, call: Call) -> Staged:
    """Staging whose good items stay when a bad one is refused."""
    if REFUSED in elements.values:
        self.extra = [(self._key(one), one) for one in elements.values if one != REFUSED]
    staged = await STAGE(self, elements, call)
    extra, self.extra = getattr(self, "extra", []), []
    return Staged(staged.answer, [*extra, *staged.changes])


async def numbered(self: Texts, elements: Elements, call: Call) -> Staged:
    """Staging that makes something of how many were staged in this process."""
    staged = await STAGE(self, elements, call)
    COUNT.append(1)
    if len(COUNT) % 2 == 0:
        return Staged(staged.answer, [(key, item and f"{item}0") for key, item in staged.changes])
    return staged


COUNT: list[int] = []
STAGE = Texts.stage


def keeps_removals(self: Texts) -> None:
    """Dropping that forgets what is new, and not what is gone."""
    self.staged = {key: item for key, item in self.staged.items() if item is None}


def known_only(self: Texts, changes: Sequence[tuple[str, object]]) -> None:
    """Applying of what was staged here."""
    APPLY(self, [(key, item) for key, item in changes if key in self.staged])


APPLY = Texts.apply


async def filled(self: Texts) -> Sequence[tuple[str, object]]:
    """A beginning that puts its items in by itself."""
    self.items["first"] = "first=0"
    return [("first", "first=0")]


MUTANTS: list[tuple[type, Fixtures, str]] = [
    (TransactionalServiceConformance, instances(stage=at_once), "test_unseen"),
    (TransactionalServiceConformance, instances(stage=first_only), "test_answer"),
    (TransactionalServiceConformance, instances(stage=emptied), "test_delete"),
    (TransactionalServiceConformance, instances(stage=from_visible), "test_on_top"),
    (TransactionalServiceConformance, instances(unstage=keeps_removals), "test_unstage"),
    (TransactionalServiceConformance, instances(stage=half), "test_refused"),
    (TransactionalServiceConformance, instances(stage=numbered), "test_same_everywhere"),
    (TransactionalServiceConformance, instances(apply=known_only), "test_copy"),
    (TransactionalServiceConformance, instances(initial=filled), "test_beginning"),
]


def test_sound() -> None:
    """A service that keeps its promises passes."""
    assert failures(TransactionalServiceConformance, instances()) == set()


@pytest.mark.parametrize(("suite", "fixtures", "test"), MUTANTS)
def test_mutant(suite: type, fixtures: Fixtures, test: str) -> None:
    """One that breaks a promise is caught by the test of that promise."""
    assert test in failures(suite, fixtures, only=test)
