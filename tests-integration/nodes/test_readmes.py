# SPDX-License-Identifier: Apache-2.0
"""Every Python example of every README runs as it stands, in an empty directory."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from .support import environment, free_port, run_program

ROOT: Final = Path(__file__).parents[2]
READMES: Final = [ROOT / "README.md", *sorted(ROOT.glob("packages/*/README.md"))]
BLOCK: Final = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Example(NamedTuple):
    """One block of code and where it stands."""

    place: str
    code: str


def examples() -> list[Example]:
    """All blocks, in the order of the files."""
    return [
        Example(f"{readme.parent.name}:{text.count(chr(10), 0, found.start()) + 1}", found[1])
        for readme in READMES
        for text in [readme.read_text(encoding="utf-8")]
        for found in BLOCK.finditer(text)
    ]


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.place)
async def test_an_example_runs(example: Example, tmp_path: Path) -> None:
    """It ends with success and without a word of complaint."""
    env = environment(tmp_path, port=free_port())
    ended = await run_program("-W", "error", "-c", example.code, cwd=tmp_path, env=env)
    assert (ended.code, ended.traceback) == (0, "")


def test_the_examples_are_found() -> None:
    """A change of the form of the blocks must not make this file prove nothing."""
    marks = sum(readme.read_text(encoding="utf-8").count("```python") for readme in READMES)
    assert len(examples()) == marks > 0


def test_every_package_shows_an_example() -> None:
    """A package without code that runs is one that nobody knows how to begin with."""
    shown = {example.place.partition(":")[0] for example in examples()} - {ROOT.name}
    assert sorted(shown) == [readme.parent.name for readme in READMES[1:]]
