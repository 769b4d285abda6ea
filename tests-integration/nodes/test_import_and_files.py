# SPDX-License-Identifier: Apache-2.0
"""Imports and files with the real parts: models of each kind, services of each kind, a network."""

from __future__ import annotations

import base64
import hashlib
import os
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, cast

import msgspec
import pytest

from l8services import BaseService, csv_export_sla
from l8services.files import FILE_STORE, FileClient, file_store_sla
from l8services.imports import (
    TEMPLATES,
    import_execution_sla,
    import_info_sla,
    import_mapping_sla,
    import_templates_sla,
    import_transfer_sla,
)
from l8types.enums import Action, Durability
from l8types.errors import ConflictError, InvalidInputError, L8Error, NotFoundError
from l8types.pb import (
    L8CsvExportRequest,
    L8CsvExportResponse,
    L8FileDownloadRequest,
    L8FileDownloadResponse,
    L8ImportColumnMapping,
    L8ImportExecuteRequest,
    L8ImportExecuteResponse,
    L8ImportModelInfoRequest,
    L8ImportModelInfoResponse,
    L8ImportTemplate,
    L8ImportTemplateExportRequest,
    L8ImportTemplateExportResponse,
    L8ImportTemplateImportRequest,
    L8ImportTemplateImportResponse,
    L8ImportValueTransform,
)
from l8types.pb.api_pb2 import L8ImportTransformType
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey
from layer8 import Node, load_settings, make_switch

from .support import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from l8types.protocols.data import Elements
    from l8types.settings import NodeSettings

EXEC = ServiceKey("ImprtExec")
INFO = ServiceKey("ImprtInfo")
XFER = ServiceKey("ImprtXfer")
ROWS = 450


class Fuel(IntEnum):
    """An enumerated number."""

    NONE = 0
    DIESEL = 2


@dataclass
class Engine:
    """A part of a car."""

    power: int = 0
    fuel: Fuel = Fuel.NONE


@dataclass
class Car:
    """A dataclass."""

    plate: str = ""
    price: int = 0
    built: int = 0
    engine: Engine | None = None
    owners: list[str] = field(default_factory=list)


class Boat(msgspec.Struct):
    """A struct."""

    name: str
    length: float = 0.0
    tags: list[str] = []


SERVICES = {
    "Cars": {"model": Car, "primary_keys": ("plate",)},
    "Fleet": {
        "model": Car,
        "primary_keys": ("plate",),
        "transactional": True,
        "durability": Durability.MEMORY,
    },
    "Boats": {"model": Boat, "primary_keys": ("name",)},
}


@asynccontextmanager
async def network(
    folder: Path, max_frame_bytes: int = 52_428_800
) -> AsyncIterator[tuple[Node, Node]]:
    """A node with all services, and one that uses them; messages have that size at most."""

    def settings(alias: str, port: int) -> NodeSettings:
        return load_settings(
            alias=alias,
            port=port,
            data_directory=folder,
            environment={},
            max_frame_bytes=max_frame_bytes,
        )

    async with AsyncExitStack() as stack:
        switch = await stack.enter_async_context(make_switch(settings("hub", 0)))
        nodes = [Node(settings=settings(alias, switch.port)) for alias in ("server", "user")]
        for node in nodes:
            await stack.enter_async_context(node)
            node.resources.register(Car, Boat)
        server, user = nodes
        slas = [
            import_templates_sla(),
            import_execution_sla(),
            import_info_sla(),
            import_mapping_sla(),
            import_transfer_sla(),
            csv_export_sla(),
            file_store_sla(),
        ]
        for name, options in SERVICES.items():
            slas.append(ServiceLevelAgreement(name=name, handler=BaseService, **options))  # type: ignore[arg-type]
        for sla in slas:
            await server.activate(sla)
        directory = user.vnic.directory

        async def seen() -> bool:
            return all(directory.providers(sla.key) for sla in slas)

        await until(seen)
        yield server, user


