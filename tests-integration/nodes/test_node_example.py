# SPDX-License-Identifier: Apache-2.0
"""The example that the project starts from, as a user writes it and runs it."""

from __future__ import annotations

import asyncio
import re
import signal
import sqlite3
from typing import TYPE_CHECKING

import pytest

from .support import environment, free_port, listening, program, run_program, until

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = """\
import asyncio
from dataclasses import dataclass

import layer8


@dataclass
class Book:
    isbn: str
    title: str
    price: float = 0.0


async def main():
    async with layer8.Node("books") as node:  # joins (or starts) the local network
        await node.serve(Book, key="isbn", name="Books", store="sqlite:///books.db", web=True)
        await node.post("Books", Book("1", "Dune", 9.5))
        print(await node.get("select * from Book where price<20 sort-by title"))


asyncio.run(main())
"""

READER = EXAMPLE.replace('        await node.post("Books", Book("1", "Dune", 9.5))\n', "")
"""The same, without writing anything."""

MODEL = """\
from dataclasses import dataclass


@dataclass
class Book:
    isbn: str
    title: str
"""

SHARER = """\
import asyncio
import sys

import layer8
from model import Book


async def main():
    async with layer8.Node(sys.argv[1]) as node:
        await node.serve(Book, key="isbn", name="Books")
        print("ready", flush=True)
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            if line.strip():
                await node.post("Books", Book(line.strip(), "shared"))
            books = await node.get("select * from Book sort-by isbn")
            print(*(book.isbn for book in books), flush=True)


layer8.run(main())
"""
"""Adds a book for each line that it is told, and tells the numbers of all books."""

DUNE = "[Book(isbn='1', title='Dune', price=9.5)]"


@pytest.mark.feature("l8services:BAS-01", "l8services:BAS-03", "l8types:TYP-42")
async def test_the_example_runs_as_it_is_written(tmp_path: Path) -> None:
    """It prints the book, tells once how to log in, and its gateway lets it end."""
    env = environment(tmp_path, port=free_port())
    ended = await run_program("-c", EXAMPLE, cwd=tmp_path, env=env)
    assert (ended.code, ended.out) == (0, f"{DUNE}\n")
    assert re.fullmatch(r"created user 'admin'; its password is in .*/admin-password\n", ended.err)
    again = await run_program("-c", EXAMPLE, cwd=tmp_path, env=env)
    assert (again.code, again.out, again.err) == (0, f"{DUNE}\n", "")


@pytest.mark.feature("l8orm:ORM-02", "l8orm:ORM-10")
async def test_a_second_run_finds_what_the_first_one_stored(tmp_path: Path) -> None:
    """The book is in the database file beside the program, and back in the next process."""
    env = environment(tmp_path, port=free_port())
    await run_program("-c", EXAMPLE, cwd=tmp_path, env=env)
    database = sqlite3.connect(f"file:{tmp_path / 'books.db'}?mode=ro", uri=True)
    try:
        tables = database.execute("select count(*) from sqlite_schema").fetchone()
    finally:
        database.close()
    assert tables[0] > 0
    ended = await run_program("-c", READER, cwd=tmp_path, env=env)
    assert (ended.code, ended.out, ended.traceback) == (0, f"{DUNE}\n", "")


@pytest.mark.parametrize("number", [None, signal.SIGKILL], ids=["ends", "is killed"])
@pytest.mark.feature("layer8-net:NET-01", "layer8-net:NIC-06", "l8services:DCH-06")
async def test_processes_share_a_network_that_outlives_the_first(
    tmp_path: Path, number: int | None
) -> None:
    """The second process joins the switch of the first, and has one of its own when it ends."""
    port = free_port()
    env = environment(tmp_path, port=port, keep_alive=1)
    (tmp_path / "model.py").write_text(MODEL)
    async with program("-c", SHARER, "first", cwd=tmp_path, env=env) as first:
        assert await first.line() == "ready"
        async with (
            program("-c", SHARER, "second", cwd=tmp_path, env=env) as second,
            program("-c", SHARER, "third", cwd=tmp_path, env=env) as third,
        ):
            assert await second.line() == "ready"
            assert await third.line() == "ready"
            assert await second.ask("by-second") == "by-second"
            await until(lambda: first.ask(""), lambda books: books == "by-second")
            ended = await first.end(number)
            assert ended.code == (0 if number is None else -number)
            assert ended.traceback == ""
            # Nobody but the second and the third is left to offer a switch.
            await until(lambda: listening(port))
            await second.ask("after-first")
            await until(lambda: third.ask(""), lambda books: books == "after-first by-second")
            for survivor in (await second.end(), await third.end()):
                assert (survivor.code, survivor.traceback) == (0, "")


async def test_processes_that_start_at_once_find_each_other(tmp_path: Path) -> None:
    """Whoever is first has the switch; nobody fails because another one was faster."""
    env = environment(tmp_path, port=free_port(), keep_alive=1)
    (tmp_path / "model.py").write_text(MODEL)
    async with (
        program("-c", SHARER, "one", cwd=tmp_path, env=env) as one,
        program("-c", SHARER, "two", cwd=tmp_path, env=env) as two,
    ):
        async with asyncio.TaskGroup() as group:
            ready = [group.create_task(each.line(), name="test: ready") for each in (one, two)]
        assert [each.result() for each in ready] == ["ready", "ready"]
        await one.ask("by-one")
        await until(lambda: two.ask(""), lambda books: books == "by-one")
