# SPDX-License-Identifier: Apache-2.0
"""The relational store keeps what its interfaces promise, on SQLite."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import pytest

from l8test.conformance import OrmConformance, StorageConformance
from l8types.constants import Plugin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from l8test.conformance import OrmOpener, StorageOpener
    from l8test.models import Sample
    from l8types.protocols.data import Orm, OrmFactory, Storage
    from l8utils import NodeResources


@pytest.fixture
def open_orm(resources: NodeResources, sample: Sample, tmp_path: Path) -> OrmOpener:
    """Opens the one database of a test, in a file, and closes it."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Orm]:
        factory = cast("OrmFactory", resources.create(Plugin.ORM))
        orm = await factory.open(f"sqlite:///{tmp_path / 'items.db'}")
        try:
            await orm.prepare(sample.model)
            yield orm
        finally:
            await orm.aclose()

    return opened


class TestOrm(OrmConformance):
    """Items by query."""


class TestStorage(StorageConformance):
    """Items by key."""

    @pytest.fixture
    def open_storage(self, open_orm: OrmOpener, sample: Sample) -> StorageOpener:
        """Opens the database as a store."""

        @asynccontextmanager
        async def opened() -> AsyncIterator[Storage]:
            async with open_orm() as orm:
                yield orm.storage(sample.model)

        return opened
