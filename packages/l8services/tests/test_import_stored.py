# SPDX-License-Identifier: Apache-2.0
"""Imports of files that a store keeps, and imports that go on after a failure."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from l8services.files import FILE_STORE, FileClient, FileKeys, FileLimits, file_store_sla
from l8services.imports import ImportLimits
from l8types.enums import Action
from l8types.errors import (
    DecodeError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)
from l8types.pb import (
    L8FileDownloadRequest,
    L8FileDownloadResponse,
    L8ImportExecuteRequest,
    L8ImportExecuteResponse,
)

from .importing import EXEC, GOOD, Target, counts, halted, importer, request
from .model import Book
from .network import FakeNetwork, FakeNode
from .virtual import run

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from l8services.files import FileStore
    from l8types.protocols.data import Elements
    from l8types.protocols.services import Call


KEYS = FileKeys("one", {"one": b"k" * 32})
ROWS = 30_000
LARGE = "isbn,title\n" + "".join(f"{n},{'t' * 60}\n" for n in range(ROWS))


async def keep(
    network: FakeNetwork, root: Path, name: str, data: str = GOOD, file: str = "b.csv"
) -> str:
    """A node with a store, and a file in it; its id."""
    node = network.node(name)
    limits = FileLimits(part_bytes=65_536)
    await node.services.activate(file_store_sla(root, keys=KEYS, limits=limits), node.nic)
    client = FileClient(node.nic, node=node.uuid)
    return (await client.upload(file, data.encode())).storage_path


async def take(
    node: FakeNode,
    path: str = "",
    row: int | None = None,
    *,
    asked: object = None,
    identity: str = "",
    action: Action = Action.POST,
) -> L8ImportExecuteResponse:
    """Import a stored file, or that of a request, from a row on."""
    values: list[object] = [asked or L8ImportExecuteRequest(template_id="books")]
    values += [L8FileDownloadRequest(storage_path=path)] if path else []
    values += [] if row is None else [row]
    answer = await node.do(action, *values, key=EXEC, identity=identity)
    return cast("L8ImportExecuteResponse", answer.first)


def damage(root: Path) -> None:
    """Change a byte near the end of the file that is kept there."""
    [data] = root.rglob("*.data")
    raw = bytearray(data.read_bytes())
    raw[-100] ^= 1
    data.write_bytes(raw)


@pytest.mark.feature("IMP-01")
def test_stored_file_is_imported_by_its_id(tmp_path: Path) -> None:
    """Its own name tells the format, and whichever store has it is found."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            await keep(network, tmp_path / "b", "b", "nothing of interest\n1\n")
            path = await keep(network, tmp_path / "c", "c", '[{"isbn": "7"}]', "books.json")
            assert counts(await take(node, path)) == (1, 1, 0)
            assert node.books()["7"] == Book("7")
            told = await take(node, path, action=Action.GET)
            assert counts(told) == (1, 1, 0)

    run(scenario())


def test_stored_file_is_named_in_one_message(tmp_path: Path) -> None:
    """As callers over the web do, who send one; the row may follow all the same."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            path = await keep(network, tmp_path, "b")
            asked = L8ImportExecuteRequest(template_id="books", file_data=f"stored:{path}")
            assert counts(await take(node, asked=asked)) == (3, 3, 0)
            assert counts(await take(node, row=3, asked=asked)) == (1, 1, 0)
            for data in ("stored:", "stored: ?", f"stored:{path}{path}"):
                asked = L8ImportExecuteRequest(template_id="books", file_data=data)
                with pytest.raises((InvalidInputError, NotFoundError)):
                    await take(node, asked=asked)
            asked = L8ImportExecuteRequest(template_id="books", file_data=f"x stored:{path}")
            with pytest.raises(InvalidInputError, match="no base64"):
                await take(node, asked=asked)

    run(scenario())


def test_large_file_comes_in_parts(tmp_path: Path) -> None:
    """A file of many parts is imported completely; none of its messages is large."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            target = Target()
            node = await importer(network, target=target, limits=ImportLimits(batch_size=1000))
            path = await keep(network, tmp_path, "b", LARGE)
            seen: list[int] = []
            real = node.nic.stream

            async def watched(*arguments: Any, **options: Any) -> AsyncGenerator[Elements, None]:
                async for part in real(*arguments, **options):
                    seen.append(len(cast("L8FileDownloadResponse", part.first).file_data))
                    yield part

            node.nic.stream = watched  # type: ignore[method-assign]
            assert counts(await take(node, path)) == (ROWS, ROWS, 0)
            assert len(target.taken) == ROWS
            assert len(seen) > 20
            assert max(seen) <= 65_536
            assert sum(seen) == len(LARGE)

    run(scenario())