async def ask(node: Node, key: ServiceKey, action: Action, payload: object) -> Elements:
    """Call a service of the network."""
    return await node.call(key, action, payload)


def transform(name: str, target: str, **options: object) -> L8ImportValueTransform:
    """A transform for a template."""
    kind = L8ImportTransformType.Value(f"IMPORT_TRANSFORM_{name}")
    return L8ImportValueTransform(target_field=target, transform_type=kind, **options)  # type: ignore[arg-type]


def template(service: str) -> L8ImportTemplate:
    """How a dealer's file becomes cars."""
    columns = {
        "Kennzeichen": "plate",
        "Preis": "price",
        "Baujahr": "built",
        "PS": "engine.power",
        "Kraftstoff": "engine.fuel",
        "Halter": "owners",
    }
    return L8ImportTemplate(
        template_id=service.lower(),
        name=f"Into {service}",
        target_model_type="Car",
        target_service_name=service,
        column_mappings=[
            L8ImportColumnMapping(source_column=c, target_field=f) for c, f in columns.items()
        ],
        value_transforms=[
            transform("MONEY", "price", format_pattern="de"),
            transform("DATE_FORMAT", "built", format_pattern="DD.MM.YYYY"),
            transform("UNIT_CONVERT", "engine.power", format_pattern="1"),
        ],
    )


def request(text: str, template_id: str, name: str = "cars.csv") -> L8ImportExecuteRequest:
    """A file to import."""
    data = base64.b64encode(text.encode("utf-8-sig")).decode()
    return L8ImportExecuteRequest(template_id=template_id, file_data=data, file_name=name)


def dealer_file() -> str:
    """Good rows, and two bad ones."""
    lines = ["Kennzeichen;Preis;Baujahr;PS;Kraftstoff;Halter"]
    lines += [f"B-{n};1.234,5{n % 10};01.02.1970;{n};diesel;Ann;" for n in range(ROWS)]
    lines = [line.replace("Ann;", '"Ann;Bob"') for line in lines]
    lines[7] = 'B-6;1,5,5;01.02.1970;6;diesel;"Ann"'
    lines[300] = "B-299"
    return "\n".join(lines)


@pytest.mark.feature("IMP-01", "IMP-05", "IMP-06", "IMP-07", "IMP-08")
@pytest.mark.parametrize("service", ["Cars", "Fleet"])
async def test_a_file_becomes_items_over_the_network(service: str, tmp_path: Path) -> None:
    """Into a plain and into a transactional service; two rows fail, the others are there."""
    async with network(tmp_path) as (_, user):
        await ask(user, TEMPLATES, Action.POST, template(service))
        asked = request(dealer_file(), service.lower())
        tried = await ask(user, EXEC, Action.PUT, asked)
        answer = await ask(user, EXEC, Action.POST, asked)
        for outcome in (tried, answer):
            found = cast("L8ImportExecuteResponse", outcome.first)
            assert (found.total_rows, found.imported_rows, found.failed_rows) == (
                ROWS, ROWS - 2, 2,
            )  # fmt: skip
            assert [(e.row_number, e.field) for e in found.row_errors] == [(7, "Price"), (300, "")]
        kept = await ask(user, ServiceKey(service), Action.GET, Car("B-42"))
        engine = Engine(42, Fuel.DIESEL)
        assert kept.first == Car("B-42", 123_452, 31 * 86_400, engine, ["Ann", "Bob"])
        progress = await ask(user, EXEC, Action.GET, asked)
        assert cast("L8ImportExecuteResponse", progress.first).imported_rows == ROWS - 2


