# SPDX-License-Identifier: Apache-2.0
"""Random queries about a model, as texts with parameters."""

# ruff: noqa: S608 - these are queries of our own language, not SQL

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from hypothesis import strategies as st

from l8types.enums import Container, Kind
from l8types.protocols.models import ModelNode

from .models import TEXTS, Color

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Drawn = Callable[[st.SearchStrategy[Any]], Any]

T = TypeVar("T")

WHOLE: Final = frozenset((Kind.INT, Kind.INT32, Kind.INT64, Kind.UINT32, Kind.UINT64))
FLOATING: Final = frozenset((Kind.FLOAT32, Kind.FLOAT64))
ORDERS: Final = ["=", "!=", "<", "<=", ">", ">="]
NUMBERS: Final = st.sampled_from(
    # What lies beside and beyond the values that a column can hold is of interest, too.
    [
        0,
        1,
        -1,
        2,
        0.5,
        -0.5,
        1.5,
        0.1,
        1e30,
        -1e30,
        2**53 + 1,
        2**31,
        2**63 - 1,
        2**63,
        2**64 - 1,
        2**64,
        2**70,
        -(2**63),
        -(2**63) - 1,
    ]
)
PATTERNS: Final = st.text(alphabet="aAbÄ%_*\\", max_size=3)


@dataclass
class Asked:
    """A text and the values of its parameters."""

    draw: Drawn = field(repr=False)
    root: ModelNode = field(repr=False)
    text: str = ""
    parameters: dict[str, object] = field(default_factory=dict)

    def choose(self, *values: T) -> T:
        """One of some values."""
        return cast("T", self.draw(st.sampled_from(values)))

    def parameter(self, value: object) -> str:
        """A new parameter with a value."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f":{name}"


Path = tuple["ModelNode", ...]


def paths(root: ModelNode) -> list[Path]:
    """All attributes."""
    found: list[Path] = []

    def descend(node: ModelNode, above: Path) -> None:
        for child in node.attributes.values():
            found.append((*above, child))
            descend(child, (*above, child))

    descend(root, ())
    return found


def named(asked: Asked, path: Path, *, entries: bool = False) -> str:
    """The path as a query names it, now and then with one entry of a collection."""
    steps = []
    for node in path:
        step = node.field_name.lower()
        if entries and node.container is not Container.SINGLE and asked.choose(0, 0, 1):
            step += f"<{{{int(node.key_kind or Kind.INT)}}}{key_of(asked, node)}>"
        steps.append(step)
    return ".".join(steps)


def key_of(asked: Asked, node: ModelNode) -> str:
    """A key of a map, or a position."""
    keys = ["a", "A", "b"] if node.key_kind is Kind.STRING else ["0", "1", "2"]
    return str(asked.choose(*keys))


def value_for(node: ModelNode) -> st.SearchStrategy[Any]:
    """What an attribute is compared with."""
    if node.enum is not None:
        return st.sampled_from([0, 1, 2, 5, Color.BLUE, *node.enum])
    if node.kind is Kind.STRING:
        return TEXTS
    if node.kind is Kind.BOOL:
        return st.booleans()
    return st.binary(max_size=2) if node.kind is Kind.UINT8 else NUMBERS


def quoted(text: str) -> str:
    """A text in quotes; its stars are wildcards."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def condition(asked: Asked, root: ModelNode, depth: int = 2) -> str:
    """Any condition on an object."""
    form = asked.choose("one", "one", "and", "or", "not") if depth else "one"
    if form == "one":
        return comparison(asked, root, depth)
    first = condition(asked, root, depth - 1)
    if form == "not":
        return f"not ({first})"
    second = condition(asked, root, depth - 1)
    return f"{first} {form} {second}" if asked.choose(0, 1) else f"({first}) {form} ({second})"


def comparison(asked: Asked, root: ModelNode, depth: int) -> str:
    """A single condition on an attribute."""
    path = asked.choose(*paths(root))
    node = path[-1]
    if node.container is not Container.SINGLE and asked.choose(0, 0, 1):
        size = asked.parameter(asked.choose(0, 1, 2, 1.5))
        return f"{named(asked, path)}.size(){asked.choose(*ORDERS)}{size}"
    quantifier = asked.choose("", "", "any ", "all ")
    left = quantifier + named(asked, path, entries=True)
    if node.kind is Kind.MESSAGE and depth and asked.choose(0, 1):
        inner = condition(asked, node, depth - 1)
        return f"{asked.choose('any', 'all')}({named(asked, path)}: {inner})"
    if node.kind is Kind.MESSAGE or asked.choose(0, 0, 0, 1):
        return left + asked.choose("=nil", "!=nil", " is null", " is not null")
    forms = ["order", "order", "in", "between"]
    if root is asked.root:
        forms.append("other")
    if node.kind is Kind.STRING:
        forms += ["like", "star"]
    return left + _test(asked, node, asked.choose(*forms))


