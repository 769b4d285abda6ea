# SPDX-License-Identifier: Apache-2.0
"""The naming rules of the wire contract."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8types.naming import go_name, list_type_name, service_key


@pytest.mark.feature("TYP-13")
@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("a_uuid", "AUuid"),
        ("rx_data_cont", "RxDataCont"),
        ("rootType", "RootType"),
        ("body2Response", "Body2Response"),
        ("myInt32", "MyInt32"),
        ("MyString2StringMap", "MyString2StringMap"),
        ("aaa_id", "AaaId"),
        ("k8s_version", "K8SVersion"),
        ("K8sReadyState", "K8SReadyState"),
        ("int32Map", "Int32Map"),
        ("_hidden", "XHidden"),
        ("trailing_", "Trailing_"),
        ("a_1", "A_1"),
        ("", ""),
    ],
)
def test_go_name_follows_the_code_generator(declared: str, expected: str) -> None:
    """The Go name of a declared name is the one that the Go code generator makes."""
    assert go_name(declared) == expected


@given(st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True))
def test_go_name_is_exported_and_keeps_letters_and_digits(declared: str) -> None:
    """A Go name starts with a capital and loses nothing but underscores and case."""
    name = go_name(declared)
    assert name[0].isupper()
    assert name.replace("_", "").lower() == declared.replace("_", "").lower()


def test_list_type_and_service_key() -> None:
    """List types carry the suffix, service keys join name and area."""
    assert list_type_name("Book") == "BookList"
    assert service_key("Books", 7) == "Books--7"
