# SPDX-License-Identifier: Apache-2.0
"""A port that a process can have again after it was killed."""

from __future__ import annotations

import random
import socket
from pathlib import Path
from typing import Final

__all__ = ["lasting_port"]

_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST: Final = 10_000
_USUAL: Final = 32_768
"""Where the range of connecting sockets begins unless the machine says otherwise."""
_ATTEMPTS: Final = 100
_DICE: Final = random.SystemRandom()


def lasting_port(host: str = "127.0.0.1") -> int:
    """A free TCP port outside the range that connecting sockets get theirs from.

    A port of that range may be taken while its owner is down, and who dials it meanwhile may even
    be connected to itself.

    Raises:
        OSError: None was found.
    """
    for _ in range(_ATTEMPTS):
        port = _DICE.randrange(_LOWEST, _highest())
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port on {host} in {_ATTEMPTS} attempts")


def _highest() -> int:
    try:
        first = int(_RANGE.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return _USUAL
    return first if first > _LOWEST else _USUAL
