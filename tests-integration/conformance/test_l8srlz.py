# SPDX-License-Identifier: Apache-2.0
"""Codec, containers and serializers keep what their interfaces promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8test.conformance import (
    ElementsConformance,
    ObjectCodecConformance,
    SerializerConformance,
)
from l8types.enums import SerializerMode

if TYPE_CHECKING:
    from l8types.protocols.data import ElementsFactory, ObjectCodec
    from l8types.protocols.models import Serializer
    from l8utils import NodeResources


class TestCodec(ObjectCodecConformance):
    """The object codec."""

    @pytest.fixture
    def codec(self, resources: NodeResources) -> ObjectCodec:
        """The codec of a node."""
        return resources.codec


@pytest.mark.feature("l8types:TYP-01")
class TestElements(ElementsConformance):
    """Containers."""

    @pytest.fixture
    def elements(self, resources: NodeResources) -> ElementsFactory:
        """The containers of a node."""
        return resources.elements


@pytest.mark.feature("l8types:TYP-18")
class TestBinary(SerializerConformance):
    """The binary serializer."""

    @pytest.fixture
    def serializer(self, resources: NodeResources) -> Serializer:
        """The serializer of a node."""
        return resources.serializer(SerializerMode.BINARY)


@pytest.mark.feature("l8types:TYP-18")
class TestJson(SerializerConformance):
    """The JSON serializer."""

    @pytest.fixture
    def serializer(self, resources: NodeResources) -> Serializer:
        """The serializer of a node."""
        return resources.serializer(SerializerMode.JSON)
