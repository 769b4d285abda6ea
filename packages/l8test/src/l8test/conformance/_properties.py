# SPDX-License-Identifier: Apache-2.0
"""Conformance of property resolvers: places in items that can be read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8test.conformance._base import ModelConformance
from l8types.errors import PropertyError

if TYPE_CHECKING:
    from l8test.models import Sample
    from l8types.protocols.models import Introspector

__all__ = ["PropertyConformance"]


class PropertyConformance(ModelConformance):
    """What every ``PropertyResolver`` promises.

    Fixture:
        introspector: An ``Introspector`` in which ``MyString`` is the primary key of the sample
            model.
    """

    def test_id(self, introspector: Introspector, sample: Sample) -> None:
        """A property tells its id and its node, and parsing the id gives the same id."""
        found = introspector.property(sample.property_id(1, "myint32"))
        assert found.node.field_name == "MyInt32"
        assert introspector.property(found.id).id == found.id

    def test_of_item(self, introspector: Introspector, sample: Sample) -> None:
        """The property of an item carries the item's key."""
        found = introspector.property_for(sample.build(5), "MyInt32")
        assert found.id == introspector.property(sample.property_id(5, "myint32")).id

    @pytest.mark.parametrize("path", ["nothing", "mysingle.nothing"])
    def test_unknown_attribute(self, introspector: Introspector, sample: Sample, path: str) -> None:
        """An unknown attribute is refused, by id and by path."""
        with pytest.raises(PropertyError):
            introspector.property(sample.property_id(1, path))
        with pytest.raises(PropertyError):
            introspector.property_for(sample.build(1), path)

    @pytest.mark.parametrize("text", ["", "nowhere<{24}1>.myint32", "<", "{24}"])
    def test_malformed(self, introspector: Introspector, text: str) -> None:
        """A malformed id and an unknown type are refused."""
        with pytest.raises(PropertyError):
            introspector.property(text)

    def test_of_item_without_key(self, introspector: Introspector, sample: Sample) -> None:
        """An item without a key has no properties."""
        with pytest.raises(PropertyError):
            introspector.property_for(sample.make(), "myint32")

    def test_read(self, introspector: Introspector, sample: Sample) -> None:
        """Reading gives the value at the place: attribute, nested attribute, entry, container."""
        item = sample.build(6)
        for path, value in {
            "myint32": 6,
            "mysingle.mystring": "string-6-0",
            "mystringslice<4>": "string-6",
            "mystring2stringmap<{24}b>": "bb",
            "myint32toint64map<{5}6>": 60,
        }.items():
            assert introspector.property_for(item, path).get(item) == value, path
        parts = introspector.property_for(item, "mymodelslice").get(item)
        assert parts == sample.read(item, "my_model_slice")

    def test_read_absent(self, introspector: Introspector, sample: Sample) -> None:
        """Reading what is absent on the way gives nothing."""
        item = sample.make(my_string="string-1")
        for path in ("mysingle.mystring", "mystring2modelmap<{24}x>.mystring"):
            assert introspector.property_for(item, path).get(item) is None, path

    def test_write(self, introspector: Introspector, sample: Sample) -> None:
        """Writing stores the value, and makes what is missing on the way."""
        item = sample.make(my_string="string-1")
        introspector.property_for(item, "myint32").set(item, 9)
        introspector.property_for(item, "mysingle.mystring").set(item, "deep")
        introspector.property_for(item, "mystring2stringmap<{24}k>").set(item, "v")
        expected = sample.make(
            my_string="string-1",
            my_int32=9,
            my_single=sample.make_part(my_string="deep"),
            my_string2_string_map={"k": "v"},
        )
        assert item == expected

    def test_write_misfit(self, introspector: Introspector, sample: Sample) -> None:
        """A value that does not fit is refused, and the item stays as it was."""
        item = sample.build(1)
        with pytest.raises(PropertyError):
            introspector.property_for(item, "myint32").set(item, "many")
        with pytest.raises(PropertyError):
            introspector.property_for(item, "myint32").set(item, 2**40)
        assert item == sample.build(1)

    def test_delete(self, introspector: Introspector, sample: Sample) -> None:
        """Deleting removes an entry or clears an attribute; deleting the absent does nothing."""
        item = sample.build(2)
        for path in ("mystring2stringmap<{24}b>", "mysingle", "myint32"):
            place = introspector.property_for(item, path)
            place.delete(item)
            place.delete(item)
            assert not place.get(item), path
        assert "b" not in introspector_map(sample, item)
        assert "a" in introspector_map(sample, item)

    def test_fan_out(self, introspector: Introspector, sample: Sample) -> None:
        """All values of a path without keys are those of every entry."""
        item = sample.build(3)
        found = introspector.property_for(item, "mymodelslice.mystring").values(item)
        assert list(found) == ["string-3-1", "string-3-2"]


def introspector_map(sample: Sample, item: object) -> dict[str, str]:
    """The map of texts of an item."""
    found = sample.read(item, "my_string2_string_map")
    return dict(found)  # type: ignore[call-overload, no-any-return]  # a map in every kind
