# SPDX-License-Identifier: Apache-2.0
"""The query language of Layer 8: parse, bind, compile, match.

It answers one text query over any list of model objects.
"""

from gsql._factory import QueryFactory
from gsql._plugins import create_queries
from gsql._query import BoundQuery

__all__ = ["BoundQuery", "QueryFactory", "create_queries"]
