# SPDX-License-Identifier: Apache-2.0
"""What matches: operators, kinds, absence, collections."""

# ruff: noqa: S608 - these are queries of our own language, not SQL

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from l8types.pb import tests_pb2

from .models import Device, Odd, Port, T

if TYPE_CHECKING:
    from gsql import QueryFactory


def found(queries: QueryFactory, devices: list[Device], where: str, **parameters: object) -> str:
    """Ids of the devices that match, and the check that all ways to ask agree."""
    query = queries.parse(f"select * from Device where {where}", **parameters)
    matching = [device for device in devices if query.matches(device)]
    assert query.filter(devices) == matching
    assert query.filter(iter(devices)) == matching, "the second run may take another way"
    return " ".join(device.id for device in matching)


@pytest.mark.feature("GQ-04", "GQ-25")
@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("count=4", "s1"),
        ("count!=4", "r1 r10"),
        ("count>4", "r10"),
        ("count>=4", "s1 r10"),
        ("count<4", "r1"),
        ("count<=4.5", "r1 s1"),
        ("count=4.0", "s1"),
        ("count in [3, 5, 99]", "r1 r10"),
        ("count not in [3,5]", "s1"),
        ("count in []", ""),
        ("count between 4 and 5", "s1 r10"),
        ("count not between 4 and 5", "r1"),
        ("cost_eur>=1.5", "r1 s1"),
        ("costEur=-1", "r10"),
        ("active=true", "r1"),
        ("active=F", "s1 r10"),
        ("active!=1", "s1 r10"),
        ("state=up", "r1"),
        ("state=1", "r1"),
        ("state in [UP, down]", "r1"),
        ("state>unknown", "r1"),
        ('digest="01FF"', "r1"),
        ("id>r10", "s1"),
        ("id between r and rz", "r1 r10"),
    ],
)
def test_operators_and_kinds(
    queries: QueryFactory, devices: list[Device], where: str, ids: str
) -> None:
    """Values are compared in the kind of the attribute, enums by name or number."""
    assert found(queries, devices, where) == ids


@pytest.mark.feature("GQ-06", "GQ-07", "GQ-08")
@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("vendor=cisco systems", "r1"),
        ("vendor='cisco systems'", "r1"),
        ("vendor=cisco*", "r1"),
        ("vendor=*tems", "r1"),
        ("vendor=*sco s*", "r1"),
        ("vendor=c*o*s", "r1"),
        ("vendor=isco*", ""),
        ("vendor=*", "r1 s1 r10"),
        ("vendor!=j*", "r1 r10"),
        ("vendor like 'j_niper'", "s1"),
        ("vendor like 'JUNIPER'", "s1"),
        ("vendor like '%s%'", "r1"),
        ("vendor not like '%s%'", "s1 r10"),
        ("vendor='c\\*'", ""),
        ("vendor=''", "r10"),
        ("id in [r*]", ""),
    ],
)
def test_texts_and_wildcards(
    queries: QueryFactory, devices: list[Device], where: str, ids: str
) -> None:
    """A star stands for any run of characters and the rest must fit as a whole."""
    assert found(queries, devices, where) == ids


@pytest.mark.feature("GQ-10")
@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("vendor=juniper", ""),
        ("vendor=Juniper", "s1"),
        ("vendor=Juni*", "s1"),
        ("vendor=juni*", ""),
        ("vendor!=juniper", "r1 s1 r10"),
        ("vendor in [juniper, 'Cisco Systems']", "r1"),
        ("vendor<a", "r1 s1 r10"),
        ("vendor like 'J_niper'", "s1"),
    ],
)
def test_match_case(queries: QueryFactory, devices: list[Device], where: str, ids: str) -> None:
    """With match-case every text operator heeds case."""
    assert found(queries, devices, f"{where} match-case") == ids


