# SPDX-License-Identifier: Apache-2.0
"""Templates: the service that keeps them, and the bundle in which they travel."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from google.protobuf import json_format

from l8services._base import BaseService
from l8services._import.plan import check_template
from l8services._reach import ask
from l8types.enums import Action
from l8types.errors import InvalidInputError, NotFoundError
from l8types.pb import L8ImportTemplate
from l8types.protocols.services import HookResult
from l8types.sla import ServiceLevelAgreement
from l8types.values import ServiceKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from l8types.protocols.services import Call
    from l8types.protocols.stores import Storage
    from l8types.protocols.web import WebService

__all__ = [
    "TEMPLATES",
    "bundle_name",
    "find_template",
    "from_bundle",
    "import_templates_sla",
    "to_bundle",
]

TEMPLATES: Final = ServiceKey("ImprtTmpl")
"""The service of the templates."""
_MAX_BUNDLE_CHARS: Final = 16_777_216


class _TemplateCheck:
    """Refuses a template that could never be used, when it is written and not when it is used."""

    async def before(self, item: object, call: Call) -> HookResult:
        """Look at what is added or replaced; a merge is looked at when it is used."""
        if isinstance(item, L8ImportTemplate) and call.action in {Action.POST, Action.PUT}:
            check_template(item)
        return HookResult()

    async def after(self, item: object, call: Call) -> HookResult:
        """Nothing to do."""
        return HookResult()


async def find_template(template_id: str, call: Call) -> L8ImportTemplate:
    """A template that the caller may see.

    Raises:
        NotFoundError: There is none with this id.
    """
    if not template_id:
        raise InvalidInputError("the request names no template")
    example = call.vnic.resources.elements.of(L8ImportTemplate(template_id=template_id))
    answer = await ask(call, TEMPLATES, Action.GET, example)
    if not isinstance(answer.first, L8ImportTemplate):
        raise NotFoundError(f"no template {template_id[:100]!r}")
    return answer.first


def import_templates_sla(
    *, store: Storage | None = None, web: WebService | None = None, transactional: bool = False
) -> ServiceLevelAgreement:
    """Agreement of the service that keeps templates (``ImprtTmpl``, area 0).

    Args:
        store: Durable copy.
        web: How it shows on the web.
        transactional: Whether writes are ordered by a leader.
    """
    return ServiceLevelAgreement(
        name=TEMPLATES.name,
        handler=BaseService,
        model=L8ImportTemplate,
        primary_keys=("template_id",),
        hook=_TemplateCheck(),
        store=store,
        web=web,
        transactional=transactional,
    )


def to_bundle(templates: Iterable[L8ImportTemplate]) -> str:
    """A JSON array of templates: names as in the messages, no zero values, enums as numbers."""
    items = [
        json_format.MessageToDict(
            template, preserving_proto_field_name=True, use_integers_for_enums=True
        )
        for template in templates
    ]
    return json.dumps(items, ensure_ascii=False, indent=1)


def from_bundle(text: str) -> list[L8ImportTemplate]:
    """The templates of a bundle.

    Raises:
        InvalidInputError: It is no bundle, a template has no id, or an id is there twice.
    """
    if len(text) > _MAX_BUNDLE_CHARS:
        raise InvalidInputError(
            f"the bundle has {len(text)} characters, at most {_MAX_BUNDLE_CHARS} are taken"
        )
    try:
        items = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"the bundle is no JSON: {error}") from error
    if not isinstance(items, list):
        raise InvalidInputError("the bundle is no array of templates")
    templates = [_template(item, number) for number, item in enumerate(items, 1)]
    ids = [template.template_id for template in templates]
    for number, template_id in enumerate(ids, 1):
        if not template_id:
            raise InvalidInputError(f"template {number} of the bundle has no template_id")
        if ids.count(template_id) > 1:
            raise InvalidInputError(f"the bundle has template {template_id!r} twice")
    return templates


def _template(item: object, number: int) -> L8ImportTemplate:
    if not isinstance(item, dict):
        raise InvalidInputError(f"template {number} of the bundle is no object")
    try:
        return json_format.ParseDict(item, L8ImportTemplate())
    except (json_format.Error, TypeError, ValueError) as error:
        raise InvalidInputError(f"template {number} of the bundle does not fit: {error}") from error


def bundle_name(now: float) -> str:
    """File name of a bundle.

    Args:
        now: Unix seconds.
    """
    return f"import_templates_{datetime.fromtimestamp(now, UTC).date().isoformat()}.json"
