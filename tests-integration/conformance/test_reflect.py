# SPDX-License-Identifier: Apache-2.0
"""Introspection, copies and differences keep what their interfaces promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8test.conformance import (
    ClonerConformance,
    DecoratorsConformance,
    InspectorConformance,
    PropertyConformance,
    UpdaterConformance,
)

if TYPE_CHECKING:
    from l8types.protocols.models import Cloner, Introspector, Updater
    from l8utils import NodeResources


@pytest.mark.feature("l8types:TYP-14")
class TestInspector(InspectorConformance):
    """Trees of models."""

    @pytest.fixture
    def introspector(self, bare: NodeResources) -> Introspector:
        """A fresh introspector."""
        return bare.introspector


@pytest.mark.feature("l8types:TYP-14")
class TestDecorators(DecoratorsConformance):
    """Declarations and keys."""

    @pytest.fixture
    def introspector(self, bare: NodeResources) -> Introspector:
        """A fresh introspector."""
        return bare.introspector


@pytest.mark.feature("l8types:TYP-04")
class TestProperties(PropertyConformance):
    """Properties; the introspector is the one that knows the keys."""


class TestCloner(ClonerConformance):
    """Copies."""

    @pytest.fixture
    def cloner(self, bare: NodeResources) -> Cloner:
        """The cloner of a node."""
        return bare.cloner


class TestUpdater(UpdaterConformance):
    """Differences."""

    @pytest.fixture
    def updater(self, resources: NodeResources) -> Updater:
        """The updater of a node."""
        return resources.updater
