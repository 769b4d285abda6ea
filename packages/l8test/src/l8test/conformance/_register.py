# SPDX-License-Identifier: Apache-2.0
"""The service that the suite of transaction engines has its writes made on."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from typing_extensions import override

from l8test.services import CountingService
from l8types.enums import Action
from l8types.errors import ConflictError
from l8types.protocols.services import Staged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from l8types.protocols.data import Elements
    from l8types.protocols.services import Call

__all__ = ["RegisterService"]


class RegisterService(CountingService):
    """Keeps texts such as ``a=1`` by what stands before the sign; DELETE takes the key alone.

    It needs no model, so that an engine can be proved alone.

    Attributes:
        texts: What is visible, by key.
        pending: What is staged, by key; ``None`` for what will be removed.
        history: What was made visible, in order.
        acknowledged: How often it was told, as the leader, that writes of a key were acknowledged.
        led: How often it was told that it leads.
        refused: Texts that it refuses; other instances may take them.
        hanging: Whether staging never ends.
    """

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, object] = {}
        self.pending: dict[str, object] = {}
        self.history: list[tuple[str, object]] = []
        self.acknowledged: Counter[str] = Counter()
        self.led = 0
        self.refused: set[str] = set()
        self.hanging = False

    @override
    async def get(self, elements: Elements, call: Call) -> Elements:
        """The texts of these keys; those that are absent are left out."""
        await super().get(elements, call)
        found = [self.texts[str(key)] for key in elements.values if key in self.texts]
        return call.vnic.resources.elements.of(*found)

    async def stage(self, elements: Elements, call: Call) -> Staged:
        """Stage all texts, or none of them.

        Raises:
            ConflictError: One of them is to be refused.
        """
        self.calls.append(call)
        if self.hanging:
            await asyncio.Event().wait()
        texts = [str(value) for value in elements.values]
        for text in texts:
            if text in self.refused:
                raise ConflictError(f"{text} is not wanted here")
        gone = call.action is Action.DELETE
        changes = [(text.partition("=")[0], None if gone else text) for text in texts]
        self.pending.update(changes)
        return Staged(call.vnic.resources.elements.of(*texts), changes)

    def unstage(self) -> None:
        """Drop what is staged."""
        self.pending.clear()

    def apply(self, changes: Sequence[tuple[str, object]]) -> None:
        """Make changes visible."""
        for key, text in changes:
            self.history.append((key, text))
            self.pending.pop(key, None)
            if text is None:
                self.texts.pop(key, None)
            else:
                self.texts[key] = text

    def content(self) -> Iterator[tuple[str, object]]:
        """What is visible."""
        return iter(list(self.texts.items()))

    async def initial(self) -> Sequence[tuple[str, object]]:
        """A new service begins with one text."""
        return [("first", "first=0")]

    def leading(self) -> None:
        """Count that it leads."""
        self.led += 1

    def applied(self, keys: Sequence[str]) -> None:
        """Count the keys."""
        self.acknowledged.update(keys)
