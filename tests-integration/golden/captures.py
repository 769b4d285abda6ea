# SPDX-License-Identifier: Apache-2.0
"""Recordings of Go nodes, where they are on this machine; they are no part of the repository.

The folder is the one of the environment variable ``LAYER8_GOLDEN``, or ``../shared/golden`` beside
the repository. Each recording tells the bytes of one message and what they mean.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest

from l8utils.testing import SECRET
from layer8_net.go import CfbCipher

Json: TypeAlias = Any
"""What a recording says; its form is that of whoever recorded it."""

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = Path(os.environ.get("LAYER8_GOLDEN") or ROOT.parent / "shared" / "golden")
REASON: Final = f"no recordings of Go nodes in {FOLDER}; set LAYER8_GOLDEN to their folder"


def load(name: str) -> Json:
    """One recording."""
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        pytest.skip(REASON)
    return json.loads(path.read_text(encoding="utf-8"))


def _names() -> list[str]:
    index = FOLDER / "index.json"
    if not index.is_file():
        return []
    return [entry["name"] for entry in json.loads(index.read_text(encoding="utf-8"))]


NAMES: Final = _names()
MESSAGES: Final = [name for name in NAMES if "body_hex" in load(name)]


def some(names: list[str]) -> list[Json]:
    """Names as parameters of a test, or one that is skipped with the reason."""
    return names or [pytest.param("", marks=pytest.mark.skip(reason=REASON))]


def cipher_of(key: bytes, iv: str) -> CfbCipher:
    """The cipher with the start of a recording."""
    start = bytes.fromhex(iv)
    return CfbCipher(key, lambda: start)


__all__ = ["MESSAGES", "NAMES", "SECRET", "Json", "cipher_of", "load", "some"]