@pytest.mark.feature("IMP-01", "FIL-01")
async def test_a_file_larger_than_a_message_is_imported_from_the_store(tmp_path: Path) -> None:
    """It goes there in parts, is read from there in parts, and can be gone on with at any row."""
    rows = 3000
    lines = [f"B-{number};{'Ann;' * 200}" for number in range(1, rows + 1)]
    text = "\n".join(["plate|owners", *(line.replace(";", "|", 1) for line in lines)])
    async with network(tmp_path, max_frame_bytes=1_500_000) as (_, user):
        whole = L8ImportTemplate(
            template_id="cars", target_model_type="Car", target_service_name="Cars"
        )
        await ask(user, TEMPLATES, Action.POST, whole)
        with pytest.raises(L8Error):
            await ask(user, EXEC, Action.POST, request(text, "cars"))
        kept = await FileClient(user.vnic).upload("cars.csv", text.encode())
        assert kept.file_size > 1_500_000
        asked = [
            L8ImportExecuteRequest(template_id="cars"),
            L8FileDownloadRequest(storage_path=kept.storage_path),
        ]
        answer = await ask(user, EXEC, Action.POST, user.resources.elements.of(*asked, 1001))
        found = cast("L8ImportExecuteResponse", answer.first)
        assert (found.total_rows, found.imported_rows) == (rows - 1000, rows - 1000)
        answer = await ask(user, EXEC, Action.POST, user.resources.elements.of(*asked))
        found = cast("L8ImportExecuteResponse", answer.first)
        assert (found.total_rows, found.imported_rows) == (rows, rows)
        cars = await user.get("select * from Car where plate=B-3000")
        assert [len(cast("Car", car).owners) for car in cars] == [200]


@pytest.mark.feature("IMP-08")
async def test_what_was_exported_can_be_imported(tmp_path: Path) -> None:
    """The table of a service of structs goes back into it, texts that look like formulas too."""
    async with network(tmp_path) as (_, user):
        boats = [Boat("=1+1", 1.5), Boat("'-x", -2.25), Boat('a,"b"\nc', 1e300)]
        await ask(user, ServiceKey("Boats"), Action.POST, boats)
        exported = await ask(
            user,
            ServiceKey("CsvExport"),
            Action.POST,
            L8CsvExportRequest(model_type="Boat", service_name="Boats"),
        )
        table = cast("L8CsvExportResponse", exported.first)
        back = L8ImportTemplate(
            template_id="b", target_model_type="Boat", target_service_name="Boats"
        )
        await ask(user, TEMPLATES, Action.POST, back)
        await ask(user, ServiceKey("Boats"), Action.DELETE, "select * from Boat")
        answer = await ask(user, EXEC, Action.POST, request(table.csv_data, "b", table.filename))
        assert cast("L8ImportExecuteResponse", answer.first).imported_rows == 3
        found = await ask(user, ServiceKey("Boats"), Action.GET, "select * from Boat")
        assert sorted(found.values, key=str) == sorted(boats, key=str)


@pytest.mark.feature("IMP-08")
async def test_messages_are_imported_too(tmp_path: Path) -> None:
    """The templates themselves are messages, so they make a model to import into."""
    async with network(tmp_path) as (_, user):
        into = L8ImportTemplate(
            template_id="t",
            target_model_type="L8ImportTemplate",
            target_service_name=TEMPLATES.name,
            default_values={"TargetModelType": "Car", "TargetServiceName": "Cars"},
        )
        await ask(user, TEMPLATES, Action.POST, into)
        lines = '{"template_id": "x", "target_service_area": 7, "name": "ä"}\n{"name": "no key"}'
        answer = await ask(user, EXEC, Action.POST, request(lines, "t", "t.jsonl"))
        found = cast("L8ImportExecuteResponse", answer.first)
        assert (found.imported_rows, found.failed_rows) == (1, 1)
        kept = await ask(user, TEMPLATES, Action.GET, L8ImportTemplate(template_id="x"))
        assert kept.first == L8ImportTemplate(
            template_id="x",
            name="ä",
            target_model_type="Car",
            target_service_name="Cars",
            target_service_area=7,
        )


