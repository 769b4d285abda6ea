# SPDX-License-Identifier: Apache-2.0
"""The pages for who runs a network are complete."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path
from typing import Final

from l8types.errors import L8Error

PAGE: Final = Path(__file__).parents[2] / "docs" / "errors.md"
PACKAGES: Final = (
    "collect",
    "gsql",
    "l8orm",
    "l8secure",
    "l8services",
    "l8srlz",
    "l8types",
    "l8utils",
    "l8web",
    "layer8_net",
    "reflect",
)


def codes(kind: type[L8Error]) -> set[str]:
    """Codes of a class and of all that derive from it in our packages."""
    ours = kind.__module__.split(".")[0] in PACKAGES
    return ({kind.code} if ours else set()).union(*map(codes, kind.__subclasses__()))


def test_every_code_has_a_line() -> None:
    """With its cause and what to do, in alphabetical order; no line is for a code that is gone."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            importlib.import_module(module.name)
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    told = [code for code, _, _ in rows]
    assert told == sorted(told)
    assert set(told) == codes(L8Error)
