# SPDX-License-Identifier: Apache-2.0
"""Pending requests whose numbers fit the four bytes that they have in the ``go`` profile."""

from __future__ import annotations

from typing import Final, TypeVar

from typing_extensions import override

from layer8_net._core.pending import Pending

__all__ = ["WrappingPending"]

W = TypeVar("W")
_LARGEST: Final = 0xFFFF_FFFF


class WrappingPending(Pending[W]):
    """Starts over with 1 after the largest number, past those that still wait."""

    @override
    def next_sequence(self) -> int:
        number = self._sequence
        while True:
            number = number % _LARGEST + 1
            if number not in self._requests:
                self._sequence = number
                return number
