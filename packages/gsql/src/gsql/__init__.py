# SPDX-License-Identifier: Apache-2.0
"""The query language of Layer 8: parse, bind, compile, match.

It answers one text query over any list of model objects.
"""

from gsql._attribute import all_of, any_of, each, every, not_, on, some
from gsql._builder import Results, Selection, select
from gsql._factory import QueryFactory
from gsql._lint import Finding, Portability
from gsql._plugins import create_queries
from gsql._query import BoundQuery

__all__ = [
    "BoundQuery",
    "Finding",
    "Portability",
    "QueryFactory",
    "Results",
    "Selection",
    "all_of",
    "any_of",
    "create_queries",
    "each",
    "every",
    "not_",
    "on",
    "select",
    "some",
]