@pytest.mark.feature("GQ-09")
@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("note=hello", "r1"),
        ("note!=hello", "s1 r10"),
        ("note not in [hello]", "s1 r10"),
        ("note<z", "r1"),
        ("weight>0", "r1"),
        ("weight<=0", ""),
        ("not weight>0", "s1 r10"),
        ("main.speed=10", "r1"),
        ("main.speed!=10", "s1 r10"),
        ("main.name like '%'", "r1 r10"),
        ("main.name not like 'e%'", "s1 r10"),
        ("note=nil", "s1 r10"),
        ("note!=nil", "r1"),
        ("note='nil'", ""),
        ("count=nil", ""),
        ("active=nil", "s1 r10"),
        ("vendor=nil", "r10"),
        ("main=nil", "s1"),
        ("main!=nil", "r1 r10"),
        ("main.speed=nil", "s1 r10"),
        ("names=nil", "s1 r10"),
        ("tags!=nil", "r1"),
        ("extra=nil", "r1 s1 r10"),
        ("note is null", "s1 r10"),
        ("note is not null", "r1"),
        ("vendor is null", ""),
        ("main is null", "s1"),
        ("main.speed is null", "s1 r10"),
        ("main.speed is not null", "r1"),
        ("ports is null", "s1"),
    ],
)
def test_absence(queries: QueryFactory, devices: list[Device], where: str, ids: str) -> None:
    """With an absent operand only the negative operators hold."""
    assert found(queries, devices, where) == ids


@pytest.mark.feature("GQ-20")
@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("ports.name=eth*", "r1 r10"),
        ("ports.name=lo", "r1"),
        ("ports.name!=lo", "s1 r10"),
        ("ports.name not in [lo, x]", "s1 r10"),
        ("ports.name!=eth*", "s1"),
        ("any ports.name!=eth*", "r1"),
        ("all ports.name=eth*", "s1 r10"),
        ("ports.speed>5", "r10"),
        ("all ports.speed>0", "s1 r10"),
        ("any ports.speed!=1", "r1 r10"),
        ("ports.speed is null", "r1 s1"),
        ("all ports.speed is null", "s1"),
        ("ports.speed is not null", "r10"),
        ("any ports.speed is not null", "r1 r10"),
        ("ports.alias=nil", "r1 s1"),
        ("names=b", "r1"),
        ("names in [b,z]", "r1"),
        ("tags=X", "r1"),
        ("slots.name=s1", "r1"),
        ("slots.speed>=5", "r1"),
        ("extra.name=x", ""),
        ("extra.name!=x", "r1 s1 r10"),
    ],
)
def test_collections(queries: QueryFactory, devices: list[Device], where: str, ids: str) -> None:
    """Some element satisfies, or none does for the negative operators; any and all choose."""
    assert found(queries, devices, where) == ids


@pytest.mark.feature("GQ-03")
@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("id=r1 or id=s1 and count=99", "r1"),
        ("(id=r1 or id=s1) and count=99", ""),
        ("count=99 and id=s1 or id=r1", "r1"),
        ("not id=r1 and not id=s1", "r10"),
        ("not (id=r1 or id=s1)", "r10"),
        ("not not id=r1", "r1"),
        ("id=r1 or (id=s1 and (count=4 or count=5))", "r1 s1"),
    ],
)
def test_precedence(queries: QueryFactory, devices: list[Device], where: str, ids: str) -> None:
    """``and`` binds tighter than ``or``, ``not`` tighter than both."""
    assert found(queries, devices, where) == ids


@pytest.mark.feature("GQ-22", "GQ-23", "GQ-24")
@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("device.count=4", "s1"),
        ("4<count", "r10"),
        ("4>=count", "r1 s1"),
        ("'Hello'=note", "r1"),
        ("count>device.cost_eur", "r1 s1 r10"),
        ("count>cost_eur", "r1 s1 r10"),
        ("count<cost_eur", ""),
        ("main.name=device.ports.name", "r1"),
        ("main.name!=device.ports.name", "s1 r10"),
        ("note=device.note", "r1"),
        ("ports.name!=device.main.name", "s1 r10"),
        ("any ports.name!=device.main.name", "r1 r10"),
        ("vendor=note", ""),
    ],
)
def test_two_sides(queries: QueryFactory, devices: list[Device], where: str, ids: str) -> None:
    """A value may stand on the left; a word is an attribute where it cannot be a value."""
    assert found(queries, devices, where) == ids


def test_parameters_are_values(queries: QueryFactory, devices: list[Device]) -> None:
    """No text of a parameter is taken for a wildcard, a name or a word of the language."""
    devices[1].vendor = "*"
    devices[2].vendor = "x' or vendor=*"
    for device in devices:
        assert found(queries, devices, "vendor=:v", v=device.vendor) == device.id
    assert found(queries, devices, "note=:v", v=None) == "s1 r10"
    assert found(queries, devices, "count in :v and state=:s", v={3, 4}, s="UP") == "r1"
    assert found(queries, devices, "count in [:a, 4]", a=3) == "r1 s1"
    assert found(queries, devices, "vendor like :p", p="Cisco%") == "r1"
    assert found(queries, devices, "count between :a and :b limit :n", a=4, b=9, n=1) == "s1 r10"


