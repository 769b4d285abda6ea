# SPDX-License-Identifier: Apache-2.0
"""Conformance of type registries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8test.conformance._base import ModelConformance, Stranger, Unmakeable
from l8types.errors import ConflictError, InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from l8test.models import Sample
    from l8types.protocols.models import Registry

__all__ = ["RegistryConformance"]


class RegistryConformance(ModelConformance):
    """What every ``Registry`` promises.

    Fixture:
        registry: A ``Registry``; it may know types, but none of the twins of the sample model.
    """

    def test_registered_type_is_found(self, registry: Registry, sample: Sample) -> None:
        """A registered class is found by its short name."""
        info = registry.register(sample.model)
        assert info.name == sample.name
        assert info.model is sample.model
        assert registry.info(sample.name).model is sample.model

    def test_registering_again_gives_the_same(self, registry: Registry, sample: Sample) -> None:
        """Registering the same class again returns the same info and adds nothing."""
        first = registry.register(sample.model)
        assert registry.register(sample.model) == first
        assert [info.name for info in registry.types()].count(sample.name) == 1

    def test_name_can_be_chosen(self, registry: Registry) -> None:
        """A class can be registered under another name."""
        assert registry.register(Stranger, name="Guest").name == "Guest"
        assert registry.info("Guest").model is Stranger

    def test_name_of_another_class(self, registry: Registry, sample: Sample) -> None:
        """A name that another class holds is refused, and stays with its holder."""
        registry.register(sample.model)
        with pytest.raises(ConflictError):
            registry.register(Stranger, name=sample.name)
        assert registry.info(sample.name).model is sample.model

    def test_unregister(self, registry: Registry, sample: Sample) -> None:
        """Unregistering forgets a type and tells whether it was known."""
        registry.register(sample.model)
        assert registry.unregister(sample.name) is True
        assert registry.unregister(sample.name) is False
        with pytest.raises(NotFoundError):
            registry.info(sample.name)

    def test_unknown_name(self, registry: Registry, sample: Sample) -> None:
        """An unknown name is not found, and the message suggests the nearest."""
        registry.register(sample.model)
        with pytest.raises(NotFoundError, match=sample.name):
            registry.info(f"{sample.name}x")

    def test_type_of_value(self, registry: Registry, sample: Sample) -> None:
        """The type of an instance and of a class can be looked up."""
        registry.register(sample.model)
        assert registry.info_of(sample.model).name == sample.name
        assert registry.info_of(sample.build(1)).name == sample.name

    def test_type_of_unknown_value(self, registry: Registry) -> None:
        """The type of a value whose class is not registered is not found."""
        for value in (Stranger, Stranger()):
            with pytest.raises(NotFoundError):
                registry.info_of(value)

    def test_order_of_types(self, registry: Registry, sample: Sample) -> None:
        """Types are listed in the order of registration."""
        wanted = [registry.register(one).name for one in (Unmakeable, Stranger)]
        assert [info.name for info in registry.types() if info.name in wanted] == wanted

    def test_new_instance(self, registry: Registry, sample: Sample) -> None:
        """A type makes fresh, empty instances."""
        info = registry.register(sample.model)
        one, other = info.new(), info.new()
        assert one == other == sample.make()
        assert one is not other

    def test_no_new_instance(self, registry: Registry) -> None:
        """A class with required attributes makes no empty instance."""
        with pytest.raises(InvalidInputError):
            registry.register(Unmakeable).new()

    def test_enums(self, registry: Registry) -> None:
        """Names of enum values are known once registered, others have no number."""
        registry.register_enum({"SuiteRed": 7, "SuiteBlue": 8})
        assert (registry.enum("SuiteRed"), registry.enum("SuiteBlue")) == (7, 8)
        assert registry.enum("SuiteGreen") is None
