# SPDX-License-Identifier: Apache-2.0
"""Random devices, and random queries on them."""

# ruff: noqa: S608 - these are queries of our own language, not SQL

from __future__ import annotations

from hypothesis import strategies as st

from .models import Device, Port, State

WORDS = st.sampled_from(["", "a", "B", "ab", "Ab c", "b%", "a*", "nil", 'q"x', "and", "é_"])
NUMBERS = st.integers(-2, 3)
NAMES = st.text(alphabet="aAbB*%_ \\'\"", max_size=4)


def ports() -> st.SearchStrategy[Port]:
    """Ports with and without a speed."""
    return st.builds(
        Port, name=WORDS, speed=st.none() | NUMBERS, alias=st.none() | st.sampled_from(["a", ""])
    )


def devices() -> st.SearchStrategy[Device]:
    """Devices with everything absent or present."""
    return st.builds(
        Device,
        id=WORDS,
        vendor=NAMES,
        cost_eur=st.sampled_from([-1.0, 0.0, 0.5, 2.0]),
        count=NUMBERS,
        active=st.booleans(),
        state=st.sampled_from(State),
        note=st.none() | WORDS,
        weight=st.none() | st.sampled_from([0.0, 1.5]),
        main=st.none() | ports(),
        ports=st.lists(ports(), max_size=2),
        names=st.lists(WORDS, max_size=2),
        tags=st.dictionaries(st.sampled_from("xy"), WORDS, max_size=2),
        slots=st.dictionaries(st.integers(0, 3), ports(), max_size=2),
        extra=st.none() | st.lists(ports(), max_size=2),
    )


def quoted(text: str) -> str:
    """A text in quotes with everything escaped but the stars."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


TEXT_VALUES = (WORDS | NAMES).map(quoted)
TEXT_PATHS = st.sampled_from(
    [
        "id",
        "vendor",
        "note",
        "main.name",
        "ports.name",
        "names",
        "tags",
        "slots.alias",
        "extra.name",
    ]
)
NUMBER_PATHS = st.sampled_from(
    ["count", "cost_eur", "weight", "main.speed", "ports.speed", "slots.speed", "extra.speed"]
)
QUANTIFIERS = st.sampled_from(["", "", "", "any ", "all "])


@st.composite
def _of_kind(draw: st.DrawFn, paths: st.SearchStrategy[str], values: st.SearchStrategy[str]) -> str:
    left = draw(QUANTIFIERS) + draw(paths)
    form = draw(st.sampled_from(["sign", "sign", "in", "between", "null", "nil", "path"]))
    negation = draw(st.sampled_from(["", "not "]))
    if form == "sign":
        return f"{left}{draw(st.sampled_from(['=', '!=', '<', '>=']))}{draw(values)}"
    if form == "in":
        return f"{left} {negation}in [{','.join(draw(st.lists(values, max_size=3)))}]"
    if form == "between":
        return f"{left} {negation}between {draw(values)} and {draw(values)}"
    if form == "null":
        return f"{left} is {negation}null"
    if form == "nil":
        return f"{left}{draw(st.sampled_from(['=', '!=']))}nil"
    return f"{left}{draw(st.sampled_from(['=', '!=', '<']))}Device.{draw(paths)}"


def comparisons() -> st.SearchStrategy[str]:
    """Comparisons on devices."""
    patterns = st.text(alphabet="ab%_*", max_size=4).map(lambda text: f"like '{text}'")
    return st.one_of(
        _of_kind(TEXT_PATHS, TEXT_VALUES),
        _of_kind(NUMBER_PATHS, NUMBERS.map(str)),
        st.tuples(QUANTIFIERS, TEXT_PATHS, st.sampled_from([" ", " not "]), patterns).map("".join),
        st.sampled_from(["active=true", "state=up", "state in [0,DOWN]", "main=nil", "ports!=nil"]),
    )


def conditions(leaves: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Comparisons joined in every way."""
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map("".join),
            inner.map(lambda text: f"({text})"),
            inner.map(lambda text: f"not ({text})"),
        ),
        max_leaves=6,
    )


@st.composite
def queries(draw: st.DrawFn) -> str:
    """Whole queries of items or of aggregates."""
    where = draw(st.just("") | conditions(comparisons()).map(lambda text: f" where {text}"))
    flags = draw(st.sampled_from(["", " match-case", " limit 5", " page 2 mapreduce", " register"]))
    if draw(st.booleans()):
        columns = draw(st.sampled_from(["*", "id", "distinct id, main.name", "ports, ports.speed"]))
        keys = st.sampled_from(["id", "main.speed descending", "tags", "cost_eur ascending"])
        order = ", ".join(draw(st.lists(keys, max_size=2)))
        return f"select {columns} from Device{where}{f' sort-by {order}' if order else ''}{flags}"
    having = draw(st.sampled_from(["", " having count>1", " having not (n=nil or vendor=a*)"]))
    return (
        "select vendor, count(*), avg(weight) as n from Device"
        f"{where} group-by vendor{having} sort-by n descending{flags}"
    )
