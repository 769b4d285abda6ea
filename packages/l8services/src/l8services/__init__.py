# SPDX-License-Identifier: Apache-2.0
"""Service management for Layer 8: activation, dispatch, leadership and replicated caches.

It runs the services of a node and keeps their copies on other nodes in agreement.
"""

from l8services._base import BaseService
from l8services._export import ColumnType, CsvExport, csv_export_sla
from l8services._factory import create_services
from l8services._live import LiveChange, LiveKind, LiveUpdate, LiveView, live
from l8services._manager import ServiceManager
from l8services._tuning import Tuning

__all__ = [
    "BaseService",
    "ColumnType",
    "CsvExport",
    "LiveChange",
    "LiveKind",
    "LiveUpdate",
    "LiveView",
    "ServiceManager",
    "Tuning",
    "create_services",
    "csv_export_sla",
    "live",
]
