# SPDX-License-Identifier: Apache-2.0
"""Makes items of a model from texts by field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8services._import.rows import CellError
from l8services._import.values import value_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from l8services._import.fields import Field

__all__ = ["RecordBuilder"]


class RecordBuilder:
    """Compiled once for the fields of a template, used for every row.

    Args:
        model: Class of the items.
        fields: Those that are filled.
        list_separator: What separates the values of a list.
    """

    def __init__(self, model: type, fields: Iterable[Field], list_separator: str = ";") -> None:
        self._model = model
        self._readers: dict[str, tuple[Field, Callable[[str], object]]] = {
            field.name: (field, value_reader(field.node, list_separator)) for field in fields
        }

    def build(self, texts: Mapping[str, str]) -> tuple[object | None, list[CellError]]:
        """An item, or all that is wrong with its texts.

        Args:
            texts: Text by name of the field. A blank one leaves the field as the model has it;
                blank is what is empty or has only spaces, which a text that is not required may be.
        """
        errors: list[CellError] = []
        parts: dict[str, object] = {}
        for name, (field, read) in self._readers.items():
            text = texts.get(name, "")
            spaces_count = field.type_name == "string" and not field.required
            if not (text if spaces_count else text.strip()):
                if field.required:
                    errors.append(CellError("is required, but blank", field=name))
                continue
            try:
                _put(parts, field, read(text))
            except CellError as error:
                errors.append(CellError(error.message, field=name, source=text))
        if errors:
            return None, errors
        try:
            return _make(self._model, parts), []
        except (TypeError, ValueError) as error:
            return None, [CellError(f"makes no {self._model.__name__}: {error}")]


class _Part(dict[str, object]):
    """Attributes of a part that is made when all of them are known."""

    def __init__(self, model: type) -> None:
        super().__init__()
        self.model = model


def _put(parts: dict[str, object], field: Field, value: object) -> None:
    for node in field.nodes[:-1]:
        if node.model is None:  # pragma: no cover - a node with attributes has a model
            raise CellError("belongs to a part without a model")
        inner = parts.setdefault(node.attribute, _Part(node.model))
        if not isinstance(inner, _Part):  # pragma: no cover - one name is one attribute
            raise CellError("is a value and a part at once")
        parts = inner
    parts[field.node.attribute] = value


def _make(model: type, parts: Mapping[str, object]) -> object:
    return model(
        **{
            name: _make(value.model, value) if isinstance(value, _Part) else value
            for name, value in parts.items()
        }
    )
