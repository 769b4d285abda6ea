# SPDX-License-Identifier: Apache-2.0
"""Introspection, property paths, diff, patch, clone and compare for the models of Layer 8.

A model is a protobuf message, a dataclass or a msgspec struct; this package gives them all
the same node tree.
"""

from reflect._cloner import Cloner
from reflect._collect import collect
from reflect._equal import equal
from reflect._factories import create_cloner, create_introspector, create_updater
from reflect._introspector import Introspector
from reflect._property import PathProperty
from reflect._scalars import ScalarTextCodec
from reflect._updater import Updater

__all__ = [
    "Cloner",
    "Introspector",
    "PathProperty",
    "ScalarTextCodec",
    "Updater",
    "collect",
    "create_cloner",
    "create_introspector",
    "create_updater",
    "equal",
]
