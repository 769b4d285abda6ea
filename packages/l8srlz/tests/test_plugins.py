# SPDX-License-Identifier: Apache-2.0
"""The entry points, and the protocols that they promise."""

from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import l8srlz
from l8srlz import BinarySerializer, ElementsFactory, JsonSerializer, ObjectCodec
from l8types.constants import Plugin
from l8types.enums import SerializerMode, WireProfile
from l8types.errors import EncodeError

from .fakes import Book, resources

if TYPE_CHECKING:
    from l8types.protocols import data, models

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize(
    ("group", "name", "factory"),
    [
        (Plugin.CODEC, "default", l8srlz.create_codec),
        (Plugin.ELEMENTS, "default", l8srlz.create_elements),
        (Plugin.SERIALIZER, "binary", l8srlz.create_binary_serializer),
        (Plugin.SERIALIZER, "json", l8srlz.create_json_serializer),
        (Plugin.SERIALIZER, "string", l8srlz.create_text_serializer),
    ],
)
def test_entry_points(group: str, name: str, factory: object) -> None:
    """Each interface announces its factory under its group."""
    (found,) = [entry for entry in entry_points(group=group, name=name) if entry.dist]
    assert found.load() is factory


def test_protocols() -> None:
    """The classes are what the protocols ask for; the type checker reads this test as well."""
    node = resources(WireProfile.NATIVE)
    codec: data.ObjectCodec = ObjectCodec(node.registry)
    factory: data.ElementsFactory = ElementsFactory(ObjectCodec(node.registry))
    elements: data.Elements = factory.of(Book("1"))
    serializers: list[models.Serializer] = [BinarySerializer(), JsonSerializer()]
    assert codec.decode(codec.encode(Book("1"))) == Book("1")
    assert factory.decode(elements.encode()).values == (Book("1"),)
    assert [one.mode for one in serializers] == [SerializerMode.BINARY, SerializerMode.JSON]


def test_profile_of_the_network() -> None:
    """In a Go network the parts refuse what Go nodes cannot read, in our own they do not."""
    native, go = resources(WireProfile.NATIVE), resources(WireProfile.GO)
    assert l8srlz.create_codec(native).encode(Book("1"))
    assert l8srlz.create_elements(native).of(Book("1")).encode()
    with pytest.raises(EncodeError):
        l8srlz.create_codec(go).encode(Book("1"))
    with pytest.raises(EncodeError):
        l8srlz.create_elements(go).of(Book("1")).encode()


def test_serializers() -> None:
    """The factories of serializers need nothing of the node."""
    node = resources(WireProfile.NATIVE)
    assert l8srlz.create_binary_serializer(node).mode is SerializerMode.BINARY
    assert l8srlz.create_json_serializer(node).mode is SerializerMode.JSON
    assert l8srlz.create_text_serializer(node).mode is SerializerMode.STRING
    data = l8srlz.create_json_serializer(node).marshal(Book("1"))
    assert data == JsonSerializer().marshal(Book("1"))


def test_exports() -> None:
    """Every public name is there and listed in order."""
    assert all(hasattr(l8srlz, name) for name in l8srlz.__all__)
    assert "_" not in {name[0] for name in l8srlz.__all__}


@pytest.mark.skipif(not README.exists(), reason="the README is not beside the tests")
def test_readme(capsys: pytest.CaptureFixture[str]) -> None:
    """The example of the README runs and prints what it says."""
    _, code, after = README.read_text("utf-8").split("```", 2)
    exec(compile(code.removeprefix("python"), str(README), "exec"), {"__name__": "readme"})  # noqa: S102
    printed = capsys.readouterr().out.strip()
    assert printed == after.split("```")[1].strip()
