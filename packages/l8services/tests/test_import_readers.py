# SPDX-License-Identifier: Apache-2.0
"""Readers of files: formats, encodings, numbering, and files that are broken on purpose."""

from __future__ import annotations

import codecs
import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8services._export.columns import columns_of, to_csv
from l8services.imports import ImportLimits, Row, SourceFormat, read_table
from l8types.errors import ConfigurationError, InvalidInputError

from .test_export import Row as Exported
from .test_export import root


def rows(data: bytes | str, **options: object) -> list[Row]:
    """All rows of a file."""
    raw = data.encode() if isinstance(data, str) else data
    return list(read_table(raw, **options).rows)  # type: ignore[arg-type]


def values(data: bytes | str, **options: object) -> list[dict[str, str]]:
    """The cells of all rows, none of which has a problem."""
    found = rows(data, **options)
    assert [row.problem for row in found] == [None] * len(found)
    return [row.values for row in found]


def problems(data: bytes | str, **options: object) -> dict[int, str]:
    """What is wrong, by number of the row."""
    found = rows(data, **options)
    return {row.number: row.problem.message for row in found if row.problem is not None}


@pytest.mark.feature("IMP-06")
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a,b\n1,x\n2,y\n", "t.csv"),
        ("a;b\r\n1;x\r\n2;y\r\n", "t.csv"),
        ("a\tb\n1\tx\n2\ty\n", "T.TSV"),
        ("a|b\n1|x\n\n2|y", ""),
        ('[{"a": 1, "b": "x"}, {"a": 2, "b": "y", "c": null}]', "t.json"),
        ('{"list": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}', ""),
        ('{"a": 1, "b": "x"}\n\n{"a": 2, "b": "y"}\n', "t.jsonl"),
        ('{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n', ""),
        ("<r><row><a>1</a><b>x</b></row><row a='2'><b>y</b></row></r>", "t.xml"),
        (
            "<?xml version='1.0'?><r xmlns='u'><i><a>1</a><b>x</b></i><i><a>2</a><b>y</b></i></r>",
            "",
        ),
    ],
)
def test_formats_are_told_by_name_and_by_contents(text: str, name: str) -> None:
    """The same two rows come from every format, whatever the case of the extension."""
    assert values(text, name=name) == [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]


@pytest.mark.feature("IMP-06")
def test_declared_format_counts_more_than_the_name() -> None:
    """A template decides, in any case; a format that there is not is told with those there are."""
    assert values("a,b\n1,2", declared=" CSV ", name="t.json") == [{"a": "1", "b": "2"}]
    assert values('{"a":1}', declared=SourceFormat.JSON_LINES) == [{"a": "1"}]
    with pytest.raises(InvalidInputError, match="no format 'pdf'; there are csv"):
        rows("a", declared="pdf")


def test_one_object_of_many_lines_is_one_row() -> None:
    """A file of JSON need not be an array."""
    assert values(json.dumps({"a": 1}, indent=1)) == [{"a": "1"}]


@pytest.mark.feature("IMP-06")
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (b"", "utf-8"),
    ],
)
def test_byte_order_marks_are_understood(mark: bytes, encoding: str) -> None:
    """A mark says the encoding and is no part of the first title."""
    assert values(mark + "Größe,n\nüber,1\n".encode(encoding)) == [{"Größe": "über", "n": "1"}]


@pytest.mark.feature("IMP-06")
def test_encoding_without_mark_is_guessed() -> None:
    """A file of an office of the old kind is read, also when the first umlaut comes late."""
    lines = ["name;ort", *(f"plain{n};Berlin" for n in range(9000)), "Jürgen Müller;München Süd"]
    data = "\n".join(lines).encode("cp1252")
    assert values(data)[-1] == {"name": "Jürgen Müller", "ort": "München Süd"}


def test_wrong_encoding_is_one_clear_error() -> None:
    """A file that breaks its own mark names the byte and says what to do."""
    with pytest.raises(InvalidInputError, match=r"no utf-8 at byte 3.*save it as UTF-8"):
        rows(codecs.BOM_UTF8 + b"a,b\xff\n")


def test_rows_are_numbered_as_a_person_counts() -> None:
    """Titles and blank lines do not count; a text over several lines is one row."""
    found = rows('\n\na,b\n"x\ny",1\n\n\nz,2\n')
    assert [(row.number, row.values["a"]) for row in found] == [(1, "x\ny"), (2, "z")]


