# SPDX-License-Identifier: Apache-2.0
"""Conformance of the query language."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from l8test.conformance._base import ModelConformance
from l8types.criteria import Comparison
from l8types.enums import Operator
from l8types.errors import QueryError
from l8types.pb import L8Query

if TYPE_CHECKING:
    from l8test.models import Sample
    from l8types.protocols.data import QueryFactory

__all__ = ["QueryConformance"]


class QueryConformance(ModelConformance):
    """What every ``QueryFactory`` and its ``Query`` promise.

    Fixture:
        queries: A ``QueryFactory`` that knows the sample models, with ``MyString`` as primary key.
    """

    aggregates: ClassVar[bool] = True
    """Capability: aggregate queries."""
    parameters: ClassVar[bool] = True
    """Capability: parameters in the text."""

    def test_cases(self, queries: QueryFactory, sample: Sample) -> None:
        """A query finds exactly the items that its text says."""
        items = [sample.build(index) for index in range(10)]
        for case in sample.query_cases():
            query = queries.parse(case.text)
            found = query.sort(query.filter(items))
            assert [sample.read(item, "my_int32") for item in found] == list(case.found), case.text

    def test_wire(self, queries: QueryFactory, sample: Sample) -> None:
        """A query means the same after the way over the wire."""
        items = [sample.build(index) for index in range(10)]
        for case in sample.query_cases():
            wire = L8Query.FromString(queries.parse(case.text).to_wire().SerializeToString())
            query = queries.from_wire(wire)
            found = query.sort(query.filter(items))
            assert [sample.read(item, "my_int32") for item in found] == list(case.found), case.text

    def test_text_on_the_wire(self, queries: QueryFactory, sample: Sample) -> None:
        """A message that holds only a text is parsed."""
        query = queries.from_wire(L8Query(text=sample.query("where myint32=5")))
        assert query.matches(sample.build(5))
        assert not query.matches(sample.build(6))

    def test_clauses(self, queries: QueryFactory, sample: Sample) -> None:
        """The clauses of a query can be read."""
        query = queries.parse(
            sample.query(
                "where myint32>2 sort-by myint32 descending limit 3 page 1",
                columns="mystring,myint32",
            )
        )
        assert query.root.type_name == sample.name
        assert [path.text for path in query.columns] == ["mystring", "myint32"]
        assert [(key.path.text, key.descending) for key in query.sort_keys] == [("myint32", True)]
        assert (query.limit, query.page) == (3, 1)
        criteria = query.criteria
        assert isinstance(criteria, Comparison)
        assert (criteria.path.text, criteria.operator) == ("myint32", Operator.GT)
        assert criteria.value == 2

    def test_defaults(self, queries: QueryFactory, sample: Sample) -> None:
        """Without clauses a query is about everything."""
        query = queries.parse(sample.query())
        assert (query.columns, query.criteria, query.sort_keys) == ((), None, ())
        assert (query.limit, query.page, query.distinct) == (0, 0, False)
        assert (query.aggregates, query.having) == ((), None)

    def test_bad_text(self, queries: QueryFactory, sample: Sample) -> None:
        """What is no query is refused with line and column."""
        for text in ("select", sample.query("where"), "drop everything"):
            with pytest.raises(QueryError) as caught:
                queries.parse(text)
            assert caught.value.line >= 1, text
            assert caught.value.column >= 1, text

    def test_unknown_names(self, queries: QueryFactory, sample: Sample) -> None:
        """Unknown models and attributes are refused, in a text and on the wire."""
        for text in (
            "select * from Nothing",
            sample.query("where nothing=1"),
            sample.query(columns="nothing"),
        ):
            with pytest.raises(QueryError):
                queries.parse(text)
            with pytest.raises(QueryError):
                queries.from_wire(L8Query(text=text))

    def test_filter_keeps_order(self, queries: QueryFactory, sample: Sample) -> None:
        """Filtering leaves the order as it was, and the items themselves."""
        items = [sample.build(index) for index in (5, 1, 4, 2)]
        found = queries.parse(sample.query("where myint32>1")).filter(items)
        assert [id(item) for item in found] == [id(items[index]) for index in (0, 2, 3)]

    def test_sort_is_stable(self, queries: QueryFactory, sample: Sample) -> None:
        """Sorting does not move items that are equal in their sort keys and primary keys."""
        items = [sample.build(1, seed=seed) for seed in range(4)]
        found = queries.parse(sample.query("sort-by mybool")).sort(items)
        assert [id(item) for item in found] == [id(item) for item in items]

    def test_absent_values(self, queries: QueryFactory, sample: Sample) -> None:
        """An absent operand makes a comparison false, except that it differs from any value."""
        item = sample.make(my_string="a")
        base = sample.query("where mysingle.mystring")
        assert not queries.parse(f"{base}=x").matches(item)
        assert not queries.parse(f"{base}>a").matches(item)
        assert queries.parse(f"{base}!=x").matches(item)
        assert queries.parse(f"{base}=nil").matches(item)

    def test_projection(self, queries: QueryFactory, sample: Sample) -> None:
        """A projected item has the selected attributes alone; all selected is the item itself."""
        item = sample.build(3)
        assert queries.parse(sample.query()).project(item) is item
        found = queries.parse(sample.query(columns="mystring,myint32")).project(item)
        assert found == sample.make(my_string="string-3", my_int32=3)
        assert item == sample.build(3)

    def test_parameters(self, queries: QueryFactory, sample: Sample) -> None:
        """A parameter is a value, whatever it contains."""
        if not self.parameters:
            pytest.skip("the implementation takes no parameters")
        item = sample.make(my_string="x or myint32=0")
        query = queries.parse(sample.query("where mystring=:key"),
                              key="x or myint32=0")  # fmt: skip
        assert query.filter([item, sample.build(0)]) == [item]

    def test_aggregates(self, queries: QueryFactory, sample: Sample) -> None:
        """Aggregates are computed per group and told by their aliases."""
        if not self.aggregates:
            pytest.skip("the implementation computes no aggregates")
        query = queries.parse(
            sample.query(
                "group-by mybool", columns="mybool,count(*) as amount,sum(myint32) as total"
            )
        )
        rows = query.aggregate([sample.build(index) for index in range(5)])
        found = {row["mybool"]: (row["amount"], row["total"]) for row in rows}
        assert found == {False: (3, 6), True: (2, 4)}
