# SPDX-License-Identifier: Apache-2.0
"""What the entry points name: factories that make the parts of a node from its resources."""

from l8types.enums import SerializerMode
from l8types.protocols import models, runtime
from reflect._cloner import Cloner
from reflect._introspector import Introspector
from reflect._updater import Updater

__all__ = ["create_cloner", "create_introspector", "create_updater"]


def create_introspector(resources: runtime.Resources) -> models.Introspector:
    """Make the introspector of a node; texts become models by the node's serializer for texts."""
    return Introspector(texts=lambda: resources.serializer(SerializerMode.STRING))


def create_cloner(resources: runtime.Resources) -> models.Cloner:  # noqa: ARG001 - the form of all factories
    """Make the cloner of a node."""
    return Cloner()


def create_updater(resources: runtime.Resources) -> models.Updater:
    """Make the updater of a node, on the node's introspector."""
    return Updater(resources.introspector)
