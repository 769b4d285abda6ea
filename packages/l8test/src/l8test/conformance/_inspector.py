# SPDX-License-Identifier: Apache-2.0
"""Conformance of introspectors: trees of models, declarations about them, and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8test.conformance._base import ModelConformance
from l8test.models import FIELDS
from l8types.enums import Container, DecoratorType, Kind
from l8types.errors import InvalidInputError, NotFoundError, PropertyError
from l8types.naming import go_name

if TYPE_CHECKING:
    from l8test.models import Sample
    from l8types.protocols.models import Introspector

__all__ = ["DecoratorsConformance", "InspectorConformance"]

SHAPE = {
    "mystring": (Kind.STRING, Container.SINGLE, None),
    "myint32": (Kind.INT32, Container.SINGLE, None),
    "myint64": (Kind.INT64, Container.SINGLE, None),
    "myfloat32": (Kind.FLOAT32, Container.SINGLE, None),
    "myfloat64": (Kind.FLOAT64, Container.SINGLE, None),
    "mysingle": (Kind.MESSAGE, Container.SINGLE, None),
    "mystringslice": (Kind.STRING, Container.LIST, None),
    "mymodelslice": (Kind.MESSAGE, Container.LIST, None),
    "mystring2stringmap": (Kind.STRING, Container.MAP, Kind.STRING),
    "myint32toint64map": (Kind.INT64, Container.MAP, Kind.INT32),
    "mybool": (Kind.BOOL, Container.SINGLE, None),
}


class InspectorConformance(ModelConformance):
    """What every ``Inspector`` promises.

    Fixture:
        introspector: A fresh ``Introspector`` that has not met the sample models.
    """

    def test_root(self, introspector: Introspector, sample: Sample) -> None:
        """The root node stands for the model itself."""
        root = introspector.inspect(sample.model)
        assert (root.type_name, root.field_name, root.attribute) == (sample.name, "", "")
        assert root.path == sample.name.lower()
        assert root.parent is None
        assert root.model is sample.model
        assert root.kind is Kind.MESSAGE

    def test_attributes(self, introspector: Introspector, sample: Sample) -> None:
        """Attributes are listed by lower-case field name in order of declaration."""
        root = introspector.inspect(sample.model)
        names = [go_name(name) for name in FIELDS]
        assert [name.lower() for name in names] == list(root.attributes)
        assert [node.field_name for node in root.attributes.values()] == names
        item = sample.build(3)
        for node, name in zip(root.attributes.values(), FIELDS, strict=True):
            assert getattr(item, node.attribute) == sample.read(item, name)

    def test_shapes(self, introspector: Introspector, sample: Sample) -> None:
        """A node tells the kind of its value, its container and the kind of its keys."""
        nodes = introspector.inspect(sample.model).attributes
        found = {name: (nodes[name].kind, nodes[name].container, nodes[name].key_kind)
                 for name in SHAPE}  # fmt: skip
        assert found == SHAPE

    def test_nested_models(self, introspector: Introspector, sample: Sample) -> None:
        """Nested models have nodes of their own, with path, parent and class."""
        root = introspector.inspect(sample.model)
        node = root.attributes["mymodelslice"].attributes["mysubs"]
        assert node.path == f"{root.path}.mymodelslice.mysubs"
        assert node.model is sample.leaf
        assert node.parent is not None
        assert node.parent.model is sample.part

    def test_enums(self, introspector: Introspector, sample: Sample) -> None:
        """The node of an enum tells names and numbers, other nodes tell none."""
        nodes = introspector.inspect(sample.model).attributes
        assert dict(nodes["myenum"].enum or {}) == {
            "ValueInvalid": 0,
            "ValueOne": 1,
            "ValueTwo": 2,
        }
        assert nodes["myint32"].enum is None

    def test_instances(self, introspector: Introspector, sample: Sample) -> None:
        """An instance is inspected as its class, and a second look gives the same root."""
        root = introspector.inspect(sample.build(1))
        assert root.type_name == sample.name
        assert introspector.inspect(sample.model) == root

    @pytest.mark.parametrize("value", [3, "text", None, int, object()])
    def test_no_model(self, introspector: Introspector, value: object) -> None:
        """What is no model is refused."""
        with pytest.raises(InvalidInputError):
            introspector.inspect(value)

    def test_look_up(self, introspector: Introspector, sample: Sample) -> None:
        """Nodes are found by type name and by dotted path, whatever their case."""
        root = introspector.inspect(sample.model)
        assert introspector.node(sample.name.upper()) == root
        node = introspector.node(f"{sample.name}.MySingle.mySTRING")
        assert node.path == f"{sample.name.lower()}.mysingle.mystring"

    def test_unknown_node(self, introspector: Introspector, sample: Sample) -> None:
        """An unknown path is not found, and the message suggests the nearest name."""
        introspector.inspect(sample.model)
        with pytest.raises(NotFoundError, match=r"(?i)mysingle"):
            introspector.node(f"{sample.name}.mysinglex")

    def test_roots(self, introspector: Introspector, sample: Sample) -> None:
        """The inspected models are listed in order of inspection."""
        introspector.inspect(sample.model)
        introspector.inspect(sample.part)
        wanted = [sample.name, sample.part.__name__]
        assert [
            node.type_name for node in introspector.roots() if node.type_name in wanted
        ] == wanted

    def test_forget(self, introspector: Introspector, sample: Sample) -> None:
        """A forgotten model is unknown, and forgetting an unknown one does nothing."""
        introspector.inspect(sample.model)
        introspector.forget(sample.name)
        introspector.forget(sample.name)
        with pytest.raises(NotFoundError):
            introspector.node(sample.name)

    def test_table_view(self, introspector: Introspector, sample: Sample) -> None:
        """A model can be seen as a table once it was inspected, not before."""
        with pytest.raises(NotFoundError):
            introspector.table_view(sample.name)
        introspector.inspect(sample.model)
        columns = [node.field_name for node in introspector.table_view(sample.name).columns]
        assert {"MyString", "MyInt32"} <= set(columns)


class DecoratorsConformance(ModelConformance):
    """What every ``Decorators`` and ``KeyExtractor`` promises.

    Fixture:
        introspector: A fresh ``Introspector`` without declarations about the sample models.
    """

    def test_declaration(self, introspector: Introspector, sample: Sample) -> None:
        """Declared attributes are told by their Go-style names, whatever way they were named."""
        introspector.decorate(sample.model, DecoratorType.NON_UNIQUE, "myint32", "MyBool")
        found = introspector.fields(sample.model, DecoratorType.NON_UNIQUE)
        assert found == ("MyInt32", "MyBool")
        assert introspector.fields(sample.model, DecoratorType.PRIMARY) is None

    def test_second_declaration(self, introspector: Introspector, sample: Sample) -> None:
        """A second declaration replaces the first."""
        introspector.decorate(sample.model, DecoratorType.PRIMARY, "MyString")
        introspector.decorate(sample.model, DecoratorType.PRIMARY, "MyInt32")
        assert introspector.fields(sample.model, DecoratorType.PRIMARY) == ("MyInt32",)
        assert introspector.primary_key(sample.build(7)) == "7"

    def test_unknown_attribute(self, introspector: Introspector, sample: Sample) -> None:
        """An attribute that does not exist is refused with the nearest name."""
        with pytest.raises(PropertyError, match=r"(?i)my_?int32"):
            introspector.decorate(sample.model, DecoratorType.PRIMARY, "MyInt32x")

    def test_primary_key(self, introspector: Introspector, sample: Sample) -> None:
        """The primary key is the plain text of the declared attribute."""
        introspector.decorate(sample.model, DecoratorType.PRIMARY, "MyString")
        assert introspector.primary_key(sample.build(4)) == "string-4"

    def test_primary_keys_differ(self, introspector: Introspector, sample: Sample) -> None:
        """Items with different key attributes have different keys."""
        introspector.decorate(sample.model, DecoratorType.PRIMARY, "MyString", "MyInt32")
        keys = {introspector.primary_key(sample.build(index)) for index in range(20)}
        assert len(keys) == 20

    def test_no_primary_key(self, introspector: Introspector, sample: Sample) -> None:
        """Without a declaration, or with an empty attribute, there is no primary key."""
        introspector.inspect(sample.model)
        with pytest.raises(PropertyError):
            introspector.primary_key(sample.build(1))
        introspector.decorate(sample.model, DecoratorType.PRIMARY, "MyString")
        with pytest.raises(PropertyError):
            introspector.primary_key(sample.make())

    def test_unique_key(self, introspector: Introspector, sample: Sample) -> None:
        """The unique key is a text when declared and set, otherwise nothing."""
        introspector.inspect(sample.model)
        assert introspector.unique_key(sample.build(1)) is None
        introspector.decorate(sample.model, DecoratorType.UNIQUE, "MyString")
        assert introspector.unique_key(sample.build(1)) == "string-1"
        assert introspector.unique_key(sample.make()) is None
