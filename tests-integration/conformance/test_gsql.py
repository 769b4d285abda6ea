# SPDX-License-Identifier: Apache-2.0
"""The query language keeps what its interfaces promise."""

from __future__ import annotations

from l8test.conformance import QueryConformance


class TestQueries(QueryConformance):
    """Queries as a node answers them."""
