# SPDX-License-Identifier: Apache-2.0
"""Random models with random items of them."""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from hypothesis import strategies as st

from l8test.models import SAMPLES
from l8types.enums import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

Int32 = Annotated[int, Kind.INT32]
Uint64 = Annotated[int, Kind.UINT64]
Float32 = Annotated[float, Kind.FLOAT32]


class Color(IntEnum):
    """An enumerated attribute."""

    NONE = 0
    RED = 1
    BLUE = 2

    __repr__ = int.__repr__


class Side(StrEnum):
    """An enumerated attribute of texts."""

    NONE = ""
    LEFT = "a"
    RIGHT = "A"


Values = st.SearchStrategy[Any]

# Letters whose case is folded in unusual ways, wildcards, quotes and escapes; few, so that the
# values of items and queries meet. Addresses have an order of their own.
TEXTS: Final = st.text(alphabet="aAbKÄäßİ\u212a%_\\*'\" ", max_size=3) | st.sampled_from(
    ["10.0.0.9", "9.1.1.1", "10.0.0.10", "nil", "a and b=1"]
)
KEYS: Final = st.text(alphabet="aAbZÄ9. ", min_size=1, max_size=3)
EXACT: Final = st.sampled_from([0.0, -0.0, 0.5, 1.0, -1.5, 2.0])
"""Numbers whose sums do not depend on the order of adding."""
LOW, HIGH = -(2**63), 2**63 - 1
WHOLES: Final = st.integers(-2, 3) | st.sampled_from([LOW, LOW + 1, HIGH - 1, HIGH])

SCALARS: Final[Mapping[Any, Values]] = {
    str: TEXTS,
    int: WHOLES,
    Int32: st.integers(-2, 3) | st.sampled_from([-(2**31), 2**31 - 1]),
    Uint64: st.integers(0, 3) | st.sampled_from([2**63 - 1, 2**63, 2**64 - 1]),
    float: EXACT | st.sampled_from([0.1, 1e300, math.inf, -math.inf]),
    Float32: EXACT,
    bool: st.booleans(),
    bytes: st.binary(max_size=2),
    Color: st.sampled_from(Color),
    Side: st.sampled_from(Side),
}
# Some of them are words of SQL or of the query language.
NAMES: Final = ("name", "order", "limit", "group_by", "user", "x", "value_2", "from_", "like")


@dataclass(frozen=True)
class Model:
    """A model, with what its items are made of."""

    kind: type
    items: Values = field(repr=False)
    key: str = "id"
    """The attribute that is the primary key."""
    names: tuple[str, ...] = ("id",)
    """Attributes that may be declared as keys."""


@dataclass(frozen=True)
class Attribute:
    """The type of an attribute, its value when nothing is said, and the values that it may have."""

    hint: Any
    default: object
    values: Values


def scalars() -> st.SearchStrategy[Attribute]:
    """Attributes with one value, which may be missing."""
    return st.builds(
        lambda kind, optional: (
            Attribute(kind | None, None, st.none() | SCALARS[kind])
            if optional
            else Attribute(kind, zero(kind), SCALARS[kind])
        ),
        st.sampled_from(list(SCALARS)),
        st.booleans(),
    )


def zero(kind: Any) -> object:
    """The value of an attribute that nobody set."""
    if kind in {Color, Side}:
        return kind.NONE
    return {Int32: 0, Uint64: 0, Float32: 0.0}[kind] if kind not in _PLAIN else kind()


_PLAIN: Final = (str, int, float, bool, bytes)


@st.composite
def collections(draw: st.DrawFn, kind: Any, values: Values) -> Attribute:
    """Lists and maps."""
    form = draw(st.sampled_from(["list", "map", "numbered", "colored", "optional"]))
    if form == "list":
        return Attribute(list[kind], [], st.lists(values, max_size=3))
    if form == "map":
        return Attribute(dict[str, kind], {}, st.dictionaries(TEXTS, values, max_size=2))
    if form == "numbered":
        return Attribute(dict[int, kind], {}, st.dictionaries(WHOLES, values, max_size=2))
    if form == "colored":
        colors = st.sampled_from(Color)
        return Attribute(dict[Color, kind], {}, st.dictionaries(colors, values, max_size=2))
    return Attribute(list[kind] | None, None, st.none() | st.lists(values, max_size=2))


