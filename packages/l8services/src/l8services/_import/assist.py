# SPDX-License-Identifier: Apache-2.0
"""The services around an import: what a model can take, how to map, and templates that travel."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from l8services._export.pages import pages
from l8services._import.fields import importable_fields, to_info
from l8services._import.mapping import SimilarNames
from l8services._import.plan import check_template
from l8services._import.templates import (
    TEMPLATES,
    bundle_name,
    find_template,
    from_bundle,
    to_bundle,
)
from l8services._reach import ask
from l8services._utility import UtilityHandler, request_of
from l8types.enums import Action
from l8types.errors import L8Error, NotFoundError, SecurityError
from l8types.pb import (
    L8ImportAIMappingRequest,
    L8ImportAIMappingResponse,
    L8ImportFieldInfo,
    L8ImportModelInfoRequest,
    L8ImportModelInfoResponse,
    L8ImportTemplate,
    L8ImportTemplateExportRequest,
    L8ImportTemplateExportResponse,
    L8ImportTemplateImportRequest,
    L8ImportTemplateImportResponse,
)
from l8types.sla import ServiceLevelAgreement

if TYPE_CHECKING:
    from l8services._import.mapping import MappingProvider
    from l8types.protocols.data import Elements
    from l8types.protocols.net import VNic
    from l8types.protocols.runtime import Resources
    from l8types.protocols.services import Call
    from l8types.protocols.web import WebService

__all__ = [
    "ImportMapping",
    "ImportModelInfo",
    "TemplateTransfer",
    "import_info_sla",
    "import_mapping_sla",
    "import_transfer_sla",
]


class ImportModelInfo(UtilityHandler):
    """Tells which fields of a model can be imported: POST and GET of a model's short name."""

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Make the messages known."""
        await super().activate(sla, vnic)
        vnic.resources.register(L8ImportModelInfoRequest, L8ImportModelInfoResponse)

    async def post(self, elements: Elements, call: Call) -> Elements:
        """Names, types, keys, what is required, and the names of enumerated values.

        Raises:
            NotFoundError: The model is not known here.
        """
        request = request_of(elements, L8ImportModelInfoRequest, call)
        fields = _fields(request.model_type, self.vnic.resources)
        answer = L8ImportModelInfoResponse(model_type=request.model_type, fields=fields)
        return self.vnic.resources.elements.of(answer)

    get = post


class ImportMapping(UtilityHandler):
    """Suggests which column belongs to which field: POST of the titles of a file.

    Args:
        provider: Who suggests; by default the similarity of names.
    """

    def __init__(self, provider: MappingProvider | None = None) -> None:
        super().__init__()
        self._provider = provider or SimilarNames()

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Make the messages known."""
        await super().activate(sla, vnic)
        vnic.resources.register(L8ImportAIMappingRequest, L8ImportAIMappingResponse)

    async def post(self, elements: Elements, call: Call) -> Elements:
        """A suggestion for a person to check.

        Raises:
            NotFoundError: The model is not known here.
            InvalidInputError: There are too many columns.
        """
        request = request_of(elements, L8ImportAIMappingRequest, call)
        resources = self.vnic.resources
        answer = await self._provider.suggest(
            _fields(request.target_model_type, resources),
            list(request.source_columns),
            list(request.sample_values),
        )
        return resources.elements.of(answer)


class TemplateTransfer(UtilityHandler):
    """Takes templates from one network to another: POST gives a bundle, PUT takes one over."""

    async def activate(self, sla: ServiceLevelAgreement, vnic: VNic) -> None:
        """Make the messages known."""
        await super().activate(sla, vnic)
        vnic.resources.register(
            L8ImportTemplate,
            L8ImportTemplateExportRequest,
            L8ImportTemplateExportResponse,
            L8ImportTemplateImportRequest,
            L8ImportTemplateImportResponse,
        )

    async def post(self, elements: Elements, call: Call) -> Elements:
        """A bundle of the named templates, or of all that the caller may see.

        Raises:
            NotFoundError: A named one is not there.
        """
        request = request_of(elements, L8ImportTemplateExportRequest, call)
        resources = self.vnic.resources
        if request.template_ids:
            found = [await find_template(one, call) for one in dict.fromkeys(request.template_ids)]
        else:
            found = await _all_templates(call)
        answer = L8ImportTemplateExportResponse(
            export_data=to_bundle(found),
            filename=bundle_name(resources.clock.now()),
            template_count=len(found),
        )
        return resources.elements.of(answer)

    async def put(self, elements: Elements, call: Call) -> Elements:
        """Take a bundle over; what is skipped is named, with the reason.

        Raises:
            InvalidInputError: It is no bundle; nothing was taken over.
            SecurityError: The caller may not write templates.
        """
        request = request_of(elements, L8ImportTemplateImportRequest, call)
        answer = L8ImportTemplateImportResponse()
        for template in from_bundle(request.import_data):
            name = template.name or template.template_id
            reason = await self._take(template, call, overwrite=request.overwrite_existing)
            if reason:
                answer.skipped_names.append(f"{name}: {reason}")
            else:
                answer.imported_names.append(name)
        answer.imported_count = len(answer.imported_names)
        answer.skipped_count = len(answer.skipped_names)
        return self.vnic.resources.elements.of(answer)

    async def _take(self, template: L8ImportTemplate, call: Call, *, overwrite: bool) -> str:
        """Why a template is skipped, "" when it was taken over."""
        try:
            check_template(template)
            exists = await _exists(template.template_id, call)
            if exists and not overwrite:
                return "exists already"
            action = Action.PUT if exists else Action.POST
            await ask(call, TEMPLATES, action, self.vnic.resources.elements.of(template))
        except SecurityError:
            raise
        except L8Error as error:
            return error.message
        return ""


def _fields(model_type: str, resources: Resources) -> list[L8ImportFieldInfo]:
    model = resources.registry.info(model_type).model
    return [to_info(one) for one in importable_fields(model, resources.introspector).values()]


async def _exists(template_id: str, call: Call) -> bool:
    try:
        await find_template(template_id, call)
    except NotFoundError:
        return False
    return True


async def _all_templates(call: Call) -> list[L8ImportTemplate]:
    found: list[L8ImportTemplate] = []
    async with aclosing(pages(call, TEMPLATES, L8ImportTemplate.__name__)) as read:
        async for items in read:
            found += [item for item in items if isinstance(item, L8ImportTemplate)]
    return found


def import_info_sla(*, web: WebService | None = None) -> ServiceLevelAgreement:
    """Agreement of the service that tells the fields of models (``ImprtInfo``, area 0)."""
    return ServiceLevelAgreement(
        name="ImprtInfo", handler=ImportModelInfo, stateful=False, voter=False, web=web
    )


def import_mapping_sla(
    provider: MappingProvider | None = None, *, web: WebService | None = None
) -> ServiceLevelAgreement:
    """Agreement of the service that suggests mappings (``ImprtAI``, area 0)."""
    return ServiceLevelAgreement(
        name="ImprtAI",
        handler=lambda: ImportMapping(provider),
        stateful=False,
        voter=False,
        web=web,
    )


def import_transfer_sla(*, web: WebService | None = None) -> ServiceLevelAgreement:
    """Agreement of the service that transfers templates (``ImprtXfer``, area 0)."""
    return ServiceLevelAgreement(
        name="ImprtXfer", handler=TemplateTransfer, stateful=False, voter=False, web=web
    )
