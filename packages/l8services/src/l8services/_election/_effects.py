# SPDX-License-Identifier: Apache-2.0
"""Collects what one step of an election brings about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.protocols.services import ElectionEffect

if TYPE_CHECKING:
    from l8types.enums import Action

__all__ = ["Effects"]


class Effects:
    """Effects in the order in which they are to be carried out."""

    def __init__(self) -> None:
        self._effects: list[ElectionEffect] = []
        self._wake_at: float | None = None

    def send(self, action: Action, epoch: int, *, target: str = "", named: str = "") -> None:
        """Send a message to a node, or to all participants."""
        self._effects.append(ElectionEffect(action, target=target, epoch=epoch, named=named))

    def keep(self, epoch: int) -> None:
        """Have an epoch remembered."""
        self._effects.append(ElectionEffect(keep=epoch))

    def lead(self, leader: str, epoch: int, reason: str) -> None:
        """Tell who leads from now on."""
        self._effects.append(ElectionEffect(leader=leader, epoch=epoch, reason=reason))

    def wake(self, at: float | None) -> None:
        """Ask for a tick; nothing happens when the same one was asked for already."""
        if at is not None and at != self._wake_at:
            self._effects.append(ElectionEffect(wake_at=at))
        self._wake_at = at

    def take(self) -> list[ElectionEffect]:
        """Remove and return all."""
        effects, self._effects = self._effects, []
        return effects
