# SPDX-License-Identifier: Apache-2.0
"""Hypothesis strategies for the sample models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from l8test.models import SampleEnum

if TYPE_CHECKING:
    from l8test.models import Sample

__all__ = ["int32s", "int64s", "items", "parts", "texts"]

SIZE: Final = 3
"""Entries of a collection at most: enough for first, middle and last."""


def int32s() -> st.SearchStrategy[int]:
    """Integers of 32 bits."""
    return st.integers(-(2**31), 2**31 - 1)


def int64s() -> st.SearchStrategy[int]:
    """Integers of 64 bits."""
    return st.integers(-(2**63), 2**63 - 1)


def texts() -> st.SearchStrategy[str]:
    """Texts that UTF-8 can carry."""
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def parts(sample: Sample) -> st.SearchStrategy[object]:
    """Nested items of a sample model, with their own nested items."""
    leaves = st.builds(
        lambda text, number, numbers: sample.make_leaf(
            my_string=text, my_int64=number, int32_map=numbers
        ),
        texts(),
        int64s(),
        st.dictionaries(int32s(), int32s(), max_size=SIZE),
    )
    return st.builds(
        lambda text, number, subs: sample.make_part(my_string=text, my_int64=number, my_subs=subs),
        texts(),
        int64s(),
        st.dictionaries(texts(), leaves, max_size=SIZE),
    )


def items(sample: Sample, *, key: str | None = None) -> st.SearchStrategy[object]:
    """Items of a sample model.

    Args:
        sample: Which kind.
        key: The primary key of all of them; by default any text that is not empty.
    """
    content: dict[str, st.SearchStrategy[object]] = {
        "my_string": st.just(key) if key is not None else texts().filter(bool),
        "my_int32": int32s(),
        "my_int64": int64s(),
        "my_float32": st.floats(width=32, allow_nan=False),
        "my_float64": st.floats(allow_nan=False),
        "my_single": st.none() | parts(sample),
        "my_string_slice": st.lists(texts(), max_size=SIZE),
        "my_int32_slice": st.lists(int32s(), max_size=SIZE),
        "my_model_slice": st.lists(parts(sample), max_size=SIZE),
        "my_string2_string_map": st.dictionaries(texts(), texts(), max_size=SIZE),
        "my_int32_to_int64_map": st.dictionaries(int32s(), int64s(), max_size=SIZE),
        "my_string2_model_map": st.dictionaries(texts(), parts(sample), max_size=SIZE),
        "my_bool": st.booleans(),
        "my_enum": st.sampled_from(SampleEnum),
    }
    return st.fixed_dictionaries(content).map(lambda values: sample.make(**values))
