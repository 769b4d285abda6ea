# SPDX-License-Identifier: Apache-2.0
"""A service that writes down what it executes where a killed process leaves it behind."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from typing_extensions import override

from l8test.services import CountingService

if TYPE_CHECKING:
    from pathlib import Path

    from l8types.enums import Action
    from l8types.protocols.data import Elements
    from l8types.protocols.services import Call

__all__ = ["Ledger"]


class Ledger(CountingService):
    """Echoes, and appends one line per execution to a file: verb and what it was given.

    Each line is one write to the file, so that it is there as soon as the answer is, whatever
    happens to the process.

    Args:
        file: Shared by all services of a network.
        writer: Name of the node.
    """

    def __init__(self, file: Path, writer: str) -> None:
        super().__init__()
        self._writer = writer
        self._handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    @override
    async def deactivate(self) -> None:
        await super().deactivate()
        os.close(self._handle)

    @override
    def _echo(self, verb: Action, elements: Elements, call: Call) -> Elements:
        self.counts[verb] += 1
        for value in elements.values:
            line = f"{self._writer} {verb.name} {value}\n"
            # Whatever somebody sends must not fail here.
            os.write(self._handle, line.encode(errors="backslashreplace"))
        return elements
