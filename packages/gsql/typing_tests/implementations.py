# SPDX-License-Identifier: Apache-2.0
"""Proves to the type checker that each class fits the interface that it implements; never run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gsql import BoundQuery, QueryFactory, create_queries
    from l8types.criteria import EntryNode
    from l8types.protocols.data import ParsedQuery, Query
    from l8types.protocols.data import QueryFactory as QueryFactoryProtocol
    from l8types.protocols.models import ModelNode
    from l8types.protocols.runtime import PluginFactory

    def query(it: BoundQuery) -> Query:
        """A query."""
        return it

    def parsed(it: BoundQuery) -> ParsedQuery:
        """A query of the language."""
        return it

    def queries(it: QueryFactory) -> QueryFactoryProtocol:
        """A maker of queries."""
        return it

    def entry(it: EntryNode) -> ModelNode:
        """An entry is a node."""
        return it

    FACTORIES: list[PluginFactory] = [create_queries]
