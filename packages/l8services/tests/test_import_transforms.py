# SPDX-License-Identifier: Apache-2.0
"""The ten transforms: what they do, what they refuse, and the laws that they keep."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8services._import.dates import date_reader
from l8services._import.numbers import money, plain, to_decimal, unit_converter
from l8services._import.rows import CellError
from l8services._import.transforms import compile_transform, concatenate
from l8types.errors import InvalidInputError
from l8types.pb import L8ImportValueTransform
from l8types.pb.api_pb2 import L8ImportTransformType

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

NAMES = [name.removeprefix("IMPORT_TRANSFORM_") for name in L8ImportTransformType.keys()]  # noqa: SIM118 - no dictionary
TEXTS = st.text(max_size=30)


def transform(name: str, **options: object) -> Callable[[str], str]:
    """The function of a transform."""
    kind = L8ImportTransformType.Value(f"IMPORT_TRANSFORM_{name}")
    return compile_transform(
        L8ImportValueTransform(target_field="F", transform_type=kind, **options)  # type: ignore[arg-type]
    )


def refused(function: Callable[[str], str], text: str) -> str:
    """Why a cell is refused."""
    with pytest.raises(CellError) as caught:
        function(text)
    return caught.value.message


@pytest.mark.feature("IMP-07")
def test_texts_are_trimmed_and_change_case() -> None:
    """TRIM, UPPERCASE and LOWERCASE."""
    assert transform("TRIM")(" \ta b\n") == "a b"
    assert transform("UPPERCASE")("straße") == "STRASSE"
    assert transform("LOWERCASE")("AbC") == "abc"


@pytest.mark.feature("IMP-07")
def test_default_takes_the_place_of_blanks() -> None:
    """DEFAULT: a cell of spaces is blank."""
    default = transform("DEFAULT", default_value="d")
    assert (default(""), default(" "), default("x")) == ("d", "d", "x")


@pytest.mark.feature("IMP-07")
def test_values_are_mapped() -> None:
    """ENUM_MAP: exactly, else whatever the case; blank stays blank, all else is refused."""
    mapped = transform("ENUM_MAP", value_map={"Ja": "1", "nein": "0", "x": "2"})
    assert [mapped(text) for text in ("Ja", " JA ", "Nein", "", " ")] == ["1", "1", "0", "", ""]
    assert refused(mapped, "vielleicht") == (
        "'vielleicht' is none of the mapped values: Ja, nein, x"
    )
    with pytest.raises(InvalidInputError, match="two values for 'a'"):
        transform("ENUM_MAP", value_map={"a": "1", "A": "2"})
    with pytest.raises(InvalidInputError, match="map of values is empty"):
        transform("ENUM_MAP")


@pytest.mark.feature("IMP-07")
def test_units_are_converted_exactly() -> None:
    """UNIT_CONVERT: decimal, not binary; whole results have no decimals."""
    inches = transform("UNIT_CONVERT", format_pattern="2.54")
    assert (inches("10"), inches("0.1"), inches(" "), inches("-1e2")) == (
        "25.4",
        "0.254",
        "",
        "-254",
    )
    assert transform("UNIT_CONVERT", format_pattern="0.1")("3") == "0.3"
    assert refused(inches, "ten") == "'ten' is no number"
    assert refused(inches, "1e999") == "'1e999' is beyond all numbers of a model"
    assert unit_converter("1" * 200)("9" * 200 + ".0") == str(int("1" * 200) * int("9" * 200))
    with pytest.raises(InvalidInputError, match="field 'F': the factor of a conversion is 'x'"):
        transform("UNIT_CONVERT", format_pattern="x")


@pytest.mark.feature("IMP-07")
def test_parts_are_split_off() -> None:
    """SPLIT: by position from 0; what is not there is blank."""
    assert transform("SPLIT", format_pattern="1")("a,b,c") == "b"
    assert transform("SPLIT", format_pattern="2", concatenate_separator=" - ")("a - b - c") == "c"
    assert transform("SPLIT", format_pattern="9")("a,b") == ""
    assert transform("SPLIT")("a") == "a"
    with pytest.raises(InvalidInputError, match="index of a split is '-1'"):
        transform("SPLIT", format_pattern="-1")


@pytest.mark.feature("IMP-07")
def test_columns_are_joined() -> None:
    """CONCATENATE: by the names of the columns in the file; blank ones are left out."""
    join = L8ImportValueTransform(concatenate_fields=["first", "middle", "last", "Title"])
    cells = {"first": "Ada", "middle": " ", "last": "Lovelace"}
    assert concatenate(join, cells, {"Title": "Countess"}) == "Ada Lovelace Countess"
    join.concatenate_separator = "-"
    assert concatenate(join, cells, {}) == "Ada-Lovelace"


@pytest.mark.feature("IMP-07")
@pytest.mark.parametrize(
    ("text", "locale", "cents"),
    [
        ("19.99", "", "1999"),
        ("$1,234.50", "", "123450"),
        ("1.234,56", ",", "123456"),
        ("1.234,56 €", "de-DE", "123456"),
        ("1 234,5", "fr", "123450"),
        ("CHF 1'234.50", "de_CH", "123450"),
        ("(12.00)", "en-US", "-1200"),
        ("-0.01", ".", "-1"),
        ("7-", "", "-700"),
        ("1,234,567", "", "123456700"),
        ("3.", "", "300"),
        ("+.5", "", "50"),
        ("", "", ""),
        ("  ", "de", ""),
        ("2.500", "", "250"),
    ],
)
def test_money_is_exact(text: str, locale: str, cents: str) -> None:
    """W-35: MONEY: 19.99 is 1999, in the locale that is named."""
    assert transform("MONEY", format_pattern=locale)(text) == cents


@pytest.mark.feature("IMP-07")
@pytest.mark.parametrize(
    ("text", "locale"), [("1.234,56", ""), ("1,23", ""), ("1.23", "de"), ("12,34,567", ""),
                         ("a", ""), ("1.2.3", ""), ("$", ""), ("--1", ""), ("1" * 500, "")]
)  # fmt: skip
def test_amounts_that_could_be_misread_are_refused(text: str, locale: str) -> None:
    """A comma that groups nothing is never taken for one that does."""
    assert "before the hundredths; name the locale" in refused(money(locale), text)


def test_parts_of_a_hundredth_are_not_lost() -> None:
    """An amount is refused rather than cut; a locale that is none is told at once."""
    assert "which would be lost" in refused(money(), "0.001")
    with pytest.raises(InvalidInputError, match="'german' is no locale"):
        money("german")


DATES = [
    ("YYYY-MM-DD", "2026-01-31", "2026-01-31T00:00:00Z"),
    ("DD.MM.YY", "31.01.26", "2026-01-31T00:00:00Z"),
    ("D/M/YY", "1/2/69", "1969-02-01T00:00:00Z"),
    ("YYYY-MM-DD HH:mm:ss", "2026-01-31 08:45:59", "2026-01-31T08:45:59Z"),
    ("YYYY-MM-DD hh:mm", "2026-01-31 20:45", "2026-01-31T20:45:00Z"),
    ("MM/DD/YYYY hh:mm A", "01/31/2026 12:05 am", "2026-01-31T00:05:00Z"),
    ("MM/DD/YYYY h:mm A", "01/31/2026 1:05 PM", "2026-01-31T13:05:00Z"),
    ("DD MMM YYYY", "31 Jan 2026", "2026-01-31T00:00:00Z"),
    ("YYYY-MM-DDTHH:mm:ssZ", "2026-01-31T08:00:00+01:00", "2026-01-31T07:00:00Z"),
    ("YYYY-MM-DDTHH:mm:ssZ", "2026-01-31T08:00:00z", "2026-01-31T08:00:00Z"),
    ("DD.MM.YYYY HH:mm 'Uhr' @Europe/Berlin", "31.07.2026 08:00 Uhr", "2026-07-31T06:00:00Z"),
    ("YYYY", "2026", "2026-01-01T00:00:00Z"),
]  # fmt: skip


@pytest.mark.feature("IMP-07")
@pytest.mark.parametrize(("pattern", "text", "moment"), DATES)
def test_dates_are_read_by_their_pattern(pattern: str, text: str, moment: str) -> None:
    """W-35: DATE_FORMAT: a month is MM and a minute mm, wherever they stand; in UTC."""
    seconds = int(datetime.fromisoformat(moment).timestamp())
    assert transform("DATE_FORMAT", format_pattern=pattern)(text) == str(seconds)


def test_thousandths_are_kept() -> None:
    """With SSS the result can be converted to milliseconds without loss, also before 1970."""
    read = date_reader("YYYY-MM-DDTHH:mm:ss.SSS")
    assert read("2023-11-14T22:13:20.250") == "1700000000.25"
    assert unit_converter("1000")(read("1969-12-31T23:59:58.500")) == "-1500"


def test_dates_that_are_none_are_refused() -> None:
    """Neither the 31st of February nor another form passes; blank stays blank."""
    read = date_reader("YYYY-MM-DD")
    assert (read(""), read(" ")) == ("", "")
    assert "no date of the form 'YYYY-MM-DD'" in refused(read, "31.01.2026")
    assert "no date: day is out of range" in refused(read, "2026-02-31")
    assert "hour 13 with pm" in refused(date_reader("YYYY hh A"), "2026 13 pm")
    assert "offset +99:00" in refused(date_reader("YYYYZ"), "2026+99:00")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "needs one year"),
        ("DD.MM", "needs one year"),
        ("YYYY YY", "needs one year"),
        ("YYYY-MM-MM", "one part twice"),
        ("YYYY MM MMM", "one part twice"),
        ("YYYY HH hh", "one part twice"),
        ("YYYY A", "no hour hh"),
        ("yyyy-MM-dd", "'yyyy', which is no token"),
        ("YYYY @Mars/Base", "no time zone 'Mars/Base'"),
        ("YYYY @../../etc/passwd", "no time zone"),
    ],
)
def test_patterns_that_make_no_sense_are_told_at_once(pattern: str, reason: str) -> None:
    """Before a row is read."""
    with pytest.raises(InvalidInputError, match=reason):
        date_reader(pattern)


def test_unknown_transforms_are_refused() -> None:
    """The unspecified one, one of the future, and the one of whole rows."""
    with pytest.raises(InvalidInputError, match="'F' has no transform UNSPECIFIED"):
        transform("UNSPECIFIED")
    with pytest.raises(InvalidInputError, match="CONCATENATE of a cell"):
        transform("CONCATENATE")
    with pytest.raises(InvalidInputError, match="no transform 77"):
        compile_transform(L8ImportValueTransform(target_field="F", transform_type=77))  # type: ignore[arg-type]


OPTIONS: dict[str, dict[str, object]] = {
    "DATE_FORMAT": {"format_pattern": "YYYY-MM-DD HH:mm"},
    "ENUM_MAP": {"value_map": {"a": "1"}},
    "UNIT_CONVERT": {"format_pattern": "1.5"},
}


@pytest.mark.feature("IMP-07")
@pytest.mark.parametrize("name", [n for n in NAMES if n not in {"UNSPECIFIED", "CONCATENATE"}])
@given(text=TEXTS)
def test_transforms_are_pure_and_total(name: str, text: str) -> None:
    """Any text gives a text, the same one each time, or the one error."""

    def once() -> str:
        try:
            return transform(name, **OPTIONS.get(name, {}))(text)
        except CellError as error:
            return f"refused: {error.message}"

    assert once() == once()


@pytest.mark.feature("IMP-07")
@given(TEXTS, st.sampled_from(["TRIM", "UPPERCASE", "LOWERCASE"]))
def test_doing_it_twice_is_doing_it_once(text: str, name: str) -> None:
    """Transforms of texts are idempotent."""
    once = transform(name)(text)
    assert transform(name)(once) == once


@given(st.lists(st.text(st.characters(exclude_characters=",")).filter(str.strip), min_size=1))
def test_split_undoes_concatenate(parts: list[str]) -> None:
    """Each part comes back by its position."""
    names = [str(index) for index in range(len(parts))]
    join = L8ImportValueTransform(concatenate_fields=names, concatenate_separator=",")
    joined = concatenate(join, dict(zip(names, parts, strict=True)), {})
    for index, part in enumerate(parts):
        assert transform("SPLIT", format_pattern=str(index))(joined) == part


@given(st.integers(-(10**15), 10**15), st.sampled_from([("en", ",", "."), ("de", ".", ",")]))
def test_money_undoes_its_writing(cents: int, style: tuple[str, str, str]) -> None:
    """Any amount, written with groups, comes back to the cent in its locale."""
    locale, group, point = style
    whole, rest = divmod(abs(cents), 100)
    text = f"{whole:,}".replace(",", group) + f"{point}{rest:02d}"
    assert money(locale)(f"-{text}" if cents < 0 else text) == str(cents)


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=4
    )
)
def test_conversion_and_back_loses_nothing(value: Decimal) -> None:
    """Times eight, times an eighth."""
    there = unit_converter("8")(plain(value))
    assert to_decimal(unit_converter("0.125")(there)) == value


@given(st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)))  # noqa: DTZ001 - made aware below
def test_dates_undo_their_writing(naive: datetime) -> None:
    """Any moment comes back from its text, to the second."""
    moment = naive.replace(microsecond=0, tzinfo=UTC)
    seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    assert date_reader("DD/MM/YYYY HH-mm-ss")(moment.strftime("%d/%m/%Y %H-%M-%S")) == str(seconds)
