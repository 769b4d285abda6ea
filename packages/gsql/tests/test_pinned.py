# SPDX-License-Identifier: Apache-2.0
"""Single values that are read out of a query: its key, its parameters, its hash."""

# ruff: noqa: S608 - these are queries of our own language, not SQL

from __future__ import annotations

import pytest

from gsql import QueryFactory
from l8types.enums import DecoratorType

from .fakes import FakeInspector
from .models import Device, T


def keyed(*names: str) -> QueryFactory:
    """A factory whose devices have a primary key."""
    inspector = FakeInspector(Device, T)
    inspector._roots["device"].decorators = {DecoratorType.PRIMARY: names}
    return QueryFactory(inspector)


@pytest.mark.feature("GQ-29")
@pytest.mark.parametrize(
    ("where", "key"),
    [
        ("id=17", "17"),
        ("id='10.0.0.1' and count>3", "10.0.0.1"),
        ("id=R1 match-case", "R1"),
        ("device.ID=R1 and not count=2 match-case", "R1"),
        ("id=r1", None),
        ("id=1* match-case", None),
        ("id='1\\*' match-case", "1*"),
        ("id!=17", None),
        ("id>17", None),
        ("id in [17]", None),
        ("id=17 or count=1", None),
        ("not id=17", None),
        ("main.name=17", None),
        ("id=device.vendor", None),
        ("id=nil", None),
        ("count=17", None),
    ],
)
def test_the_key_of_a_text(where: str, key: str | None) -> None:
    """Only a condition that pins exactly the primary key gives it."""
    assert keyed("Id").parse(f"select * from Device where {where}").key == key


@pytest.mark.feature("GQ-29")
def test_keys_of_numbers_and_of_several_attributes() -> None:
    """The parts stand one after the other; all must be there."""
    assert keyed("Count").parse("select * from Device where count=07").key == "7"
    assert keyed("Count").parse("select * from Device where count=1.5").key is None
    both = keyed("Id", "Count")
    assert both.parse("select * from Device where count=5 and id=1").key == "15"
    assert both.parse("select * from Device where id=1").key is None
    assert both.parse("select * from Device").key is None
    assert both.parse("select * from T where a=1").key is None


@pytest.mark.feature("GQ-30")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "v1"),
        ("ID", "v1"),
        ("device.id", "v1"),
        ("count", 2),
        ("cost_eur", 1.5),
        ("costEur", 1.5),
        ("state", (1, 2)),
        ("tags<{24}room>", "x"),
        ("vendor", None),
        ("note", None),
        ("nothing", None),
    ],
)
def test_values_as_parameters(queries: QueryFactory, name: str, value: object) -> None:
    """The value has the kind of its attribute; without one there is none."""
    query = queries.parse(
        "select * from Device where id=v1 and (count>2 or not cost_eur<=1.5) and note=nil and "
        "state in [up,down] and any(ports: name=x) and tags<{24}room>=x and count=9"
    )
    assert query.value_of(name) == value
    assert queries.parse("select * from Device").value_of(name) is None


@pytest.mark.feature("GQ-31")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("select * from TestProto", 1004867834),
        ("select * from T where a=1", 721750964),
        ("  SELECT * from T where a=1\n", 721750964),
        ("select * from T where a=1 mapreduce", 1625637974),
        ("select G,count(*),sum(Amt) from T group-by G", 1638021399),
    ],
)
def test_the_hash_of_the_first_make(queries: QueryFactory, text: str, value: int) -> None:
    """The number is that of the reference, signed and of 32 bits."""
    assert queries.parse(text).hash == value


@pytest.mark.feature("GQ-31")
def test_the_hash_is_signed(queries: QueryFactory) -> None:
    """Above half of the range it is negative, also for text beyond ASCII."""
    hashes = [queries.parse(f"select * from T where a=é{chr(97 + n) * n}").hash for n in range(26)]
    assert min(hashes) < 0 < max(hashes)
    assert all(-(2**31) <= value < 2**31 for value in hashes)
