# SPDX-License-Identifier: Apache-2.0
"""Conformance suites and test tools for Layer 8 packages.

Any implementation of a Layer 8 interface can be checked with it, ours and yours: see
``l8test.conformance``. ``l8test.models`` has sample models in every supported kind with builders,
``l8test.strategies`` makes random ones for Hypothesis, ``l8test.services`` has sample services.
"""

import pytest

from l8test.clock import FakeClock
from l8test.wait import budget, until

# The suites are asserted with plain ``assert``; only a rewritten one tells the values it saw. This
# has to be said before any of their modules is imported.
pytest.register_assert_rewrite("l8test.conformance")

__all__ = ["FakeClock", "budget", "until"]
