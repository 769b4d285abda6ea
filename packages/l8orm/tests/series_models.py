# SPDX-License-Identifier: Apache-2.0
"""Models with time series, and an introspector that knows their property ids."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.message_factory import GetMessageClass

from l8types.enums import DecoratorType
from l8types.errors import PropertyError
from l8types.pb import L8TSDBQuery
from l8types.values import TimeSeriesPoint

from .fakes import FakeIntrospector

if TYPE_CHECKING:
    from l8types.protocols.models import Introspector


@dataclass
class Port:
    """A part with a series of its own."""

    name: str = ""
    load: list[TimeSeriesPoint] = field(default_factory=list)


@dataclass(frozen=True)
class Device:
    """Series at every place where one can be; instances cannot be changed."""

    id: str
    usage: list[TimeSeriesPoint]
    heat: list[TimeSeriesPoint] | None = None
    name: str = ""
    ports: list[Port] = field(default_factory=list)
    named: dict[str, Port] = field(default_factory=dict)
    main: Port | None = None


def _meter_message() -> Any:
    """A message with a series."""
    file = FileDescriptorProto(name="l8orm_meter.proto", package="l8orm", syntax="proto3")
    file.dependency.append("l8types/pb/api.proto")
    message, kinds = file.message_type.add(name="Meter"), FieldDescriptorProto
    message.field.add(name="id", number=1, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
    message.field.add(
        name="usage",
        number=2,
        type=kinds.TYPE_MESSAGE,
        type_name=".l8api.L8TimeSeriesPoint",
        label=kinds.LABEL_REPEATED,
    )
    # Beside the point's own file, so that its class is the one that everybody knows.
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return GetMessageClass(pool.FindMessageTypeByName("l8orm.Meter"))


Meter = _meter_message()

_ID = re.compile(r"(\w+)<\{24\}(?:\{24\})?([^>]*)>\.(.+)")
_STEP = re.compile(r"(\w+)(?:<\{(\d+)%?\}([^>]*)>)?")


class FakeProperty:
    """A property of a model whose key is a text."""

    def __init__(self, owner: SeriesIntrospector, model: Any, key: str, path: str) -> None:
        self._owner = owner
        self._key = key
        self.id = f"{model.__name__.lower()}<{{24}}{{24}}{key}>.{path}"
        self.node = owner.inspect(model)
        self._steps = [cast("re.Match[str]", _STEP.fullmatch(step)) for step in path.split(".")]
        for step in self._steps:
            if step[1] not in self.node.attributes:
                raise PropertyError(f"{self.id} is no property: there is no {step[1]}")
            self.node = self.node.attributes[step[1]]

    def get(self, instance: Any) -> Any:
        for step in self._steps:
            instance = getattr(instance, step[1])
            if step[2]:
                instance = instance[int(step[3]) if step[2] == "2" else step[3]]
        return instance

    def set(self, instance: Any, value: object) -> None:
        # As the real ones do, which also need no key of the instance they are given.
        key = self._owner.fields(type(instance), DecoratorType.PRIMARY)
        assert key is not None
        attribute = self._owner.inspect(instance).attributes[key[0].lower()].attribute
        if isinstance(instance, Device):
            object.__setattr__(instance, attribute, self._key)
        else:
            setattr(instance, attribute, self._key)


class SeriesIntrospector(FakeIntrospector):
    """One that knows properties, too."""

    def property_for(self, item: object, path: str) -> FakeProperty:
        return FakeProperty(self, type(item), self.primary_key(item), path)

    def property(self, property_id: str) -> FakeProperty:
        found = _ID.fullmatch(property_id)
        models = {model.__name__.lower(): model for model in self.nodes}
        if found is None or found[1] not in models:
            raise PropertyError(f"{property_id} is no property id")
        return FakeProperty(self, models[found[1]], found[2], found[3])


def series_introspector() -> Introspector:
    """An introspector that knows the models of this file."""
    made = SeriesIntrospector()
    for model in (Device, Meter):
        made.inspect(model)
        made.decorate(model, DecoratorType.PRIMARY, "id")
    made.inspect(L8TSDBQuery)
    return cast("Introspector", made)
