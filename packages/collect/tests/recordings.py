# SPDX-License-Identifier: Apache-2.0
"""Recorded walks of real devices, which are not part of the project."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


def find_recordings() -> list[Path]:
    """The recordings, where they are: ``LAYER8_SHARED`` or the folder beside the checkout."""
    shared = Path(os.environ.get("LAYER8_SHARED", ROOT.parent / "shared"))
    return sorted((shared / "data" / "snmp").glob("*.snmprec"))


def parameters() -> list[Any]:
    """One parameter per recording, or one that is skipped with the reason."""
    found = [pytest.param(path, id=path.stem) for path in find_recordings()]
    reason = "no recordings: set LAYER8_SHARED to the folder with data/snmp"
    return found or [pytest.param(None, marks=pytest.mark.skip(reason=reason))]


def read_mib(path: Path) -> dict[str, Any]:
    """Values by OID, in the types that an SNMP library gives."""
    records = (line.split("|", 2) for line in path.read_text(encoding="ascii").splitlines())
    return {oid: _value(tag, text) for oid, tag, text in records}


def read_expected(path: Path) -> dict[str, Any]:
    """What others found in the recording."""
    text = path.with_suffix(".expected.json").read_text(encoding="utf-8")
    expected: dict[str, Any] = json.loads(text)
    return expected


def _value(tag: str, text: str) -> object:
    if tag.endswith("x"):
        return bytes.fromhex(text)
    if tag == "4":
        return text.encode()
    if tag == "5":
        return None
    return text if tag in ("6", "64") else int(text)