def _test(asked: Asked, node: ModelNode, form: str) -> str:
    negation = asked.choose("", "not ")
    if form == "other":
        other = same_kind(asked, node)
        if other:
            return f"{asked.choose(*ORDERS)}{asked.root.type_name}.{other}"
        form = "order"
    if form == "order":
        return asked.choose(*ORDERS) + asked.parameter(asked.draw(value_for(node)))
    if form == "in":
        values = asked.draw(st.lists(value_for(node), max_size=3))
        return f" {negation}in {asked.parameter(values)}"
    if form == "between":
        low, high = (asked.parameter(asked.draw(value_for(node))) for _ in range(2))
        return f" {negation}between {low} and {high}"
    pattern = quoted(asked.draw(PATTERNS))
    return f" {negation}like {pattern}" if form == "like" else asked.choose("=", "!=") + pattern


def same_kind(asked: Asked, node: ModelNode) -> str:
    """Another attribute of the item that has the kind of this one, "" without one."""
    found = [each for each in paths(asked.root) if each[-1].kind is node.kind]
    return named(asked, asked.choose(*found)) if found else ""


def sort_keys(asked: Asked, names: Sequence[str]) -> str:
    """The order of the answer."""
    chosen = asked.draw(st.lists(st.sampled_from(names), max_size=3, unique=True))
    keys = [name + asked.choose("", " descending") for name in chosen]
    return f" sort-by {', '.join(keys)}" if keys else ""


def clauses(asked: Asked) -> str:
    """What does not depend on the model."""
    page = asked.choose("", "", " limit 2", " limit 3 page 1", " limit 1 page 2")
    return page + asked.choose("", " match-case")


@st.composite
def item_queries(draw: st.DrawFn, root: ModelNode) -> Asked:
    """Queries of items."""
    asked = Asked(draw, root)
    every = paths(root)
    columns = "*"
    if asked.choose(0, 0, 1):
        chosen = draw(st.lists(st.sampled_from(every), min_size=1, max_size=2, unique_by=id))
        columns = ", ".join(named(asked, each) for each in chosen)
    if asked.choose(0, 0, 0, 1):
        columns = f"distinct {columns}"
    where = f" where {condition(asked, root)}" if asked.choose(0, 1, 1) else ""
    ordered = [named(asked, each) for each in every if each[-1].kind is not Kind.MESSAGE]
    asked.text = (
        f"select {columns} from {root.type_name}{where}{sort_keys(asked, ordered)}{clauses(asked)}"
    )
    return asked


@st.composite
def aggregate_queries(draw: st.DrawFn, root: ModelNode) -> Asked:
    """Queries of groups, or of all items as one."""
    asked = Asked(draw, root)
    valued = [each for each in paths(root) if each[-1].kind is not Kind.MESSAGE]
    groups = [
        named(asked, each)
        for each in draw(st.lists(st.sampled_from(valued), max_size=2, unique_by=id))
    ]
    results = {"n": "count(*)", **dict(functions(asked, valued))}
    selected = ", ".join([*groups, *(f"{each} as {alias}" for alias, each in results.items())])
    where = f" where {condition(asked, root, 1)}" if asked.choose(0, 1) else ""
    having = f" having {results_test(asked, list(results))}" if asked.choose(0, 1) else ""
    group_by = f" group-by {', '.join(groups)}" if groups else ""
    asked.text = (
        f"select {selected} from {root.type_name}{where}{group_by}{having}"
        f"{sort_keys(asked, [*groups, *results])}{clauses(asked)}"
    )
    return asked


def functions(asked: Asked, valued: Sequence[Path]) -> list[tuple[str, str]]:
    """Aggregates with their names.

    Sums of floating-point numbers depend on the order of adding, so only those are added up with
    which they do not.
    """
    found = []
    for alias in ("r1", "r2")[: asked.choose(0, 1, 2)]:
        path = asked.choose(*valued)
        node, names = path[-1], ["count", "count", "count(distinct"]
        numeric = node.kind in WHOLE | FLOATING and node.enum is None
        if node.kind in WHOLE | FLOATING or node.kind is Kind.STRING:
            names += ["min", "max"]
        if numeric and (node.kind in WHOLE or path[0].field_name.lower() == "load"):
            names += ["sum", "avg"]
        name = asked.choose(*names)
        opened = f"{name} " if name.endswith("distinct") else f"{name}("
        found.append((alias, f"{opened}{named(asked, path)})"))
    return found


def results_test(asked: Asked, aliases: Sequence[str]) -> str:
    """A condition on the results; the number of items is always among them."""
    first = f"n{asked.choose('>', '<=', '!=', '=')}{asked.choose(0, 1, 2)}"
    other = f"{asked.choose(*aliases)} is {asked.choose('', 'not ')}null"
    return asked.choose(first, other, f"{first} and {other}", f"not ({first} or {other})")
