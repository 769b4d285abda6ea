# SPDX-License-Identifier: Apache-2.0
"""The page of promises, and the check of it."""

from pathlib import Path

from tools import _workspace as workspace
from tools import promises


def test_the_page_names_tests_that_exist() -> None:
    """A promise whose test was removed or renamed is found."""
    page = promises.PAGE.read_text(encoding="utf-8")
    assert promises.faults(page, workspace.ROOT) == []
    assert sum(len(tests) for _, tests in promises.sections(page)) > 20


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    """A promise without a test, a file, a class or a test that is not there."""
    (tmp_path / "test_a.py").write_text("class TestA:\n    def test_b(self): ...\n")
    page = (
        "## Good\n\nIt holds.\n\n* `test_a.py::TestA::test_b`\n\n## Bare\n\nIt holds.\n\n"
        "## Bad\n\n* `test_a.py::test_b`\n* `test_c.py::test_b`\n* `test_a.py`\n"
        "* `test_a.py::TestA`\n\n## Not promised\n\nMore.\n"
    )
    assert promises.faults(page, tmp_path) == [
        "'Bare' names no test",
        "'Bad': no test test_a.py::test_b",
        "'Bad': no test test_c.py::test_b",
        "'Bad': no test test_a.py",
        "'Bad': no test test_a.py::TestA",
    ]