def test_odd_items_do_not_match(queries: QueryFactory, devices: list[Device]) -> None:
    """Items of another type or with values of another type are no match and no error."""
    query = queries.parse("select * from Device where vendor=jun* and count>1")
    odd = Device("odd", vendor="Juniper")
    odd.count = "many"  # type: ignore[assignment]
    items = [*devices, odd, Port("x"), None, T()]
    assert [item for item in items if query.matches(item)] == [devices[1]]
    assert query.filter(items) == [devices[1]]


def test_a_query_without_condition_takes_everything(
    queries: QueryFactory, devices: list[Device]
) -> None:
    """Every item of the model matches."""
    query = queries.parse("select * from device")
    assert query.criteria is None
    assert query.filter(devices) == devices
    assert query.matches(devices[0])
    assert not query.matches(Port())


def test_attributes_called_like_keywords(queries: QueryFactory) -> None:
    """Neither the language nor the generated code stumbles over a name."""
    item = Odd(limit=5, select="a", all=3, like="x")
    query = queries.parse("select select, limit from Odd where limit>4 and all=3 and like=x")
    assert query.filter([item, Odd()]) == [item]
    assert query.project(item) == Odd(limit=5, select="a")


def sample(index: int) -> tests_pb2.TestProto:
    """A filled message."""
    item = tests_pb2.TestProto(
        myString=f"string-{index}",
        myInt32=index,
        myInt64=10 * index,
        myBool=True,
        myEnum=tests_pb2.ValueOne,
        myFloat32=123.123,
        myFloat64=123456.123456,
        mySingle=tests_pb2.TestProtoSub(myString="single"),
        myModelSlice=[tests_pb2.TestProtoSub(myString=f"string-{index}-{n}") for n in (1, 2)],
        myStringSlice=["a", "b", f"string-{index}"],
    )
    sub = item.MyString2ModelMap["one"]
    sub.myString = "mapped"
    sub.mySubs["deep"].myString = "deepest"
    return item


@pytest.mark.feature("GQ-20", "GQ-25")
@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("MyString=STRING-7", True),
        ("myint64>=70 and mybool=true", True),
        ("myenum=valueone", True),
        ("myenum!=1", False),
        ("myfloat32=123.123", True),
        ("myfloat64=123456.123456", True),
        ("myfloat32<1e39 and myfloat32>-1e308", True),
        ("mysingle.mystring=single", True),
        ("mymodelslice.mystring=string-7-2", True),
        ("mymodelslice.mystring=string-8-2", False),
        ("mystringslice=b", True),
        ("MyString2ModelMap.mystring=mapped", True),
        ("MyString2ModelMap.mysubs.mystring=deepest", True),
        ("MyString2ModelMap.mysubs.mystring=absent", False),
        ("mymodelslice.mysubs.mystring=absent", False),
        (
            (
                "(MyString=hello world or (myString=string-7 and myint32=7 and "
                "mymodelslice.myString=string-7-1))"
            ),
            True,
        ),
        ("mystring=*", True),
        ("MyInt32ToInt64Map=1", False),
    ],
)
def test_messages(queries: QueryFactory, where: str, expected: bool) -> None:
    """Paths of messages, through lists and maps at any depth."""
    query = queries.parse(f"select * from TestProto where {where}")
    assert query.filter([sample(7)]) == [sample(7)] * expected
    assert query.matches(sample(7)) is expected


@pytest.mark.feature("GQ-09")
@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("mysingle.myint64=0", False),
        ("mysingle.myint64!=0", True),
        ("mysingle.mystring=nil", True),
        ("mysingle=nil", True),
        ("mysingle is null", True),
        ("mysingle.mystring is null", True),
        ("mystring is null", False),
        ("mystring=nil and myint32=nil and mybool=nil and myfloat64=nil", True),
        ("mymodelslice=nil", True),
        ("mymodelslice.mystring=nil", True),
    ],
)
def test_absent_submessages(queries: QueryFactory, where: str, expected: bool) -> None:
    """Reading an absent message gives zeros; the query knows that it is absent."""
    query = queries.parse(f"select * from TestProto where {where}")
    assert query.filter([tests_pb2.TestProto()]) == [tests_pb2.TestProto()] * expected
    assert query.matches(tests_pb2.TestProto()) is expected
