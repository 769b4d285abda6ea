# SPDX-License-Identifier: Apache-2.0
"""The data of services as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8services._export import ColumnType, CsvExport
from l8services._export import service as export_service
from l8services._export.columns import columns_of, to_csv
from l8types.enums import Action
from l8types.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from l8types.pb import L8CsvExportRequest, L8CsvExportResponse
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

from .model import Book
from .network import FakeNetwork, FakeNode
from .nodes import FakeModelNode
from .test_mapreduce import SHARDS, Shard, shard
from .virtual import run

if TYPE_CHECKING:
    from l8types.protocols.models import ModelNode

EXPORT = ServiceKey("CsvExport")
REQUEST = L8CsvExportRequest(model_type="Book", service_name="Books")
SHARDED = L8CsvExportRequest(model_type="Book", service_name="Shards")


class Color(IntEnum):
    """An enumerated value."""

    RED = 1


@dataclass
class Row:
    """One attribute of each kind."""

    text: str = ""
    whole: int = 0
    update: int = 0
    ratio: float = 0.0
    flag: bool = False
    color: Color | None = None
    seen: int = 0
    day: int = 0
    tags: list[str] | None = None


def root(model: type) -> ModelNode:
    """The tree of a model."""
    return cast("ModelNode", FakeModelNode(model))


TYPES = {"seen": ColumnType.MILLISECONDS, "day": ColumnType.DATE}


def cells(row: Row) -> dict[str, str]:
    """The cells of a row by title, as a reader of CSV sees them."""
    text = to_csv(columns_of(root(Row), TYPES), [row], header=True)
    return next(csv.DictReader(io.StringIO(text)))


async def exporter(network: FakeNetwork, name: str = "a", page_size: int = 2) -> FakeNode:
    """A node with the export service."""
    node = network.nodes.get(name.ljust(36, "0")) or network.node(name)
    node.resources.register(Book)
    sla = ServiceLevelAgreement(
        name=EXPORT.name, handler=lambda: CsvExport(page_size=page_size), stateful=False
    )
    await node.services.activate(sla, node.nic)
    return node


async def export(
    node: FakeNode, request: L8CsvExportRequest = REQUEST, identity: str = ""
) -> L8CsvExportResponse:
    """The table of a service."""
    answer = await node.do(Action.POST, request, key=EXPORT, identity=identity)
    return cast("L8CsvExportResponse", answer.first)


@pytest.mark.feature("CSV-03")
def test_plain_attributes_become_columns_by_name() -> None:
    """Lists are left out; the order is that of the names."""
    names = [column.name for column in columns_of(root(Row), {})]
    assert names == ["Color", "Day", "Flag", "Ratio", "Seen", "Text", "Update", "Whole"]


@pytest.mark.feature("CSV-04")
def test_values_are_written_as_what_they_are_declared_to_be() -> None:
    """W-34: times are ISO 8601 in UTC where declared, whatever the name; nothing is cut."""
    row = Row("a,b", 0, 1_700_000_000, 0.125, True, Color.RED, 1_700_000_000_250, 1_700_000_000)
    assert cells(row) == {
        "Text": "a,b",
        "Whole": "0",
        "Update": "1700000000",
        "Ratio": "0.125",
        "Flag": "true",
        "Color": "RED",
        "Seen": "2023-11-14T22:13:20.250Z",
        "Day": "2023-11-14",
    }
    absent = cells(Row(seen=10**20))
    assert (absent["Color"], absent["Day"], absent["Seen"]) == ("", "", str(10**20))


@pytest.mark.feature("CSV-04")
@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_texts_that_a_spreadsheet_would_run_are_escaped(text: str) -> None:
    """W-34: a text stays a text in a spreadsheet; a negative number stays a number."""
    found = cells(Row(text=text, whole=-1))
    assert (found["Text"], found["Whole"]) == ("'" + text, "-1")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1)))
def test_what_is_written_can_be_read(texts: list[str]) -> None:
    """Every text comes back from a reader of CSV, but for the mark of an escaped one."""
    columns = [c for c in columns_of(root(Row), {}) if c.name == "Text"]
    text = to_csv(columns, [Row(text=text) for text in texts], header=False)
    back = [line[0] for line in csv.reader(io.StringIO(text, newline=""))]
    escaped = [f"'{t}" if t.lstrip("'")[:1] in set("=+-@\t\r") else t for t in texts]
    assert back == escaped


def test_type_of_what_is_no_column_is_refused() -> None:
    """A wrong declaration is told, not passed over."""
    with pytest.raises(InvalidInputError, match="no column 'tags'"):
        columns_of(root(Row), {"tags": ColumnType.DATE})
    with pytest.raises(InvalidInputError, match="holds no time"):
        columns_of(root(Row), {"text": ColumnType.DATE})


@pytest.mark.feature("CSV-01", "CSV-02")
def test_service_of_another_node_is_exported_page_by_page() -> None:
    """The whole table is there, read in pages in the caller's name."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            b = network.node("b")
            await b.serve()
            await b.do(Action.POST, *(Book(str(number)) for number in range(5)))
            a = await exporter(network)
            table = await export(a, identity="ann")
            assert table.row_count == 5
            assert table.filename.startswith("Book_20")
            rows = list(csv.DictReader(io.StringIO(table.csv_data)))
            assert [row["Isbn"] for row in rows] == list("01234")
            assert len([sent for sent in network.asked if sent.action is Action.GET]) == 3

    run(scenario())


