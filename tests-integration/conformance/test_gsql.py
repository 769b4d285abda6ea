# SPDX-License-Identifier: Apache-2.0
"""The query language keeps what its interfaces promise."""

from __future__ import annotations

import pytest

from l8test.conformance import QueryConformance


@pytest.mark.feature("l8types:TYP-02")
class TestQueries(QueryConformance):
    """Queries as a node answers them."""
