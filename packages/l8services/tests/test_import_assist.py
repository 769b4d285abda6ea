# SPDX-License-Identifier: Apache-2.0
"""What helps with imports: fields, suggestions, templates that travel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import pytest

from l8services import imports
from l8services.imports import (
    TEMPLATES,
    import_execution_sla,
    import_info_sla,
    import_mapping_sla,
    import_templates_sla,
    import_transfer_sla,
)
from l8types.enums import Action
from l8types.errors import (
    ClosedError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from l8types.pb import (
    L8ImportAIMappingRequest,
    L8ImportAIMappingResponse,
    L8ImportColumnMapping,
    L8ImportFieldInfo,
    L8ImportModelInfoRequest,
    L8ImportModelInfoResponse,
    L8ImportTemplate,
    L8ImportTemplateExportRequest,
    L8ImportTemplateExportResponse,
    L8ImportTemplateImportRequest,
    L8ImportTemplateImportResponse,
)
from l8types.values import ServiceKey

from . import model
from .network import FakeNetwork, FakeNode
from .virtual import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from l8types.protocols.services import Call

from .importing import BOOKS, XFER, Templates, importer


@pytest.mark.feature("IMP-02")
def test_fields_of_a_model_can_be_asked() -> None:
    """Over the network, by the short name of the model."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            asked = L8ImportModelInfoRequest(model_type="Book")
            for action in (Action.POST, Action.GET):
                answer = await node.do(action, asked, key=ServiceKey("ImprtInfo"))
                found = cast("L8ImportModelInfoResponse", answer.first)
                assert [(f.field_name, f.field_type, f.is_primary_key) for f in found.fields] == [
                    ("Isbn", "string", True),
                    ("Title", "string", False),
                    ("Price", "float", False),
                    ("Stock", "int64", False),
                    ("Code", "string", False),
                ]
            asked = L8ImportModelInfoRequest(model_type="?")
            with pytest.raises(NotFoundError):
                await node.do(Action.POST, asked, key=ServiceKey("ImprtInfo"))

    run(scenario())


class Oracle:
    """Knows everything."""

    async def suggest(
        self, fields: Sequence[L8ImportFieldInfo], columns: Sequence[str], samples: Sequence[str]
    ) -> L8ImportAIMappingResponse:
        pairs = zip(columns, fields, strict=False)
        return L8ImportAIMappingResponse(
            suggested_mappings=[
                L8ImportColumnMapping(source_column=c, target_field=f.field_name) for c, f in pairs
            ],
            explanation="I know",
        )


