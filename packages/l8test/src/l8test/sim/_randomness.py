# SPDX-License-Identifier: Apache-2.0
"""While a simulation runs, all sources of randomness are drawn from its seed."""

from __future__ import annotations

import os
import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from l8test.sim._process import CURRENT

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["seeded"]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw ``random``, ``os.urandom``, ``secrets`` and ``uuid`` from a seed; restored afterwards.

    Each host has a source of its own, so that what one of them does changes nothing for the
    others. The functions of the module ``random`` share one.

    Args:
        seed: Where all begins.
    """
    scenario = random.Random(f"{seed}/scenario")  # noqa: S311 - repeatable is what is wanted

    def urandom(size: int) -> bytes:
        process = CURRENT.get()
        return (scenario if process is None else process.host.random).randbytes(size)

    module = cast("Any", random)
    state, real, imported = random.getstate(), os.urandom, module._urandom  # noqa: SLF001
    random.seed(f"{seed}/shared")
    os.urandom = urandom
    # SystemRandom and with it ``secrets`` use the name that the module imported.
    module._urandom = urandom  # noqa: SLF001
    try:
        yield
    finally:
        os.urandom = real
        module._urandom = imported  # noqa: SLF001
        random.setstate(state)
