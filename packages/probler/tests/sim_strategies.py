# SPDX-License-Identifier: Apache-2.0
"""Random SNMP values and tables of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from probler.sim import Kind, Oid, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypothesis.strategies import SearchStrategy

_ARCS = st.one_of(st.integers(0, 3), st.integers(0, 2**32 - 1))


def oids() -> SearchStrategy[Oid]:
    """Object identifiers that are near each other as often as not."""
    return st.builds(
        lambda first, second, rest: (first, second, *rest),
        st.integers(0, 2),
        st.integers(0, 39),
        st.lists(_ARCS, max_size=6),
    )


def values() -> SearchStrategy[Value]:
    """Values of every type that an agent can hold."""
    unsigned = st.integers(0, 2**32 - 1)
    octets = st.binary(max_size=300)
    return st.one_of(
        st.builds(Value, st.just(Kind.INTEGER), st.integers(-(2**31), 2**31 - 1)),
        st.builds(Value, st.just(Kind.OCTET_STRING), octets),
        st.just(Value(Kind.NULL)),
        st.builds(Value, st.just(Kind.OBJECT_IDENTIFIER), oids()),
        st.builds(Value, st.just(Kind.IP_ADDRESS), st.binary(min_size=4, max_size=4)),
        st.builds(
            Value, st.sampled_from([Kind.COUNTER32, Kind.GAUGE32, Kind.TIME_TICKS]), unsigned
        ),
        st.builds(Value, st.just(Kind.OPAQUE), octets),
        st.builds(Value, st.just(Kind.COUNTER64), st.integers(0, 2**64 - 1)),
    )


def records() -> SearchStrategy[Mapping[Oid, Value]]:
    """Tables of instances, in no particular order."""
    return st.dictionaries(oids(), values(), min_size=1, max_size=30)
