# SPDX-License-Identifier: Apache-2.0
"""Which collector polls which target, without network.

Every node that knows the same collectors comes to the same answer (rendezvous hashing): no table
has to be kept, and when a collector joins or leaves, only its own targets move.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["owner_of"]


def owner_of(target_id: str, collectors: Sequence[str]) -> str:
    """Id of the collector that polls a target, "" when there is none."""
    return max(collectors, key=lambda collector: _weight(target_id, collector), default="")


def _weight(target_id: str, collector: str) -> tuple[bytes, str]:
    text = f"{collector}\0{target_id}".encode()
    return hashlib.blake2b(text, digest_size=8).digest(), collector