@st.composite
def attributes(draw: st.DrawFn, part: Model) -> Attribute:
    """Attributes of every form."""
    form = draw(st.sampled_from(["scalar", "scalar", "part", "perhaps", "parts", "values"]))
    if form == "scalar":
        return draw(scalars())
    if form == "part":
        return Attribute(part.kind, part.kind(), part.items)
    if form == "perhaps":
        return Attribute(part.kind | None, None, st.none() | part.items)
    if form == "parts":
        return draw(collections(part.kind, part.items))
    kind = draw(st.sampled_from(list(SCALARS)))
    return draw(collections(kind, SCALARS[kind]))


NUMBERS: Final = itertools.count()
"""Models of one database are told apart by their names."""


def made(name: str, content: Mapping[str, Attribute], *, struct: bool) -> Model:
    """The model with these attributes."""
    values = {each: attribute.values for each, attribute in content.items()}
    if struct:
        fields = [(each, it.hint, copied(it, msgspec.field)) for each, it in content.items()]
        model = msgspec.defstruct(name, fields)
    else:
        fields = [(each, it.hint, copied(it, dataclasses.field)) for each, it in content.items()]
        model = dataclasses.make_dataclass(name, fields)
    return Model(
        model, st.fixed_dictionaries(values).map(lambda found: model(**found)), names=tuple(content)
    )


def copied(attribute: Attribute, field: Any) -> Any:
    """The default of an attribute, its own for each item."""
    default = attribute.default
    if default is None or isinstance(default, str | int | float | bytes):
        return field(default=default)
    return field(default_factory=type(default))


def message() -> Model:
    """The sample message, whose attributes know other kinds of absence."""
    sample = SAMPLES[0]
    floats = st.sampled_from([0.0, 0.5, -1.5, 1.0])
    small, wide = SCALARS[Int32], SCALARS[int]
    leaves = st.builds(
        lambda text, whole: sample.make_leaf(my_string=text, my_int64=whole), TEXTS, wide
    )
    subs = st.dictionaries(TEXTS, leaves, max_size=2)
    parts = st.builds(
        lambda text, whole, inner: sample.make_part(my_string=text, my_int64=whole, my_subs=inner),
        TEXTS,
        wide,
        subs,
    )
    content: dict[str, Values] = {
        "my_string": KEYS,
        "my_int32": small,
        "my_int64": wide,
        "my_float32": floats,
        "my_float64": floats,
        "my_single": st.none() | parts,
        "my_string_slice": st.lists(TEXTS, max_size=2),
        "my_int32_slice": st.lists(small, max_size=2),
        "my_model_slice": st.lists(parts, max_size=2),
        "my_string2_string_map": st.dictionaries(TEXTS, TEXTS, max_size=2),
        "my_int32_to_int64_map": st.dictionaries(small, wide, max_size=2),
        "my_string2_model_map": st.dictionaries(TEXTS, parts, max_size=2),
        "my_bool": st.booleans(),
        "my_enum": st.sampled_from([0, 1, 2]),
    }
    made = st.fixed_dictionaries(content).map(lambda values: sample.make(**values))
    return Model(sample.model, made, "myString", ("myString", "myInt64", "myEnum"))


def models() -> st.SearchStrategy[Model]:
    """Models of every kind."""
    return st.one_of(python_models(), python_models(), st.just(message()))


@st.composite
def python_models(draw: st.DrawFn) -> Model:
    """Models of both kinds of Python, with a key, a number to compute with, and anything else."""
    struct, number = draw(st.booleans()), next(NUMBERS)
    names = st.sampled_from(NAMES)
    inner = draw(st.dictionaries(names, scalars(), min_size=1, max_size=3))
    part = made(f"Part{number}", inner, struct=struct)
    content = draw(st.dictionaries(names, attributes(part), min_size=1, max_size=5))
    always = {"id": Attribute(str, "", KEYS), "load": Attribute(float, 0.0, EXACT)}
    return made(f"Item{number}", {**always, **content}, struct=struct)


def items_of(model: Model) -> st.SearchStrategy[list[Any]]:
    """Some items with different keys, in the order of the keys."""
    key = attrgetter(model.key)
    found = st.lists(model.items, max_size=8, unique_by=key)
    return found.map(lambda items: sorted(items, key=key))