def test_one_ragged_row_does_not_fail_the_file() -> None:
    """The rows around it are read; the row says how many cells it has."""
    found = rows("a,b\n1,2\n3\n4,5,6\n7,8\n")
    assert [row.values.get("a") for row in found if not row.problem] == ["1", "7"]
    assert problems("a,b\n1,2\n3\n4,5,6\n7,8\n") == {
        2: "1 cells, but there are 2 columns",
        3: "3 cells, but there are 2 columns",
    }


def test_quotes_that_go_wrong_concern_their_rows() -> None:
    """Text behind a quote is an error of the row; a quote that never ends is told at the end."""
    assert list(problems('a,b\n"x"y,1\nz,2\n')) == [1]
    assert "unexpected end of data" in problems('a,b\n1,2\n"x,1\nz,2\n')[2]


def test_titles_must_be_there_and_differ() -> None:
    """No file without titles, none with two equal ones."""
    with pytest.raises(InvalidInputError, match="the file is empty"):
        rows(" \n")
    with pytest.raises(InvalidInputError, match="no titles"):
        rows(",,\n", name="t.csv")
    with pytest.raises(InvalidInputError, match="two columns have the title 'a'"):
        rows("a,b,a \n1,2,3\n")
    with pytest.raises(InvalidInputError, match="titles of the columns cannot be read"):
        rows('"a"b,c\n')


def test_numbers_of_json_keep_their_digits() -> None:
    """No integer is rounded, however long, and no decimal rewritten."""
    long = "9" * 5000
    assert values(f'[{{"id": 9007199254740993, "p": 19.90, "l": {long}, "t": true}}]') == [
        {"id": "9007199254740993", "p": "19.90", "l": long, "t": "true"}
    ]


def test_parts_of_json_and_xml_become_dotted_columns() -> None:
    """Objects within objects have dotted names, arrays are texts of JSON with their digits."""
    text = '[{"a": {"b": {"c": "x"}}, "n": [1.50, {"k": [true, null]}]}]'
    assert values(text) == [{"a.b.c": "x", "n": '[1.50, {"k": [true, null]}]'}]
    xml = "<r><i><a u='m'><b> x </b></a><t>1</t><t>2</t><e/><s k='v'>w</s></i></r>"
    assert values(xml) == [
        {"a.u": "m", "a.b": " x ", "t": '["1", "2"]', "e": "", "s": "w", "s.k": "v"}
    ]


def test_broken_json_says_where() -> None:
    """A bad line of JSON lines is one row; in an array the rest cannot be read, which is told."""
    lines = problems('{"a":1}\n{"a":\n{"a":2} x\n[1]\nNaN\n{"a":3}', name="t.jsonl")
    assert list(lines) == [2, 3, 4, 5]
    assert "no object" in lines[4]
    assert "rest of the file is not read" in problems('[{"a":1},\n{"a":2')[2]
    assert "comma" in problems('[{"a":1} {"a":2}]')[2]
    assert "more after the end" in problems('[{"a":1}] x')[2]
    assert "more after the end" in problems("[] x")[1]
    assert problems("[1]") == {1: "is no object"}
    assert values("[ ]") == []


BOMB = "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><x><r><c>&b;</c></r></x>"
OUTSIDE = "<!DOCTYPE x SYSTEM 'file:///etc/passwd'><x><r><c>1</c></r></x>"


@pytest.mark.feature("IMP-06")
@pytest.mark.parametrize("text", [BOMB, OUTSIDE])
def test_entities_of_xml_are_refused(text: str) -> None:
    """Nothing is expanded and nothing outside of the file is read."""
    found = rows(text, name="t.xml")
    assert [row.values for row in found] == [{}]
    assert "DTDs and entities are not allowed" in problems(text, name="t.xml")[1]


def test_truncated_xml_gives_the_rows_before() -> None:
    """What was complete is there, and the end is told."""
    found = rows("<r><i><a>1</a></i><i><a>2</a>")
    assert found[0].values == {"a": "1"}
    assert "is no XML" in problems("<r><i><a>1</a></i><i><a>2</a>")[2]


