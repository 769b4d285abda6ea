# SPDX-License-Identifier: Apache-2.0
"""Models of plain Python that the tests query."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum


class State(IntEnum):
    """An enumerated attribute."""

    UNKNOWN = 0
    UP = 1
    DOWN = 2


@dataclass
class Port:
    """A nested item."""

    name: str = ""
    speed: int | None = None
    alias: str | None = None


@dataclass
class Device:
    """An item with every way to be absent."""

    id: str
    vendor: str = ""
    cost_eur: float = 0.0
    count: int = 0
    active: bool = False
    state: State = State.UNKNOWN
    note: str | None = None
    weight: float | None = None
    main: Port | None = None
    ports: list[Port] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    slots: dict[int, Port] = field(default_factory=dict)
    extra: list[Port] | None = None
    digest: bytes = b""


@dataclass
class T:
    """The short names of the wire vectors."""

    A: str = ""
    B: int = 0
    C: int = 0
    G: str = ""
    Amt: int = 0


@dataclass
class Odd:
    """Attributes called like keywords of the language."""

    limit: int = 0
    select: str = ""
    all: int = 0
    like: str = ""
