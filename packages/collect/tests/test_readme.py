# SPDX-License-Identifier: Apache-2.0
"""The examples in the README and in the docstrings run as they stand."""

import doctest
import re
from pathlib import Path

import pytest

import collect._catalogue
import collect._schedule

README = Path(__file__).parent.parent / "README.md"


@pytest.mark.skipif(not README.exists(), reason="the tests were copied without the README")
def test_the_examples_of_the_readme_run(capsys: pytest.CaptureFixture[str]) -> None:
    """And print what the README says."""
    text = README.read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```\n\nprints\n\n```text\n(.*?)```", text, re.DOTALL)
    assert examples
    for source, output in examples:
        exec(compile(source, str(README), "exec"), {})  # noqa: S102 - the README is ours
        assert capsys.readouterr().out == output


@pytest.mark.parametrize("module", [collect._catalogue, collect._schedule])
def test_the_examples_of_docstrings_run(module: object) -> None:
    """They are read more often than the README."""
    result = doctest.testmod(module)  # type: ignore[arg-type]
    assert result.attempted
    assert not result.failed