@pytest.mark.feature("IMP-02")
async def test_fields_of_real_models_are_told(tmp_path: Path) -> None:
    """Keys, what is required, names of values, parts and lists; of a struct as of a dataclass."""
    async with network(tmp_path) as (_, user):
        asked = L8ImportModelInfoRequest(model_type="Car")
        found = cast("L8ImportModelInfoResponse", (await ask(user, INFO, Action.POST, asked)).first)
        assert [(f.field_name, f.field_type) for f in found.fields] == [
            ("Plate", "string"),
            ("Price", "int64"),
            ("Built", "int64"),
            ("Engine.Power", "int64"),
            ("Engine.Fuel", "string"),
            ("Owners", "string"),
        ]
        assert [f.field_name for f in found.fields if f.is_primary_key] == ["Plate"]
        assert dict(found.fields[4].enum_values) == {"NONE": 0, "DIESEL": 2}
        asked = L8ImportModelInfoRequest(model_type="Boat")
        found = cast("L8ImportModelInfoResponse", (await ask(user, INFO, Action.GET, asked)).first)
        assert [f.field_name for f in found.fields if f.is_required] == ["Name"]


@pytest.mark.feature("IMP-04", "IMP-05")
async def test_templates_are_kept_and_travel(tmp_path: Path) -> None:
    """From one network to another; a bad one is refused, an existing one replaced on demand."""
    async with network(tmp_path / "one") as (_, user):
        await ask(user, TEMPLATES, Action.POST, [template("Cars"), template("Fleet")])
        with pytest.raises(InvalidInputError, match="no target_model_type"):
            await ask(user, TEMPLATES, Action.POST, L8ImportTemplate(template_id="bad"))
        answer = await ask(user, XFER, Action.POST, L8ImportTemplateExportRequest())
        bundle = cast("L8ImportTemplateExportResponse", answer.first)
        assert bundle.template_count == 2
    async with network(tmp_path / "two") as (_, user):
        old = template("Cars")
        old.name = "old"
        await ask(user, TEMPLATES, Action.POST, old)
        asked = L8ImportTemplateImportRequest(import_data=bundle.export_data)
        for overwrite, imported in ((False, 1), (True, 2)):
            asked.overwrite_existing = overwrite
            answer = await ask(user, XFER, Action.PUT, asked)
            taken = cast("L8ImportTemplateImportResponse", answer.first)
            assert taken.imported_count == imported
        for name in ("Cars", "Fleet"):
            example = L8ImportTemplate(template_id=name.lower())
            kept = await ask(user, TEMPLATES, Action.GET, example)
            assert kept.first == template(name)


@pytest.mark.feature("FIL-01", "FIL-02")
async def test_a_file_goes_to_another_node_and_back(tmp_path: Path) -> None:
    """Three megabytes in parts and in one answer, encrypted on the disk of the other node."""
    data = os.urandom(3_000_000)
    async with network(tmp_path) as (server, user):
        client = FileClient(user.vnic)
        kept = await client.upload("big.bin", data, document="d")
        assert kept.checksum == hashlib.sha256(data).hexdigest()
        async with aclosing(client.download(kept.storage_path)) as parts:
            assert b"".join([part async for part in parts]) == data
        asked = L8FileDownloadRequest(storage_path=kept.storage_path)
        answer = await ask(user, FILE_STORE, Action.PUT, asked)
        assert cast("L8FileDownloadResponse", answer.first).file_data == data
        with pytest.raises(ConflictError, match="version 1 of document 'd'"):
            await client.upload("big.bin", data, document="d", version=1)
        folder = server.resources.data_directory / "files"
        assert all(data[:64] not in file.read_bytes() for file in folder.rglob("*.data"))
        await ask(user, FILE_STORE, Action.DELETE, asked)
        with pytest.raises(NotFoundError):
            await anext(client.download(kept.storage_path))
