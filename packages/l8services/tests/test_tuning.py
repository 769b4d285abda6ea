# SPDX-License-Identifier: Apache-2.0
"""Settings that cannot work."""

from __future__ import annotations

import pytest

from l8services import Tuning
from l8types.errors import ConfigurationError


@pytest.mark.parametrize("name", ["page_size", "outbox_limit", "flush_batch"])
def test_sizes_must_be_possible(name: str) -> None:
    """A page of nothing would never end."""
    with pytest.raises(ConfigurationError, match=name):
        Tuning(**{name: 0})
