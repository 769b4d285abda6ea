# SPDX-License-Identifier: Apache-2.0
"""The tables of a model."""

from __future__ import annotations

from dataclasses import make_dataclass

import pytest
import sqlalchemy as sa

from l8orm._layout import MAX_COLUMNS, Layout, make_layout
from l8types.enums import DecoratorType
from l8types.errors import InvalidInputError
from l8types.pb import tests_pb2 as pb

from .fakes import introspector
from .models import Thing, Tree


def layout_of(model: type, *, sqlite: bool = True) -> Layout:
    """Layout of a model."""
    return make_layout(introspector((model, "id")).inspect(model), sqlite=sqlite)


@pytest.mark.feature("ORM-04")
def test_lists_and_maps_of_models_have_tables_of_their_own() -> None:
    """Single models are columns, collections are tables, at any depth, owners first."""
    layout = make_layout(
        introspector((pb.TestProto, "myString")).inspect(pb.TestProto), sqlite=True
    )
    assert [table.name for table in layout.tables] == [
        "testproto",
        "testproto__mysingle__mysubs",
        "testproto__mymodelslice",
        "testproto__mymodelslice__mysubs",
        "testproto__mystring2modelmap",
        "testproto__mystring2modelmap__mysubs",
    ]
    assert "mysingle__mystring" in layout.root.sql.c


@pytest.mark.feature("ORM-03", "ORM-06")
def test_every_row_belongs_to_the_row_above() -> None:
    """The keys of a row are those of its owner and one more, and go with the owner."""
    layout = layout_of(Thing)
    leaves = layout.metadata.tables["thing__parts__leaves"]
    assert [column.name for column in leaves.primary_key] == ["_key", "_k1", "_k2"]
    (constraint,) = leaves.foreign_key_constraints
    assert constraint.column_keys == ["_key", "_k1"]
    assert constraint.referred_table.name == "thing__parts"
    assert constraint.ondelete == "CASCADE"
    assert isinstance(layout.metadata.tables["thing__bynumber"].c["_k1"].type, sa.BigInteger)


def test_columns_have_real_types() -> None:
    """Each kind of value has the column type that fits it."""
    columns = layout_of(Thing, sqlite=False).root.sql.c
    kinds = {
        "name": sa.Text,
        "count": sa.BigInteger,
        "small": sa.Integer,
        "big": sa.BigInteger,
        "ratio": sa.Double,
        "on": sa.Boolean,
        "raw": sa.LargeBinary,
        "color": sa.Integer,
        "tags": sa.ARRAY,
        "ratios": sa.JSON,
        "spare": sa.Boolean,
    }
    assert isinstance(layout_of(Thing).root.sql.c["tags"].type, sa.JSON)
    for name, kind in kinds.items():
        assert isinstance(columns[name].type, kind)


def test_a_model_that_contains_itself_becomes_json() -> None:
    """Columns end where a model comes again."""
    layout = layout_of(Tree)
    assert [table.name for table in layout.tables] == ["tree"]
    assert isinstance(layout.root.sql.c["left"].type, sa.JSON)
    assert isinstance(layout.root.sql.c["children"].type, sa.JSON)


@pytest.mark.feature("ORM-12")
def test_declared_attributes_are_indexed() -> None:
    """The unique key always, others in both directions when they are declared."""
    models = introspector((Thing, "id"))
    models.decorate(Thing, DecoratorType.NON_UNIQUE, "count", "tags")
    layout = make_layout(models.inspect(Thing), sqlite=True)
    found = {index.name: index.unique for index in layout.root.sql.indexes}
    assert found == {
        "thing_unique": True,
        "thing_count_asc": False,
        "thing_count_desc": False,
    }


def test_long_names_are_cut_and_stay_different() -> None:
    """PostgreSQL would cut them by itself, and make them equal."""
    names = [f"{'x' * 80}{end}" for end in "ab"]
    model = make_dataclass("M", [("id", str), *((name, int) for name in names)])
    columns = layout_of(model).root.sql.c
    assert len(columns) == 5
    assert all(len(column.name) <= 55 for column in columns)


def test_too_many_attributes_are_refused() -> None:
    """A clear error instead of one of the database."""
    names = [(f"a{number}", int) for number in range(MAX_COLUMNS)]
    model = make_dataclass("Wide", [("id", str), *names])
    with pytest.raises(InvalidInputError, match="Wide needs more than 1000 columns"):
        layout_of(model)