@pytest.mark.feature("IMP-03")
def test_mapping_is_suggested_by_names_or_by_a_provider() -> None:
    """The default compares names; another provider takes its place."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            key = ServiceKey("ImprtAI")
            asked = L8ImportAIMappingRequest(
                target_model_type="Book", source_columns=["ISBN-Code", "tittle", "?"]
            )
            answer = await node.do(Action.POST, asked, key=key)
            found = cast("L8ImportAIMappingResponse", answer.first)
            assert [(m.source_column, m.target_field) for m in found.suggested_mappings] == [
                ("ISBN-Code", "Isbn"),
                ("tittle", "Title"),
                ("?", ""),
            ]
            await node.services.deactivate(key)
            await node.services.activate(import_mapping_sla(Oracle()), node.nic)
            answer = await node.do(Action.POST, asked, key=key)
            assert cast("L8ImportAIMappingResponse", answer.first).explanation == "I know"

    run(scenario())


async def bundle(node: FakeNode, *ids: str) -> L8ImportTemplateExportResponse:
    """Templates as they travel."""
    asked = L8ImportTemplateExportRequest(template_ids=ids)
    answer = await node.do(Action.POST, asked, key=XFER)
    return cast("L8ImportTemplateExportResponse", answer.first)


async def take(
    node: FakeNode, text: str, *, overwrite: bool = False
) -> L8ImportTemplateImportResponse:
    """Take a bundle over."""
    asked = L8ImportTemplateImportRequest(import_data=text, overwrite_existing=overwrite)
    answer = await node.do(Action.PUT, asked, key=XFER)
    return cast("L8ImportTemplateImportResponse", answer.first)


@pytest.mark.feature("IMP-04")
def test_templates_travel_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names as in the messages, no zeros; what comes back is what went."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            rich = L8ImportTemplate(
                template_id="r",
                name="Reich",
                target_model_type="Book",
                target_service_name="Books",
                column_mappings=[L8ImportColumnMapping(source_column="ä", target_field="Title")],
                default_values={"price": "1"},
            )
            node = await importer(network, BOOKS, rich)
            every = await bundle(node)
            assert every.template_count == 2
            assert every.filename.startswith("import_templates_2023-11-1")
            assert json.loads(every.export_data)[0] == {
                "template_id": "books",
                "name": "Books",
                "target_model_type": "Book",
                "target_service_name": "Books",
            }
            one = await bundle(node, "r", "r")
            assert one.template_count == 1
            kept = cast("Templates", node.services.handler(TEMPLATES)).kept
            del kept["r"]
            found = await take(node, one.export_data)
            assert (found.imported_count, list(found.imported_names)) == (1, ["Reich"])
            assert kept["r"] == rich
            with pytest.raises(NotFoundError):
                await bundle(node, "?")

    monkeypatch.setitem(model.MODELS, "L8ImportTemplate", L8ImportTemplate)
    run(scenario())


@pytest.mark.feature("IMP-04")
def test_existing_templates_are_replaced_only_on_demand() -> None:
    """What is skipped is named with the reason; a bad template does not keep the others away."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            kept = cast("Templates", node.services.handler(TEMPLATES)).kept
            base = {"target_model_type": "Book", "target_service_name": "Books"}
            items = [
                {"template_id": "books", "name": "New", **base},
                {"template_id": "bad"},
                {"template_id": "no", "name": "refused", **base},
                {"template_id": "good", **base},
            ]
            found = await take(node, json.dumps(items))
            assert (found.imported_count, found.skipped_count) == (1, 3)
            assert list(found.imported_names) == ["good"]
            assert list(found.skipped_names) == [
                "New: exists already",
                "bad: template 'bad' has no target_model_type",
                "refused: not this one",
            ]
            assert kept["books"].name == "Books"
            await take(node, json.dumps(items[:1]), overwrite=True)
            assert kept["books"].name == "New"
            node.resources.security.denied.add(("", Action.POST))
            with pytest.raises(PermissionDeniedError):
                await take(node, json.dumps([{"template_id": "x", **base}]))

    run(scenario())


@pytest.mark.feature("IMP-04")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("{}", "no array of templates"),
        ("[1]", "template 1 of the bundle is no object"),
        ('[{"templateid": 1}]', "template 1 of the bundle does not fit"),
        ('[{"template_id": "a", "target_service_area": "x"}]', "does not fit"),
        ("[{}]", "has no template_id"),
        ('[{"template_id": "a"}, {"template_id": "a"}]', "has template 'a' twice"),
    ],
)
def test_what_is_no_bundle_is_refused_as_a_whole(text: str, reason: str) -> None:
    """Nothing of it is taken over."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            with pytest.raises(InvalidInputError, match=reason):
                await take(node, text)

    run(scenario())


@pytest.mark.feature("IMP-05")
def test_template_that_cannot_work_is_not_kept() -> None:
    """The service of the templates checks what is written."""

    async def scenario() -> None:
        async with FakeNetwork() as network:
            node = await importer(network)
            await node.services.deactivate(TEMPLATES)
            sla = import_templates_sla()
            assert (sla.key, sla.primary_keys) == (TEMPLATES, ("template_id",))
            assert sla.hook is not None
            call = cast("Call", type("", (), {"action": Action.POST}))
            with pytest.raises(InvalidInputError, match="no target_model_type"):
                await sla.hook.before(L8ImportTemplate(template_id="t"), call)
            assert (await sla.hook.before(BOOKS, call)).proceed
            assert (await sla.hook.after(BOOKS, call)).proceed

    run(scenario())


def test_services_are_where_the_others_look_for_them() -> None:
    """Names and areas are part of the contract; what is not active says so."""
    slas = [
        import_execution_sla(), import_info_sla(), import_mapping_sla(), import_transfer_sla(),
    ]  # fmt: skip
    names = [(sla.name, sla.area) for sla in slas]
    assert names == [("ImprtExec", 0), ("ImprtInfo", 0), ("ImprtAI", 0), ("ImprtXfer", 0)]
    with pytest.raises(ClosedError):
        _ = imports.ImportExecution().vnic
