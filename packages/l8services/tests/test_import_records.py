# SPDX-License-Identifier: Apache-2.0
"""From texts to items: fields of a model, values by kind, templates, suggestions."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum, StrEnum
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import msgspec
import pytest
from google.protobuf import timestamp_pb2
from hypothesis import given
from hypothesis import strategies as st

from l8services._import.builder import RecordBuilder
from l8services._import.fields import find_field, importable_fields, to_info
from l8services._import.mapping import SimilarNames, score
from l8services._import.plan import ImportPlan, check_template
from l8services._import.rows import CellError, Row
from l8services._import.values import value_reader
from l8types.enums import Container, DecoratorType, Kind
from l8types.errors import InvalidInputError
from l8types.pb import (
    L8ImportColumnMapping,
    L8ImportFieldInfo,
    L8ImportTemplate,
    L8ImportValueTransform,
)
from l8types.pb.api_pb2 import L8ImportTransformType

from .model import FakeIntrospector
from .virtual import run

if TYPE_CHECKING:
    from l8types.protocols.models import Introspector, ModelNode


class Color(IntEnum):
    """An enumerated number."""

    NONE = 0
    DARK_RED = 3


@dataclass
class City:
    """A part of a part."""

    name: str = ""
    population: int = 0


@dataclass
class Home:
    """A part."""

    street: str
    city: City | None = None
    inner: Home | None = None


@dataclass
class Person:
    """One attribute of each kind."""

    ssn: str
    age: int = 0
    height: float = 0.0
    member: bool = False
    color: Color = Color.NONE
    home: Home | None = None
    tags: list[str] = field(default_factory=list)
    scores: list[int] = field(default_factory=list)
    hired_at: int = 0


INTROSPECTOR = FakeIntrospector()
INTROSPECTOR.decorate(Person, DecoratorType.PRIMARY, "ssn")
MODELS = cast("Introspector", INTROSPECTOR)
FIELDS = importable_fields(Person, MODELS)


def plan(**options: object) -> ImportPlan:
    """A template for persons, made ready."""
    mapped = cast("dict[str, str]", options.pop("mapped", {}))
    mappings = [L8ImportColumnMapping(source_column=c, target_field=f) for c, f in mapped.items()]
    template = L8ImportTemplate(column_mappings=mappings, **options)  # type: ignore[arg-type]
    return ImportPlan(template, Person, MODELS)


def item(made: ImportPlan, **cells: str) -> Person:
    """The item of a row that is in order."""
    found, errors = made.item_of(Row(1, cells))
    assert not errors
    return cast("Person", found)


def faults(made: ImportPlan, **cells: str) -> dict[str, str]:
    """What is wrong with a row, by field."""
    found, errors = made.item_of(Row(1, cells))
    assert found is None
    return {error.field: error.message for error in errors}


def transform(name: str, target: str, **options: object) -> L8ImportValueTransform:
    """A transform for a template."""
    kind = L8ImportTransformType.Value(f"IMPORT_TRANSFORM_{name}")
    return L8ImportValueTransform(target_field=target, transform_type=kind, **options)  # type: ignore[arg-type]


@pytest.mark.feature("IMP-02")
def test_fields_of_parts_have_dotted_names() -> None:
    """Lists of values are among them; a part within itself is offered once."""
    assert [known.name for known in FIELDS.values()] == [
        "Ssn", "Age", "Height", "Member", "Color", "Home.Street", "Home.City.Name",
        "Home.City.Population", "Tags", "Scores", "HiredAt",
    ]  # fmt: skip


@pytest.mark.feature("IMP-02")
def test_keys_required_fields_and_names_of_values_are_told() -> None:
    """W-35: what the editor of a template needs, for each field."""
    info = {name: to_info(known) for name, known in FIELDS.items()}
    assert (info["ssn"].is_primary_key, info["ssn"].is_required) == (True, True)
    assert (info["age"].is_primary_key, info["age"].is_required) == (False, False)
    # Its part may be left out, so no item needs it.
    assert not info["home.street"].is_required
    assert dict(info["color"].enum_values) == {"NONE": 0, "DARK_RED": 3}
    kinds = {name: info[name].field_type for name in ("ssn", "age", "height", "member", "color")}
    assert kinds == {
        "ssn": "string", "age": "int64", "height": "float", "member": "bool", "color": "string",
    }  # fmt: skip


def test_required_attributes_of_structs_are_told() -> None:
    """A msgspec struct says itself what it needs."""

    class Point(msgspec.Struct):
        x: int
        y: int = 0

    common: dict[str, object] = {
        "kind": Kind.INT64,
        "enum": None,
        "container": Container.SINGLE,
        "attributes": {},
    }
    nodes = {n: SimpleNamespace(attribute=n, field_name=n.upper(), **common) for n in "xy"}
    root = SimpleNamespace(model=Point, attributes=nodes)
    models = SimpleNamespace(inspect=lambda _: root, fields=lambda *_: None)
    found = importable_fields(Point, cast("Introspector", models))
    assert {name: known.required for name, known in found.items()} == {"x": True, "y": False}


def test_fields_are_found_by_either_name() -> None:
    """As the model declares them, or in the style of Go; to a misspelt one the nearest is told."""
    assert find_field(FIELDS, "hired_at").name == "HiredAt"
    assert find_field(FIELDS, "home.city.NAME").name == "Home.City.Name"
    with pytest.raises(InvalidInputError, match=r"no field 'Agee'.*nearest is Age"):
        find_field(FIELDS, "Agee")
    with pytest.raises(InvalidInputError, match="no field 'xxx"):
        find_field(FIELDS, "x" * 1_000_000)


@pytest.mark.feature("IMP-08")
def test_texts_become_values_of_the_fields_type() -> None:
    """Numbers, truth, enumerated values by name, parts of parts, lists in either form."""
    made = plan()
    assert item(
        made, ssn="1", age=" 42 ", height="1.80", member="Yes", color="dark_red",
        tags="a; b;;c", scores="[1, 2]", hired_at="7.0",
        **{"home.street": "S", "home.city.population": "12"},
    ) == Person(
        "1", 42, 1.8, True, Color.DARK_RED, Home("S", City(population=12)),
        ["a", "b", "c"], [1, 2], 7,
    )  # fmt: skip
    assert item(made, ssn="1", color="3", member="off").color is Color.DARK_RED


@pytest.mark.feature("IMP-08")
def test_all_that_is_wrong_with_a_row_is_told() -> None:
    """Each field with its reason; a part that lacks what it needs is told too."""
    assert faults(
        plan(), ssn=" ", age="4.5", height="tall", member="perhaps", color="BLUE",
        scores="1;x", hired_at=str(2**63),
    ) == {
        "Ssn": "is required, but blank",
        "Age": "'4.5' is no whole number",
        "Height": "'tall' is no number",
        "Member": "'perhaps' is neither true nor false",
        "Color": "'BLUE' is none of NONE, DARK_RED",
        "Scores": "'x' is no number",
        "HiredAt": f"{2**63} is not from {-(2**63)} to {2**63 - 1}",
    }  # fmt: skip
    assert "makes no Person" in faults(plan(), ssn="1", **{"home.city.name": "x"})[""]


class Level(StrEnum):
    """An enumerated text."""

    HIGH = "hi"


def node(kind: Kind, **parts: object) -> ModelNode:
    """A single value of a kind."""
    usual = {"container": Container.SINGLE, "enum": None, "enum_class": None, "model": None}
    return cast("ModelNode", SimpleNamespace(**{"kind": kind, "type_name": "", **usual, **parts}))


@pytest.mark.feature("IMP-08")
@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Kind.INT32, {"-2147483648": -(2**31), "+7": 7, "2e3": 2000}, ["2147483648", "", "0x1"]),
        (Kind.UINT32, {"4294967295": 2**32 - 1}, ["-1", "4294967296", "1_000", "\u0661"]),
        (Kind.UINT64, {"18446744073709551615": 2**64 - 1}, ["18446744073709551616"]),
        (Kind.INT64, {"9007199254740993": 2**53 + 1}, ["nan", "inf", "1e400"]),
        (Kind.FLOAT32, {"1.5": 1.5, ".5": 0.5}, ["1e39", "infinity"]),
        (Kind.FLOAT64, {"-1e300": -1e300, "5.": 5.0}, ["1e309", "1,5"]),
        (Kind.UINT8, {"aGk=": b"hi"}, ["a", "hi!"]),
    ],
)
def test_ranges_are_those_of_the_kind(kind: Kind, good: dict[str, object], bad: list[str]) -> None:
    """Nothing is cut to fit, and no integer loses digits."""
    read = value_reader(node(kind), ";")
    assert {text: read(text) for text in good} == good
    for text in bad:
        with pytest.raises(CellError):
            read(text)


@pytest.mark.feature("IMP-08")
@pytest.mark.parametrize(
    ("text", "seconds", "nanos"),
    [
        ("2026-01-31T08:00:00.25+01:00", 1769842800, 250_000_000),
        ("2026-01-31", 1769817600, 0),
        ("1700000000.5", 1700000000, 500_000_000),
        ("-1", -1, 0),
    ],
)
def test_moments_are_read(text: str, seconds: int, nanos: int) -> None:
    """A timestamp of a message is one field: ISO 8601, UTC without an offset, or Unix seconds."""
    moment = node(Kind.MESSAGE, type_name="Timestamp", model=timestamp_pb2.Timestamp)
    assert value_reader(moment, ";")(text) == timestamp_pb2.Timestamp(seconds=seconds, nanos=nanos)


@pytest.mark.parametrize("text", ["soon", "9" * 30, "31.01.2026", "2026-02-31"])
def test_moments_that_are_none_are_refused(text: str) -> None:
    """They are not guessed."""
    moment = node(Kind.MESSAGE, type_name="Timestamp", model=timestamp_pb2.Timestamp)
    with pytest.raises(CellError, match="no time of ISO 8601 and no Unix time"):
        value_reader(moment, ";")(text)


def test_list_that_is_no_json_is_split() -> None:
    """A text that only begins like an array is one of values."""
    read = value_reader(node(Kind.STRING, container=Container.LIST), ";")
    assert (read("[a];b"), read('["a;b", true, 1.50]')) == (["[a]", "b"], ["a;b", "true", "1.50"])


def test_texts_of_enumerations_are_members() -> None:
    """By name or by value."""
    read = value_reader(node(Kind.STRING, enum_class=cast("type[Enum]", Level)), ";")
    assert (read("high"), read("HI")) == (Level.HIGH, Level.HIGH)
    with pytest.raises(CellError, match="'low' is none of hi"):
        read("low")


@given(st.sampled_from(list(FIELDS)), st.text(max_size=40))
def test_builder_is_total(name: str, text: str) -> None:
    """Any text gives an item or errors with the field, never another exception."""
    builder = RecordBuilder(Person, FIELDS.values())
    made, errors = builder.build({"Ssn": "1", FIELDS[name].name: text})
    assert (made is None) == bool(errors)


@given(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_back(whole: int, real: float) -> None:
    """What Python writes is read as what it was."""
    made, errors = RecordBuilder(Person, FIELDS.values()).build(
        {"Ssn": "1", "Age": str(whole), "Height": repr(real)}
    )
    assert not errors
    assert made == Person("1", whole, real)


@pytest.mark.feature("IMP-01")
def test_template_maps_transforms_and_fills() -> None:
    """Columns by name, transforms in order, defaults where a cell is blank or there is none."""
    made = plan(
        mapped={"nr": "ssn", "salary": "age", "since": "HiredAt", "x": "tags"},
        value_transforms=[
            transform("TRIM", "Ssn"),
            transform("UPPERCASE", "ssn"),
            transform("MONEY", "age", format_pattern="de"),
            transform("DATE_FORMAT", "hired_at", format_pattern="DD.MM.YYYY"),
            transform("CONCATENATE", "home.street", concatenate_fields=["street", "no"]),
        ],
        default_values={"tags": "new", "member": "true"},
    )
    made.bind(["nr", "salary", "since", "x", "street", "no", "more"])
    found = item(made, nr=" a1 ", salary="19,99", since="01.02.1970", x="  ", street="Main", no="5")
    assert found == Person(
        "A1", 1999, member=True, home=Home("Main 5"), tags=["new"], hired_at=31 * 86400
    )


def test_default_beats_a_blank_cell() -> None:
    """W-35: a blank cell is no value."""
    made = plan(mapped={"a": "ssn", "b": "age"}, default_values={"age": "5"})
    assert (item(made, a="1", b=" ").age, item(made, a="1", b="6").age) == (5, 6)


def test_columns_that_are_skipped_are_not_taken() -> None:
    """Whatever they are called."""
    template = L8ImportTemplate(
        column_mappings=[
            L8ImportColumnMapping(source_column="ssn", target_field="ssn"),
            L8ImportColumnMapping(source_column="age", target_field="nonsense", skip=True),
        ]
    )
    assert item(ImportPlan(template, Person, MODELS), ssn="1", age="x") == Person("1")


def test_failed_transform_is_told_once_with_the_cell() -> None:
    """A row with two faulty fields has two errors, and each names what was found."""
    made = plan(
        mapped={"a": "ssn", "b": "age"},
        value_transforms=[transform("UNIT_CONVERT", "age", format_pattern="2")],
    )
    _, errors = made.item_of(Row(1, {"a": "", "b": "x"}))
    assert [(e.field, e.source) for e in errors] == [("Age", "x"), ("Ssn", "")]


def test_template_that_does_not_fit_is_refused_before_a_row_is_read() -> None:
    """Unknown fields, two columns for one field, columns that the file lacks."""
    with pytest.raises(InvalidInputError, match="no field 'Nope'"):
        plan(mapped={"a": "Nope"})
    with pytest.raises(InvalidInputError, match="'a' and 'b' are both mapped to Age"):
        plan(mapped={"a": "age", "b": "Age"})
    with pytest.raises(InvalidInputError, match="nothing to concatenate"):
        plan(value_transforms=[transform("CONCATENATE", "age")])
    with pytest.raises(InvalidInputError, match="no column 'b', 'c'; it has 'a'"):
        plan(mapped={"b": "ssn", "c": "age"}).bind(["a"])
    with pytest.raises(InvalidInputError, match="maps no columns, and none of the file"):
        plan().bind(["a"])
    plan(mapped={"b": "ssn"}).bind(None)


def test_rows_without_a_mapped_key_tell_it() -> None:
    """Nothing is written that could not be found again."""
    assert faults(plan(mapped={"a": "age"}), a="1") == {"Ssn": "is required, but blank"}


def test_templates_are_checked_without_their_model() -> None:
    """What can never work is refused when it is written."""
    template = L8ImportTemplate(template_id="t", target_model_type="Person")
    with pytest.raises(InvalidInputError, match="template 't' has no target_service_name"):
        check_template(template)
    template.target_service_name = "People"
    template.value_transforms.append(transform("DATE_FORMAT", "age", format_pattern="x"))
    with pytest.raises(InvalidInputError, match="'x', which is no token"):
        check_template(template)


@pytest.mark.feature("IMP-03")
@pytest.mark.parametrize(
    ("column", "target", "expected"),
    [
        ("first_name", "FirstName", 1.0),
        ("E-Mail", "Email", 1.0),
        ("name first", "FirstName", 0.9),
        ("qty", "Quantity", 0.8),
        ("dept no", "DepartmentNumber", 0.8),
        ("fname", "FirstName", 0.8),
        ("Customer City", "City", 0.7),
        ("adress", "Address", 0.645),
        ("id", "Width", 0.0),
        ("a", "b", 0.0),
        ("--", "Name", 0.0),
        ("price", "Color", 0.0),
    ],
)
def test_names_are_compared(column: str, target: str, expected: float) -> None:
    """Equal, other order, abbreviated, contained, misspelt, or nothing."""
    assert score(column, target) == pytest.approx(expected)


@given(st.text(max_size=30), st.text(max_size=30))
def test_score_is_a_share(column: str, target: str) -> None:
    """Between 0 and 1, and 1 with itself where there is anything to compare."""
    assert 0.0 <= score(column, target) <= 1.0
    assert score(target, target) == (1.0 if any(c.isalnum() for c in target.casefold()) else 0.0)


@pytest.mark.feature("IMP-03")
def test_each_column_and_each_field_is_used_once() -> None:
    """The best pairs win; keys are marked; the form of a date is seen in the samples."""
    infos = [to_info(known) for known in FIELDS.values()]
    columns = ["SSN", "age", "aged", "hired at", "zzz"]
    samples = ["1", "5", "6", "31.01.2026", "?"]
    found = run(SimilarNames().suggest(infos, columns, samples))
    pairs = {m.source_column: m.target_field for m in found.suggested_mappings if not m.skip}
    assert pairs == {"SSN": "Ssn", "age": "Age", "hired at": "HiredAt"}
    assert [m.source_column for m in found.suggested_mappings if m.skip] == ["aged", "zzz"]
    assert [(t.target_field, t.format_pattern) for t in found.suggested_transforms] == [
        ("HiredAt", "DD.MM.YYYY")
    ]
    assert found.confidence == 1.0
    assert "'SSN' -> Ssn (1.00) key" in found.explanation


@pytest.mark.feature("IMP-03")
def test_nothing_is_suggested_where_nothing_fits() -> None:
    """What is missing is told; too many columns are refused."""
    infos = [L8ImportFieldInfo(field_name="Isbn", is_required=True)]
    found = run(SimilarNames().suggest(infos, ["xyzzy"], []))
    assert found.suggested_mappings[0].skip
    assert (found.confidence, found.explanation) == (0.0, "nothing fits the required Isbn")
    with pytest.raises(InvalidInputError, match="1001 columns"):
        run(SimilarNames().suggest(infos, ["x"] * 1001, []))
