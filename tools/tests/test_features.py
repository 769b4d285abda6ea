# SPDX-License-Identifier: Apache-2.0
"""The feature tables: rows in order, claims that have a row, a page that is up to date."""

from pathlib import Path

import pytest

from tools import _workspace as workspace
from tools import features
from tools._workspace import ToolError
from tools.features import Claim

ROWS = {"a": {"AB-1": "one", "AB-2": "two"}, "b": {"AB-2": "another two", "CD-1": "three | four"}}


def claim(identifier: str, package: str = "a") -> Claim:
    """Return a claim of a test in a package."""
    return Claim(package, identifier, "test_x.py::test_it", "test_x.py:7")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a workspace with one package and put the tools into it."""
    folder = tmp_path / "packages" / "a"
    (folder / "tests").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "a"\n')
    monkeypatch.setattr(workspace, "ROOT", tmp_path)
    monkeypatch.setattr(features, "ROWS", tmp_path / "docs" / "features.toml")
    monkeypatch.setattr(features, "PAGE", tmp_path / "docs" / "features.md")
    features.ROWS.write_text('[a]\nAB-1 = "one"\nAB-2 = "two"\n')
    return tmp_path


def write_test(project: Path, text: str) -> None:
    """Write the only test file of the package."""
    (project / "packages" / "a" / "tests" / "test_x.py").write_text(text)


def test_order_is_by_number() -> None:
    """The ninth row comes before the tenth, a suffixed row after its number."""
    found = sorted(["AB-10", "AB-9b", "AB-9", "AA-11"], key=features.order)
    assert found == ["AA-11", "AB-9", "AB-9b", "AB-10"]


@pytest.mark.parametrize("identifier", ["", "AB", "ab-1", "AB-1-2", "AB 1"])
def test_order_refuses_what_is_no_identifier(identifier: str) -> None:
    """Something else than letters, a hyphen and a number is no identifier."""
    with pytest.raises(ToolError, match="no identifier"):
        features.order(identifier)


def test_own_row_comes_first() -> None:
    """A row that two packages have is that of the test's own package."""
    assert features.resolve(claim("AB-2", "a"), ROWS) == ("a", "AB-2")
    assert features.resolve(claim("AB-2", "b"), ROWS) == ("b", "AB-2")


def test_row_of_another_package() -> None:
    """A row that only one package has is found from anywhere, others need the package's name."""
    assert features.resolve(claim("CD-1", ""), ROWS) == ("b", "CD-1")
    assert features.resolve(claim("b:AB-2", "a"), ROWS) == ("b", "AB-2")
    with pytest.raises(ToolError, match="a:AB-2 or b:AB-2"):
        features.resolve(claim("AB-2", ""), ROWS)


@pytest.mark.parametrize("identifier", ["ZZ-1", "b:AB-1", "c:AB-1"])
def test_claim_without_a_row(identifier: str) -> None:
    """A claim without a row is refused and says where it stands."""
    with pytest.raises(ToolError, match=r"test_x\.py:7: .* has no line"):
        features.resolve(claim(identifier), ROWS)


def test_every_fault_is_named() -> None:
    """All claims without rows are told at once."""
    with pytest.raises(ToolError, match=r"ZZ-1(?s:.*)ZZ-2"):
        features.prove(ROWS, [claim("ZZ-1"), claim("AB-1"), claim("ZZ-2")])


def test_page_tells_the_state() -> None:
    """A proved row names its test, another one says that it is not yet proved."""
    page = features.render(ROWS, features.prove(ROWS, [claim("AB-1")]))
    assert "| AB-1 | one | proved | `test_x.py::test_it` |" in page
    assert "| AB-2 | two | not yet |  |" in page
    assert "| CD-1 | three &#124; four |" in page
    assert "| [a](#a) | 2 | 1 |" in page


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[b]\nAB-1 = "x"\n', "no package is called 'b'"),
        ('[a]\nAB-2 = "x"\nAB-1 = "x"\n', "'AB-1' comes before 'AB-2'"),
        ('[a]\nAB-1 = " "\n', "needs one line"),
        ('[a]\nfirst = "x"\n', "no identifier"),
    ],
)
def test_rows_of_a_wrong_form(text: str, fault: str) -> None:
    """Rows of unknown packages, out of order, or without text are refused."""
    features.ROWS.write_text(text)
    with pytest.raises(ToolError, match=fault):
        features.read_rows(workspace.load())


def test_marks_on_functions_classes_and_modules(project: Path) -> None:
    """A mark counts wherever pytest takes one, and names what it stands on."""
    write_test(
        project,
        "pytestmark = pytest.mark.feature('AB-1')\n"
        "@pytest.mark.feature('AB-2', 'AB-1')\n"
        "class TestIt:\n"
        "    @mark.feature('AB-1')\n"
        "    async def test_that(self): ...\n",
    )
    found = features.read_claims(workspace.load())
    name = "packages/a/tests/test_x.py"
    assert sorted((one.identifier, one.test) for one in found) == [
        ("AB-1", name),
        ("AB-1", f"{name}::TestIt"),
        ("AB-1", f"{name}::TestIt::test_that"),
        ("AB-2", f"{name}::TestIt"),
    ]


@pytest.mark.parametrize("arguments", ["", "ROW", "*ROWS", "'AB-1', id='AB-2'"])
def test_marks_that_cannot_be_read(project: Path, arguments: str) -> None:
    """A mark whose rows are not written out is refused with its place."""
    write_test(project, f"pytestmark = pytest.mark.feature({arguments})\n")
    with pytest.raises(ToolError, match=r"packages/a/tests/test_x\.py:1: "):
        features.read_claims(workspace.load())


def test_stale_page_is_found(project: Path) -> None:
    """A check fails without a page and after a change, and passes once the page is written."""
    with pytest.raises(ToolError, match="stale"):
        features.update(check=True)
    features.update(check=False)
    features.update(check=True)
    write_test(project, "pytestmark = pytest.mark.feature('AB-1')\n")
    with pytest.raises(ToolError, match="1 proved"):
        features.update(check=True)
