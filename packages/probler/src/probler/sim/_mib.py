# SPDX-License-Identifier: Apache-2.0
"""The object instances of one device, in the order that SNMP walks them.

Bisection on one sorted list answers GETNEXT; values that never change are encoded once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Mapping
from typing import TypeAlias

from probler.sim._ber import encode_varbind
from probler.sim._values import Kind, Oid, Value

__all__ = ["Mib", "Reading", "Source"]

Reading: TypeAlias = Callable[[float], Value]
"""Value at a time, in seconds since the simulation started; always of the same kind."""

Source: TypeAlias = Value | Reading
"""Where the value of an instance comes from."""

_NO_SUCH_INSTANCE = Value(Kind.NO_SUCH_INSTANCE)
_NO_SUCH_OBJECT = Value(Kind.NO_SUCH_OBJECT)


class Mib:
    """Instances of a device; a plain container without locks, for one event loop.

    Args:
        sources: Value or reading of each instance.
    """

    def __init__(self, sources: Mapping[Oid, Source]) -> None:
        self._sources = dict(sources)
        self._order = sorted(self._sources)
        self._encoded: dict[Oid, bytes] = {}

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, oid: Oid) -> bool:
        return oid in self._sources

    def value(self, oid: Oid, now: float) -> Value:
        """Value of an instance at a time.

        Args:
            oid: Instance that is there.
            now: Seconds since the simulation started.

        Raises:
            KeyError: There is no such instance.
        """
        source = self._sources[oid]
        return source if isinstance(source, Value) else source(now)

    def varbind(self, oid: Oid, now: float) -> bytes:
        """Encoded variable binding of an instance at a time; arguments as for :meth:`value`."""
        encoded = self._encoded.get(oid)
        if encoded is None:
            encoded = encode_varbind(oid, self.value(oid, now))
            if isinstance(self._sources[oid], Value):
                self._encoded[oid] = encoded
        return encoded

    def successor(self, oid: Oid) -> Oid | None:
        """First instance after an OID, which need not exist; ``None`` at the end."""
        index = bisect_right(self._order, oid)
        return self._order[index] if index < len(self._order) else None

    def absence(self, oid: Oid) -> Value:
        """Why there is no such instance: noSuchInstance or noSuchObject.

        A walk does not show objects without instances, nor where an index begins. An object is
        taken as present when an instance of it is there that differs in the last arc at most;
        this is right for scalars and for tables with a one-arc index.
        """
        for parent in (oid[:-1], oid):
            index = bisect_left(self._order, parent)
            # The instance right at or after the parent decides, unless it lies deeper.
            if index < len(self._order) and self._order[index][:-1] == parent:
                return _NO_SUCH_INSTANCE
        return _NO_SUCH_OBJECT

    def put(self, oid: Oid, source: Source) -> None:
        """Add an instance, or give one another value."""
        if oid not in self._sources:
            insort(self._order, oid)
        self._sources[oid] = source
        self._encoded.pop(oid, None)

    def remove(self, oid: Oid) -> None:
        """Remove an instance.

        Raises:
            KeyError: There is no such instance.
        """
        del self._sources[oid]
        del self._order[bisect_left(self._order, oid)]
        self._encoded.pop(oid, None)