def test_caller_needs_to_see_the_file(tmp_path: Path) -> None:
    """The store is asked in the name of the caller."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            path = await keep(network, tmp_path, "b")
            keeper = network.nodes["b".ljust(36, "0")]

            def scope_item(identity: str, item: object) -> object | None:
                return None if identity == "eve" else item

            keeper.resources.security.scope_item = scope_item  # type: ignore[method-assign]
            assert counts(await take(node, path, identity="ann")) == (3, 3, 0)
            with pytest.raises(NotFoundError, match="no file"):
                await take(node, path, identity="eve")

    run(scenario())


def test_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Whether there is no store, no such file, or a store that does not answer."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            with pytest.raises(UnavailableError, match="offers a file store"):
                await take(node, "0" * 32)
            await keep(network, tmp_path / "b", "b")
            with pytest.raises(NotFoundError, match="no file '0000"):
                await take(node, "0" * 32)
            await keep(network, tmp_path / "c", "c")
            silent = network.nodes["b".ljust(36, "0")].services.handler(FILE_STORE)

            async def away(elements: Elements, call: Call) -> AsyncGenerator[Elements, None]:
                raise UnavailableError("the disk is away")
                yield

            cast("FileStore", silent).stream = away  # type: ignore[method-assign]
            with pytest.raises(UnavailableError, match="in none of the stores that answer"):
                await take(node, "0" * 32)
            assert node.books() == {}

    run(scenario())


def test_file_above_the_limit_is_refused_at_its_first_part(tmp_path: Path) -> None:
    """What an import cannot hold is not fetched."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network, limits=ImportLimits(max_bytes=100_000))
            path = await keep(network, tmp_path, "b", LARGE)
            with pytest.raises(InvalidInputError, match=r"at most 100000 are taken"):
                await take(node, path)

    run(scenario())


def test_damaged_file_is_not_imported(tmp_path: Path) -> None:
    """Not even the part of it that can be read."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            target = Target()
            node = await importer(network, target=target)
            path = await keep(network, tmp_path, "b", LARGE)
            damage(tmp_path)
            with pytest.raises(DecodeError):
                await take(node, path)
            assert target.batches == []

    run(scenario())


@pytest.mark.feature("IMP-01")
def test_import_goes_on_from_the_row_at_which_it_failed() -> None:
    """The errors name the rows that may be missing; from the first of them on nothing is lost."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            target = Target()
            target.failure, target.after = UnavailableError("no leader"), 2
            node = await importer(network, target=target)
            asked = request("isbn\n" + "".join(f"{n}\n" for n in range(1, 10)))
            found = await take(node, asked=asked)
            assert counts(found) == (6, 4, 2)
            first = min(error.row_number for error in found.row_errors)
            target.failure = None
            assert counts(await take(node, row=first, asked=asked)) == (5, 5, 0)
            assert list(target.taken) == [str(n) for n in range(1, 10)]
            assert target.batches[3:] == [["5", "6"], ["7", "8"], ["9"]]

    run(scenario())


def test_cancelled_import_goes_on_after_its_last_row() -> None:
    """The error of the cancellation names the last row that was worked on."""

    async def scenario() -> None:
        async with FakeNetwork() as network, asyncio.TaskGroup() as group:
            asked = request("isbn\n" + "".join(f"{n}\n" for n in range(1, 8)))
            node, target, task = await halted(network, group, asked)
            await node.do(Action.DELETE, asked, key=EXEC)
            for _ in range(20):
                target.gate.release()
            [error] = (await task).row_errors
            assert "cancelled after this row" in error.error_message
            await take(node, row=error.row_number + 1, asked=asked)
            assert list(target.taken) == [str(n) for n in range(1, 8)]

    run(scenario())


def test_row_beyond_the_end_imports_nothing() -> None:
    """Which is no error: everything was imported before."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            assert counts(await take(node, row=4, asked=request(GOOD))) == (0, 0, 0)
            assert counts(await take(node, row=3, asked=request(GOOD))) == (1, 1, 0)
            assert list(node.books()) == ["3"]

    run(scenario())


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([0], "counted from 1"),
        ([-3], "counted from 1"),
        ([True], "counted from 1"),
        (["2"], "not L8ImportExecuteRequest, str"),
        ([L8FileDownloadRequest()], "no storage_path"),
        ([L8FileDownloadRequest(storage_path="x")], "not both"),
        ([L8FileDownloadRequest(storage_path="x"), 0], "counted from 1"),
        ([2, L8FileDownloadRequest(storage_path="x")], "and if need be"),
    ],
    ids=str,
)
def test_orders_that_make_no_sense_are_told(values: list[object], reason: str) -> None:
    """Before anything is read or written."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            with pytest.raises(InvalidInputError, match=reason):
                await node.do(Action.POST, request(GOOD), *values, key=EXEC)
            assert node.books() == {}

    run(scenario())
