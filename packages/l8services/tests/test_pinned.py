# SPDX-License-Identifier: Apache-2.0
"""Which key a query is about."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from l8services._replication.pinned import pinned
from l8types.criteria import And, Comparison, Or
from l8types.enums import Container, DecoratorType, Kind, Operator

if TYPE_CHECKING:
    from l8types.criteria import AttributePath, Criteria
    from l8types.protocols.data import Query


def compared(
    value: object,
    operator: Operator = Operator.EQ,
    *,
    name: str = "isbn",
    kind: Kind = Kind.STRING,
    container: Container = Container.SINGLE,
    depth: int = 1,
) -> Comparison:
    """A comparison of an attribute with a value."""
    node = SimpleNamespace(field_name=name, kind=kind, container=container)
    path = SimpleNamespace(node=node, nodes=(node,) * depth)
    return Comparison(cast("AttributePath", path), operator, value, match_case=False)


def asked(criteria: Criteria | None, *names: str) -> str | None:
    """The key of a query with these criteria."""
    root = SimpleNamespace(decorators={DecoratorType.PRIMARY: names or ("Isbn",)})
    return pinned(cast("Query", SimpleNamespace(key=None, criteria=criteria, root=root)))


TITLE = compared("x", name="title")


def test_one_key() -> None:
    """A comparison of the key that every match satisfies tells it, beside whatever else."""
    assert asked(compared("Ab")) == "Ab"
    assert asked(And((TITLE, And((compared("Ab"), TITLE))))) == "Ab"
    known = SimpleNamespace(key="7", criteria=None)
    assert pinned(cast("Query", known)) == "7"


@pytest.mark.parametrize(
    "criteria",
    [
        None,
        TITLE,
        Or((compared("a"), compared("b"))),
        And((TITLE, Or((compared("a"), TITLE)))),
        compared("a", Operator.NE),
        compared("a", Operator.LIKE),
        compared(("a",), Operator.IN),
        compared(""),
        compared(None),
        compared(7, kind=Kind.INT),
        compared("a", kind=Kind.MESSAGE),
        compared("a", container=Container.LIST),
        compared("a", depth=2),
    ],
)
def test_no_key(criteria: Criteria | None) -> None:
    """What may match several keys, or compares in another way, tells none."""
    assert asked(criteria) is None


def test_a_key_of_several_attributes() -> None:
    """One of several attributes of a key is not the key."""
    assert asked(compared("a"), "isbn", "area") is None
    assert pinned(cast("Query", SimpleNamespace())) is None