@pytest.mark.feature("CSV-01")
def test_table_is_read_as_a_stream() -> None:
    """Each part has some rows, only the first one the titles."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = await exporter(network)
            await a.serve()
            await a.do(Action.POST, *(Book(str(number)) for number in range(3)))
            stream = a.stream(a.uuid, EXPORT.name, 0, Action.GET, REQUEST)
            parts = [cast("L8CsvExportResponse", part.first) async for part in stream]
            assert [part.row_count for part in parts] == [2, 1]
            assert (parts[0].csv_data + parts[1].csv_data).count("Isbn") == 1

    run(scenario())


def test_empty_service_gives_the_titles() -> None:
    """A table without rows has its columns."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = await exporter(network)
            await a.serve()
            assert (await export(a)).csv_data == "Code,Isbn,Price,Stock,Title\n"

    run(scenario())


def test_all_participants_of_a_sharded_service_are_read() -> None:
    """W-34: items of all nodes are there, those that two of them hold once."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = await shard(network, "a", Shard(Book("1"), Book("2"), Book("3")))
            await shard(network, "b", Shard(Book("3"), Book("4")))
            a.resources.introspector.primary_key = lambda item: item.isbn  # type: ignore[attr-defined,method-assign]
            await exporter(network)
            rows = list(csv.DictReader(io.StringIO((await export(a, SHARDED)).csv_data)))
            assert sorted(row["Isbn"] for row in rows) == ["1", "2", "3", "4"]

    run(scenario())


def test_missing_part_fails_the_export() -> None:
    """A table that lacks the items of a participant is never passed off as the whole."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = await shard(network, "a", Shard(Book("1")))
            await shard(network, "b", Shard(error=ConflictError("no")))
            await exporter(network)
            with pytest.raises(UnavailableError, match="1 of 2 participants of service Shards"):
                await export(a, SHARDED)

    run(scenario())


def test_deletions_meanwhile_do_not_hide_items() -> None:
    """What moves to a page that was read already is read all the same."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = await exporter(network)
            await a.serve()
            await a.do(Action.POST, *(Book(str(number)) for number in range(6)))
            stream = a.stream(a.uuid, EXPORT.name, 0, Action.GET, REQUEST)
            first = cast("L8CsvExportResponse", (await anext(stream)).first)
            await a.do(Action.DELETE, "0")
            parts = [cast("L8CsvExportResponse", part.first) async for part in stream]
            lines = "".join(part.csv_data for part in [first, *parts]).splitlines()[1:]
            assert sorted(line.split(",")[1] for line in lines) == list("012345")

    run(scenario())


def test_identity_and_scope_of_the_caller_count() -> None:
    """Nobody gets through an export what a query would not give."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            b = network.node("b")
            await b.serve()
            await b.do(Action.POST, Book("1"), Book("2"))
            b.resources.security.hidden.add("2")
            a = await exporter(network)
            assert (await export(a, identity="ann")).row_count == 1
            b.resources.security.denied.add(("eve", Action.GET))
            with pytest.raises(PermissionDeniedError):
                await export(a, identity="eve")

    run(scenario())


def test_bad_requests_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown model, no request, an unserved verb, a table above the limit of one answer."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            a = await exporter(network)
            await a.serve()
            unknown = L8CsvExportRequest(model_type="Nothing", service_name="Books")
            with pytest.raises(NotFoundError, match="Nothing"):
                await export(a, unknown)
            with pytest.raises(InvalidInputError, match="takes one L8CsvExportRequest"):
                await a.do(Action.POST, Book("1"), key=EXPORT)
            with pytest.raises(InvalidInputError, match="does not serve DELETE"):
                await a.do(Action.DELETE, REQUEST, key=EXPORT)
            monkeypatch.setattr(export_service, "MAX_ANSWER_CHARS", 3)
            with pytest.raises(InvalidInputError, match="read it as a stream"):
                await export(a)

    run(scenario())


def test_shards_are_found_by_name() -> None:
    """The agreement of the export service needs nothing."""
    assert export_service.csv_export_sla().key == EXPORT
    assert SHARDS.name == SHARDED.service_name
