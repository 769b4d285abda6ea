# SPDX-License-Identifier: Apache-2.0
"""What the suites have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest

from l8test.models import SAMPLES, ModelKind, Sample

__all__ = ["ModelConformance", "Stranger", "Unmakeable"]


@dataclass
class Stranger:
    """A model that no implementation under test was told of."""

    my_string: str = "nobody"


@dataclass
class Unmakeable:
    """A model that needs an argument."""

    name: str


class ModelConformance:
    """Base of the suites that run once per kind of model."""

    kinds: ClassVar[frozenset[ModelKind]] = frozenset(ModelKind)
    """Capability: the kinds of models that the implementation takes."""

    @pytest.fixture(params=SAMPLES, ids=str)
    def sample(self, request: pytest.FixtureRequest) -> Sample:
        """The sample model in one kind."""
        sample = request.param
        assert isinstance(sample, Sample)
        if sample.kind not in self.kinds:
            pytest.skip(f"the implementation takes no {sample} models")
        return sample
