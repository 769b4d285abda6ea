# SPDX-License-Identifier: Apache-2.0
"""A template made ready: from the row of a file to an item, or to what is wrong with the row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from l8services._import.builder import RecordBuilder
from l8services._import.fields import Field, find_field, importable_fields, named_field
from l8services._import.rows import CellError
from l8services._import.transforms import compile_transform, concatenate
from l8types.errors import InvalidInputError, PropertyError
from l8types.pb import L8ImportValueTransform
from l8types.pb.api_pb2 import L8ImportTransformType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from l8services._import.rows import Row
    from l8types.pb import L8ImportTemplate
    from l8types.protocols.models import Introspector

__all__ = ["ImportPlan", "check_template"]

_CONCATENATE = L8ImportTransformType.IMPORT_TRANSFORM_CONCATENATE


@dataclass(slots=True)
class _Target:
    """Where the text of one field comes from and what is done to it."""

    known: Field
    column: str | None = None
    joins: list[L8ImportValueTransform] = field(default_factory=list)
    steps: list[Callable[[str], str]] = field(default_factory=list)
    default: str = ""


class ImportPlan:
    """A template that was checked against its model.

    A template without mappings takes the columns that are called as a field is.

    Args:
        template: What the user declared.
        model: Class of the items.
        introspector: Knows its fields.
        list_separator: What separates the values of a list.

    Raises:
        InvalidInputError: A field does not exist or is mapped twice, or a transform makes no sense.
    """

    def __init__(
        self,
        template: L8ImportTemplate,
        model: type,
        introspector: Introspector,
        list_separator: str = ";",
    ) -> None:
        self._fields = importable_fields(model, introspector)
        self._introspector = introspector
        self._targets: dict[str, _Target] = {}
        self._by_name = not template.column_mappings
        for mapping in template.column_mappings:
            if not mapping.skip:
                self._map(mapping.source_column, find_field(self._fields, mapping.target_field))
        for name, text in template.default_values.items():
            self._target(find_field(self._fields, name)).default = text
        for transform in template.value_transforms:
            self._transform(transform)
        if self._by_name:
            for known in self._fields.values():
                self._target(known)
        self._builder = RecordBuilder(
            model,
            [t.known for t in self._targets.values()] + self._unmapped_required(),
            list_separator,
        )

    def _unmapped_required(self) -> list[Field]:
        """Fields that no column fills, but every item needs, so that each row tells."""
        return [
            known
            for known in self._fields.values()
            if known.required and known.name not in self._targets
        ]

    def _target(self, known: Field) -> _Target:
        return self._targets.setdefault(known.name, _Target(known))

    def _map(self, column: str, known: Field) -> None:
        target = self._target(known)
        if target.column is not None:
            raise InvalidInputError(
                f"columns {target.column!r} and {column!r} are both mapped to {known.name}"
            )
        target.column = column

    def _transform(self, transform: L8ImportValueTransform) -> None:
        target = self._target(find_field(self._fields, transform.target_field))
        if transform.transform_type == _CONCATENATE:
            if not transform.concatenate_fields:
                raise InvalidInputError(f"field {target.known.name}: nothing to concatenate")
            target.joins.append(transform)
        else:
            target.steps.append(compile_transform(transform))

    def bind(self, columns: Sequence[str] | None) -> None:
        """Check the columns of a file against the mappings.

        Args:
            columns: Titles of the file, ``None`` where each row has its own.

        Raises:
            InvalidInputError: A mapped column is missing, or no column is a field.
        """
        if columns is None:
            return
        wanted = {t.column for t in self._targets.values() if t.column is not None}
        missing = sorted(wanted - set(columns))
        if missing:
            raise InvalidInputError(
                f"the file has no column {', '.join(map(repr, missing[:10]))}; "
                f"it has {', '.join(map(repr, columns[:50]))}"
            )
        if self._by_name and not any(named_field(self._fields, column) for column in columns):
            raise InvalidInputError(
                "the template maps no columns, and none of the file is called as a field is: "
                f"{', '.join(map(repr, columns[:50]))}"
            )

    def item_of(self, row: Row) -> tuple[object | None, list[CellError]]:
        """The item of a row, or all that is wrong with it."""
        if row.problem is not None:
            return None, [row.problem]
        texts, errors = self._texts(row.values)
        item, more = self._builder.build(texts)
        errors += [error for error in more if error.field not in {e.field for e in errors}]
        if errors or item is None:
            return None, errors
        try:
            self._introspector.primary_key(item)
        except PropertyError as error:
            return None, [CellError(error.message)]
        return item, []

    def _texts(self, cells: Mapping[str, str]) -> tuple[dict[str, str], list[CellError]]:
        mapped = self._mapped(cells)
        texts: dict[str, str] = {}
        errors: list[CellError] = []
        for name, target in self._targets.items():
            text = mapped.get(name, "")
            try:
                texts[name] = _worked(target, text, cells, mapped)
            except CellError as error:
                errors.append(CellError(error.message, field=name, source=text))
        return texts, errors

    def _mapped(self, cells: Mapping[str, str]) -> dict[str, str]:
        if self._by_name:
            named = ((named_field(self._fields, column), text) for column, text in cells.items())
            return {known.name: text for known, text in named if known is not None}
        return {
            name: cells.get(target.column, "")
            for name, target in self._targets.items()
            if target.column is not None
        }


def _worked(target: _Target, text: str, cells: Mapping[str, str], mapped: Mapping[str, str]) -> str:
    for join in target.joins:
        text = concatenate(join, cells, mapped)
    for step in target.steps:
        text = step(text)
    return text if text.strip() or not target.default else target.default


def check_template(template: L8ImportTemplate) -> None:
    """Check what can be checked of a template without its model.

    Raises:
        InvalidInputError: It names no model or service, or a transform makes no sense.
    """
    for name in ("target_model_type", "target_service_name"):
        if not getattr(template, name):
            raise InvalidInputError(f"template {template.template_id!r} has no {name}")
    for transform in template.value_transforms:
        if transform.transform_type != _CONCATENATE:
            compile_transform(transform)
