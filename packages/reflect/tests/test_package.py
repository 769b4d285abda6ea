# SPDX-License-Identifier: Apache-2.0
"""The package as others meet it: entry points, protocols, the example."""

from __future__ import annotations

import re
import subprocess
import sys
import typing
from dataclasses import dataclass
from importlib.metadata import entry_points, metadata
from typing import TYPE_CHECKING, cast

import pytest

import reflect
from l8types.enums import DecoratorType
from l8types.protocols import models
from reflect import Cloner, Introspector, ScalarTextCodec, Updater

from .models import Device

if TYPE_CHECKING:
    from l8types.protocols.runtime import Resources


@dataclass
class Parts:
    """As much of a node's resources as the factories need."""

    introspector: models.Introspector


RESOURCES = cast("Resources", Parts(Introspector()))


def run(code: str) -> str:
    """Run code in a process of its own and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("interface", ["introspector", "cloner", "updater"])
def test_entry_points(interface: str) -> None:
    """Each implementation is found by its entry point and made from the resources of a node."""
    (found,) = entry_points(group=f"layer8.{interface}", name="reflect")
    factory = found.load()
    assert "return" in typing.get_type_hints(factory)
    made = factory(RESOURCES)
    assert type(made).__name__.lower() == interface


def test_the_updater_uses_the_introspector_of_the_node() -> None:
    """Keys that are declared at the node's introspector are known to its updater."""
    RESOURCES.introspector.decorate(Device, DecoratorType.PRIMARY, "device_id")
    assert len(reflect.create_updater(RESOURCES).diff(Device("d"), Device("d", count=1))) == 1


def test_the_classes_have_the_form_of_the_protocols() -> None:
    """The type checker compares the classes with the protocols here."""
    introspector: models.Introspector = Introspector()
    node: models.ModelNode = Introspector().inspect(Device)
    place: models.Property = _place()
    cloner: models.Cloner = Cloner()
    updater: models.Updater = Updater(introspector)
    codec: models.TextCodec = ScalarTextCodec()
    assert all((introspector, node, place, cloner, updater, codec))


def _place() -> reflect.PathProperty:
    introspector = Introspector()
    introspector.inspect(Device)
    return introspector.property("device.count")


def test_example_of_the_readme() -> None:
    """The example in the README runs and prints what it says."""
    text = metadata("layer8-reflect")["Description"]
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    expected = "".join(f"{line}\n" for line in re.findall(r"# prints (.*)\n", example))
    assert run(example) == expected
