# SPDX-License-Identifier: Apache-2.0
"""Object-relational mapping as a Layer 8 service.

It keeps model objects in a relational database and has them back after a restart.
"""

from l8orm._factory import SqlOrmFactory, create_orm_factory
from l8orm._migrate import Migration
from l8orm._orm import SqlOrm
from l8orm._remote import RemoteStorage
from l8orm._series._factory import SqlTimeSeriesFactory, create_series_factory
from l8orm._series._store import SqlTimeSeriesStore
from l8orm._service import OrmService, orm_sla
from l8orm._storage import SqlStorage

__all__ = [
    "Migration",
    "OrmService",
    "RemoteStorage",
    "SqlOrm",
    "SqlOrmFactory",
    "SqlStorage",
    "SqlTimeSeriesFactory",
    "SqlTimeSeriesStore",
    "create_orm_factory",
    "create_series_factory",
    "orm_sla",
]
