# SPDX-License-Identifier: Apache-2.0
"""Lists of scalars in arrays of PostgreSQL, and what becomes of the JSON of earlier releases.

SQLite has no arrays; there, and for maps, it is JSON (``_documents``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from alembic.operations import Operations, ops
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql

from l8orm._enums import member_of
from l8orm._kinds import Misfit
from l8types.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from l8orm._kinds import ValueType
    from l8types.protocols.models import ModelNode

__all__ = [
    "ConvertOp",
    "array_decoder",
    "array_encoder",
    "array_tag",
    "array_type",
    "document_tag",
    "elements",
]

_UNSIGNED: Final = (
    "CAST(CAST(x AS numeric) - CASE WHEN CAST(x AS numeric) > 9223372036854775807 "
    "THEN 18446744073709551616 ELSE 0 END AS bigint)"
)
_FROM_JSON: Final = {
    "text": "x",
    "bytes": "decode(x, 'base64')",
    "boolean": "CAST(x AS boolean)",
    "integer": "CAST(x AS integer)",
    "bigint": "CAST(x AS bigint)",
    "unsigned": _UNSIGNED,
    "double": "CAST(x AS double precision)",
}
"""An element as it stands in an array, of the text that stands in JSON, by type of the column."""


def document_tag(node: ModelNode) -> str:
    """Type of a column of JSON."""
    return f"json {node.container.value} of {node.kind.name.lower()}"


def array_tag(kind: ValueType) -> str:
    """Type of a column with an array."""
    return f"array of {kind.tag}"


def array_type(kind: ValueType) -> sa.types.TypeEngine[Any]:
    """The same for SQL."""
    return postgresql.ARRAY(kind.sql)


def array_encoder(node: ModelNode, kind: ValueType) -> Callable[[Any], list[object]]:
    """How a list becomes what the driver takes; raises ``Misfit``."""
    encode = kind.encode

    def encoded(value: Any) -> list[object]:  # noqa: ANN401 - any model
        if isinstance(value, str | bytes) or not hasattr(value, "__getitem__"):
            raise Misfit(f"{type(value).__name__} is no {node.container.value}")
        if hasattr(value, "keys"):
            raise Misfit(f"{type(value).__name__} is no {node.container.value}")
        return [encode(entry) for entry in value]

    return encoded


def array_decoder(node: ModelNode, kind: ValueType) -> Callable[[list[Any]], list[object]] | None:
    """How what the driver gives becomes a list, ``None`` when it is one."""
    decode = kind.decode
    if node.enum_class is not None:
        find = member_of(node.enum_class)
        return lambda values: [find(value, value) for value in values]
    if decode is None:
        return None
    return lambda values: [decode(value) for value in values]


def elements(column: sa.ColumnElement[Any], kind: ValueType) -> sa.TableValuedAlias:
    """The elements of an array as rows of a column ``value``."""
    rows = sa.func.unnest(column).table_valued(sa.column("value", kind.sql))
    return rows.render_derived()


class ConvertOp(ops.MigrateOperation):
    """Make an array of a column of JSON, with all that it holds.

    Args:
        table: Name of the table.
        column: Name of the column.
        kind: The elements.
    """

    def __init__(self, table: str, column: str, kind: ValueType) -> None:
        self.table, self.column, self.kind = table, column, kind


@Operations.implementation_for(ConvertOp)
def _convert(operations: Operations, step: ConvertOp) -> None:
    try:
        for statement in _statements(step, operations.migration_context.dialect):
            operations.execute(sa.text(statement))
    except exc.DBAPIError as error:
        raise ConflictError(
            f"column {step.column} of table {step.table} cannot become an array: {error.orig}; "
            "texts with a NUL character have to be removed from it first"
        ) from error


def _statements(step: ConvertOp, dialect: sa.Dialect) -> Iterator[str]:
    """A change of type takes an expression and no query, so there is a function for a moment."""
    quoted = dialect.identifier_preparer.quote
    wanted = array_type(step.kind).compile(dialect=dialect)
    result = wanted.replace(' COLLATE "C"', "")
    function = f"pg_temp.l8orm_{step.kind.tag}"
    entries = f"coalesce(array_agg({_FROM_JSON[step.kind.tag]} ORDER BY n), '{{}}')"
    rows = "json_array_elements_text(document) WITH ORDINALITY AS entry(x, n)"
    body = f"SELECT {entries} FROM {rows}"  # noqa: S608 - constants of this module
    head = f"CREATE FUNCTION {function}(document json) RETURNS {result} LANGUAGE sql STRICT"
    yield f"{head} AS $l8$ {body} $l8$"
    table, column = quoted(step.table), quoted(step.column)
    yield f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {wanted} USING {function}({column})"
    yield f"DROP FUNCTION {function}(json)"
