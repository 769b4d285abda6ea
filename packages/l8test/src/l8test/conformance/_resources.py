# SPDX-License-Identifier: Apache-2.0
"""Conformance of what a node is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from l8test.models import SAMPLES
from l8types.constants import Plugin
from l8types.enums import SerializerMode
from l8types.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from l8types.protocols.runtime import Resources

__all__ = ["ResourcesConformance"]

PARTS: Final = (
    "settings", "clock", "metrics", "registry", "introspector", "cloner", "updater", "codec",
    "elements", "queries", "caches", "notifications", "security", "services",
)  # fmt: skip
"""The parts that a node has once each."""


class ResourcesConformance:
    """What every ``Resources`` promises, with an implementation of each part installed.

    Fixture:
        resources: ``Resources`` that know no model of a user.
    """

    @pytest.mark.parametrize("part", PARTS)
    def test_one_of_each(self, resources: Resources, part: str) -> None:
        """A part is made once: whoever asks gets the same."""
        assert getattr(resources, part) is getattr(resources, part)
        assert getattr(resources, part) is not None

    @pytest.mark.parametrize("mode", [SerializerMode.BINARY, SerializerMode.JSON])
    def test_serializers(self, resources: Resources, mode: SerializerMode) -> None:
        """There is one serializer per representation, and it is of that representation."""
        assert resources.serializer(mode).mode is mode
        assert resources.serializer(mode) is resources.serializer(mode)

    def test_create(self, resources: Resources) -> None:
        """What is made on demand is made anew at each call."""
        assert resources.create(Plugin.CACHE) is not resources.create(Plugin.CACHE)

    def test_unknown_name(self, resources: Resources) -> None:
        """An implementation that is not installed is refused, with its name and group told."""
        with pytest.raises(ConfigurationError, match=r"nosuch") as refused:
            resources.create(Plugin.CACHE, "nosuch")
        assert str(Plugin.CACHE) in str(refused.value)

    def test_unknown_group(self, resources: Resources) -> None:
        """A group that nobody offers anything in is refused."""
        with pytest.raises(ConfigurationError, match=r"layer8\.suite"):
            resources.create("layer8.suite")

    def test_register(self, resources: Resources) -> None:
        """Models that were registered, and those in them, are known to all parts; others not."""
        sample = SAMPLES[1]
        with pytest.raises(NotFoundError):
            resources.registry.info(sample.name)
        resources.register(sample.model)
        assert resources.registry.info(sample.name).model is sample.model
        assert resources.registry.info_of(sample.part).model is sample.part
        assert resources.introspector.inspect(sample.model).type_name == sample.name
        item = sample.build(1)
        assert resources.codec.decode(resources.codec.encode(item)) == item

    def test_directory(self, resources: Resources) -> None:
        """The directory for the files of the node is there and can be written to."""
        file = resources.data_directory / "suite"
        file.write_text("kept", encoding="utf-8")
        assert (resources.data_directory / "suite").read_text(encoding="utf-8") == "kept"
