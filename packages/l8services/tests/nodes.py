# SPDX-License-Identifier: Apache-2.0
"""Type trees of dataclasses, for the services that look at attributes."""

from __future__ import annotations

import dataclasses
import typing
from enum import Enum

from l8types.enums import Container, Kind, Presence
from l8types.naming import go_name

_KINDS = {bool: Kind.BOOL, int: Kind.INT64, float: Kind.FLOAT64, str: Kind.STRING}


class FakeModelNode:
    """A dataclass, or one of its attributes."""

    def __init__(self, model: type, attribute: str = "", hint: object = None) -> None:
        self.attribute = attribute
        self.field_name = go_name(attribute)
        self.container = Container.SINGLE
        self.presence = Presence.ALWAYS
        self.kind = Kind.MESSAGE
        self.enum_class: type[Enum] | None = None
        self.enum: dict[str, int] | None = None
        self.model: type | None = model
        self.type_name = model.__name__
        if attribute:
            self._describe(hint)

    @property
    def attributes(self) -> dict[str, FakeModelNode]:
        assert self.model is not None
        hints = typing.get_type_hints(self.model)
        names = [field.name for field in dataclasses.fields(self.model)]
        nodes = [FakeModelNode(self.model, name, hints[name]) for name in names]
        return {node.field_name.lower(): node for node in nodes}

    def _describe(self, hint: object) -> None:
        self.model = None
        options = typing.get_args(hint)
        if type(None) in options:
            self.presence = Presence.NONE
            hint = next(option for option in options if option is not type(None))
        if typing.get_origin(hint) is list:
            self.container = Container.LIST
            hint = typing.get_args(hint)[0]
        if isinstance(hint, type) and issubclass(hint, Enum):
            self.enum_class = hint
            self.enum = {member.name: member.value for member in hint}
            self.kind = Kind.INT32
            return
        if dataclasses.is_dataclass(hint):
            self.model = typing.cast("type", hint)
            self.type_name = self.model.__name__
            return
        self.kind = _KINDS[typing.cast("type", hint)]
