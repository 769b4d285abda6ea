# SPDX-License-Identifier: Apache-2.0
"""The data of any service as CSV."""

from l8services._export.columns import ColumnType
from l8services._export.service import CsvExport, csv_export_sla

__all__ = ["ColumnType", "CsvExport", "csv_export_sla"]
