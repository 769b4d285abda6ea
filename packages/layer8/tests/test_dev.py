# SPDX-License-Identifier: Apache-2.0
"""Nodes in one process that start again when their code changes."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from l8types.errors import ConfigurationError
from layer8 import load_settings
from layer8._dev import Project, develop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

MODELS = """
from dataclasses import dataclass

@dataclass
class Page:
    number: int = 0
    text: str = ""
"""
NODES = """
from contextlib import asynccontextmanager
from dev_models import Page

async def pages(node):
    await node.serve(Page, key="number", name="Pages", web=True)
    await node.post("Pages", Page(1, "{text}"))

@asynccontextmanager
async def reader(node):
    node.resources.register(Page)
    while not node.vnic.directory.services_of_model("Page"):
        import asyncio
        await asyncio.sleep(0.01)
    [page] = await node.get("select * from Page")
    Path = __import__("pathlib").Path
    log = Path(__file__).with_name("log.txt")
    with log.open("a") as out:
        out.write(f"read {{page.text}}\\n")
    try:
        yield
    finally:
        with log.open("a") as out:
            out.write("left\\n")
"""


class Workshop:
    """A project in a folder, and what was said of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        (folder / "dev_models.py").write_text(MODELS)
        self.write("first")

    def write(self, text: str) -> None:
        """Change the code of the nodes."""
        (self.folder / "dev_nodes.py").write_text(NODES.format(text=text))

    @property
    def log(self) -> list[str]:
        """What the nodes did."""
        path = self.folder / "log.txt"
        return path.read_text().splitlines() if path.exists() else []

    async def until(self, wanted: str, count: int = 1) -> None:
        """Wait until something was said so often."""
        async with asyncio.timeout(20):
            while sum(wanted in line for line in self.said) < count:
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def running(self, data: Path) -> AsyncIterator[None]:
        """Develop it."""
        settings = load_settings(data_directory=data, environment={}, request_timeout=10.0)
        targets = [f"{self.folder}/dev_nodes.py:{name}" for name in ("pages", "reader")]
        async with asyncio.TaskGroup() as tasks:
            work = tasks.create_task(develop(targets, settings, self.said.append))
            try:
                yield
            finally:
                work.cancel()


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """A project."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Workshop(folder)


async def test_a_change_starts_the_nodes_again(workshop: Workshop, tmp_path: Path) -> None:
    """All nodes run in this process and see each other; after a change with the new code."""
    before = sys.path[:]
    async with workshop.running(tmp_path):
        await workshop.until("ready after")
        assert workshop.log == ["read first"]
        workshop.write("second")
        await workshop.until("dev_nodes.py changed")
        await workshop.until("ready after", 2)
        assert workshop.log == ["read first", "left", "read second"]
        first, second = (line for line in workshop.said if line.startswith("pages is at http"))
        assert first == second
    assert workshop.log[-1] == "left"
    assert sys.path == before


async def test_an_error_waits_for_the_next_change(workshop: Workshop, tmp_path: Path) -> None:
    """Code that is wrong is told with its place; what had started is left, and can be repaired."""
    (workshop.folder / "dev_models.py").write_text("what ever")
    async with workshop.running(tmp_path):
        await workshop.until("waiting for a change")
        assert any("SyntaxError" in line and "dev_models.py" in line for line in workshop.said)
        (workshop.folder / "dev_models.py").write_text(MODELS)
        await workshop.until("ready after")
        nodes = "async def pages(node): 1 / 0\nreader = pages\n"
        (workshop.folder / "dev_nodes.py").write_text(nodes)
        await workshop.until("ZeroDivisionError")
        await workshop.until("waiting for a change", 2)
        (workshop.folder / "dev_nodes.py").write_text("async def pages(node): pass\n")
        await workshop.until("has no function 'reader'")
        workshop.write("third")
        await workshop.until("ready after", 2)
        assert workshop.log[-1] == "read third"


@pytest.mark.parametrize("target", ["", "books", "books:", ":books", "books:two words"])
def test_what_is_no_target(target: str) -> None:
    """It is told what a target looks like."""
    with pytest.raises(ConfigurationError, match="MODULE:FUNCTION"):
        Project([target])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """It is told before anything is started."""
    with pytest.raises(ConfigurationError, match="there is no file"):
        Project([f"{tmp_path}/nothing.py:books"])


def test_only_own_code_is_watched(tmp_path: Path) -> None:
    """Libraries below the project, and what tools keep there, are left alone."""
    for name in (".venv/lib/x.py", "site-packages/y.py", "__pycache__/z.py", "own/a.py", "b.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "c.py").write_text("")
    project = Project([f"{tmp_path}/c.py:run"])
    assert {path.name for path in project.snapshot()} == {"a.py", "c.py"}
