# SPDX-License-Identifier: Apache-2.0
"""Imports CSV, TSV, JSON and XML into any service; install ``l8services[import]``."""

from l8services._import.assist import import_info_sla, import_mapping_sla, import_transfer_sla
from l8services._import.execute import ImportExecution, import_execution_sla
from l8services._import.limits import ImportLimits
from l8services._import.mapping import MappingProvider, SimilarNames
from l8services._import.readers import SourceFormat, read_table
from l8services._import.rows import Row, Table
from l8services._import.templates import TEMPLATES, import_templates_sla

__all__ = [
    "TEMPLATES",
    "ImportExecution",
    "ImportLimits",
    "MappingProvider",
    "Row",
    "SimilarNames",
    "SourceFormat",
    "Table",
    "import_execution_sla",
    "import_info_sla",
    "import_mapping_sla",
    "import_templates_sla",
    "import_transfer_sla",
    "read_table",
]