def test_depth_is_limited() -> None:
    """Neither JSON nor XML of any depth overflows anything."""
    deep = "[" * 100_000 + "]" * 100_000
    assert "nested too deep" in problems(f'[{{"a": {deep}}}]')[1]
    assert "nested too deep" in problems(f'{{"a": {deep}}}', name="t.jsonl")[1]
    assert "nested too deep" in problems('[{"a": ' + "[" * 40 + "]" * 40 + "}]")[1]
    assert "nested too deep" in problems('[{"a": ' + '{"a": ' * 40 + "1" + "}" * 41 + "]")[1]
    assert "nested more than 32" in problems("<a>" * 10_000)[1]


def test_sizes_are_limited() -> None:
    """Bytes refuse the file; cells and columns refuse the row; rows end the reading."""
    limits = ImportLimits(max_bytes=200, max_rows=2, max_columns=3, max_cell_chars=10)
    with pytest.raises(InvalidInputError, match="201 bytes, at most 200"):
        rows("x" * 201, limits=limits)
    assert problems("a\nx\ny\nz\nw\n", limits=limits) == {
        3: "more than 2 rows; those from this one on are not read"
    }
    assert problems("a\nx\ny\n", limits=limits) == {}
    assert problems(f"a\n{'x' * 11}\n", limits=limits) == {1: "11 characters, at most 10 are taken"}
    assert problems("a,b,c,d\n1,2,3,4\n", limits=limits) == {1: "4 columns, at most 3 are taken"}
    with pytest.raises(ConfigurationError, match="max_rows is 0"):
        ImportLimits(max_rows=0)


def test_giant_field_ends_the_reading() -> None:
    """What follows a field above the limit of the reader may be its inside, so it is no row."""
    text = 'a,b\n1,2\n"' + "x" * 200_000 + '\n5,6\n",7\n8,9\n'
    found = rows(text)
    assert [row.values for row in found if row.problem is None] == [{"a": "1", "b": "2"}]
    assert "rest of the file is not read" in problems(text)[2]


def test_zero_characters_are_no_text() -> None:
    """A row of a damaged file is refused, not its neighbours."""
    assert problems(b"a,b\n1,2\n\x00\x00,4\n5,6\n") == {
        2: "has a NUL character or half of a surrogate pair, so it is no text"
    }
    assert "no text" in problems('[{"a": "\\ud800"}]')[1]
    assert values('[{"a": "\\ud83d\\ude00"}]') == [{"a": "\U0001f600"}]


@given(st.binary(max_size=400), st.sampled_from(["", *SourceFormat]))
def test_readers_are_total(data: bytes, declared: str) -> None:
    """Any bytes give rows, each with cells or with a problem, or the one error; numbers ascend."""
    try:
        found = rows(data, declared=declared)
    except InvalidInputError:
        return
    assert [row.number for row in found] == list(range(1, len(found) + 1))
    assert all(row.problem is None or not row.values for row in found)


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.dictionaries(st.text(), c)
)


@given(st.lists(st.dictionaries(st.text(), NESTED, max_size=4), max_size=4))
def test_json_of_any_shape_is_read(items: list[dict[str, object]]) -> None:
    """Every object is a row."""
    assert len(rows(json.dumps(items), declared="json")) == len(items)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.lists(st.tuples(TEXTS, st.integers(), st.booleans()), min_size=1, max_size=5))
def test_our_export_can_be_read_back(items: list[tuple[str, int, bool]]) -> None:
    """Every text of an exported table comes back as it was, also one that was escaped."""
    columns = columns_of(root(Exported), {})
    table = to_csv(columns, [Exported(t, n, flag=f) for t, n, f in items], header=True)
    found = values(table, name="Row_2026-01-31.csv")
    assert [(row["Text"], row["Whole"], row["Flag"]) for row in found] == [
        (text, str(number), str(flag).lower()) for text, number, flag in items
    ]


PLAIN = TEXTS.filter(lambda text: not text.startswith("'"))


@given(st.lists(st.tuples(PLAIN, PLAIN), min_size=1, max_size=4))
def test_quoted_cells_of_any_text_are_read(cells: list[tuple[str, str]]) -> None:
    """What another program quotes arrives unchanged, formulas as the texts that they are."""
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *cells])
    found = values(out.getvalue(), declared="csv")
    assert [(row["a"], row["b"]) for row in found] == cells
