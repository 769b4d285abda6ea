# SPDX-License-Identifier: Apache-2.0
"""What the entry point names: the factory of queries of a node from its resources."""

from gsql._factory import QueryFactory
from l8types.protocols import data, runtime

__all__ = ["create_queries"]


def create_queries(resources: runtime.Resources) -> data.QueryFactory:
    """Make the factory of queries over the models of a node."""
    return QueryFactory(resources.introspector)
