# SPDX-License-Identifier: Apache-2.0
"""Named steps of code under test, at which a host can be made to crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8test.sim._errors import SimulatedCrash
from l8test.sim._process import CURRENT

if TYPE_CHECKING:
    from l8test.sim._host import Death, Host

__all__ = ["CrashPoints", "step"]


class _Order:
    __slots__ = ("death", "host", "left", "name")

    def __init__(self, name: str, host: str, left: int, death: Death) -> None:
        self.name = name
        self.host = host
        self.left = left
        self.death = death


class CrashPoints:
    """Which steps are to be the last of their hosts."""

    def __init__(self) -> None:
        self._orders: list[_Order] = []

    def order(self, name: str, host: str, nth: int, death: Death) -> None:
        """Crash a host when it takes a step for the ``nth`` time from now."""
        if nth < 1:
            raise ValueError(f"nth {nth} is below 1, the next time")
        self._orders.append(_Order(name, host, nth, death))

    def pending(self) -> list[tuple[str, str]]:
        """Steps that were ordered and not taken yet, each with its host."""
        return [(one.name, one.host) for one in self._orders]

    def cancel(self) -> None:
        """Nobody crashes any more of those who have not yet."""
        self._orders.clear()

    def reached(self, name: str, host: Host) -> None:
        """A host takes a step.

        Raises:
            SimulatedCrash: It was its last.
        """
        for order in self._orders:
            if order.name == name and order.host == host.name:
                order.left -= 1
                if order.left == 0:
                    self._orders.remove(order)
                    host.crash(name, order.death)
                    raise SimulatedCrash(f"{host.name} crashed at {name}")


def step(name: str) -> None:
    """Name the place that the running code has reached.

    Costs next to nothing and does nothing, unless a simulation was told to crash this host here;
    then it does not return. Code under test need not import it: give it as a hook.

    Args:
        name: E.g. "journal.append".
    """
    process = CURRENT.get()
    if process is not None and not process.dead:
        process.host.reached(name)
