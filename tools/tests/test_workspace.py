# SPDX-License-Identifier: Apache-2.0
"""What the tools read from the packages' descriptions."""

from pathlib import Path

import pytest

from tools import _workspace as workspace
from tools._workspace import Package, ToolError


def package(name: str, *dependencies: str) -> Package:
    """Return a package that exists in memory only."""
    return Package(Path("packages", name), name, dependencies, (), has_test_group=False)


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        ("l8types", "l8types"),
        ("Layer8_Net>=0.1", "layer8-net"),
        ("zope.interface[test]; python_version < '4'", "zope-interface"),
    ],
)
def test_normalized(requirement: str, name: str) -> None:
    """A requirement's name is compared without version, extras, marker and spelling."""
    assert workspace.normalized(requirement) == name


def test_normalized_refuses_nonsense() -> None:
    """What does not start with a name is no requirement."""
    with pytest.raises(ToolError, match="not a requirement: '>=1'"):
        workspace.normalized(">=1")


def test_every_folder_is_a_package_of_its_own() -> None:
    """Each folder under packages/ is found, and only the composers declare siblings."""
    packages = workspace.load()
    assert len(packages) == len(list(workspace.ROOT.glob("packages/*/pyproject.toml")))
    for one in packages.values():
        siblings = set(one.dependencies) & packages.keys() - {workspace.CONTRACT}
        assert not siblings or one.name in workspace.COMPOSERS


def test_extras_count_as_dependencies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an extra needs is needed, or a sibling could hide there."""
    folder = tmp_path / "packages" / "a"
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "A"\ndependencies = ["x>1"]\n'
        '[project.optional-dependencies]\nssh = ["y"]\n'
        '[dependency-groups]\ntest = ["z"]\n'
    )
    monkeypatch.setattr(workspace, "ROOT", tmp_path)
    found = workspace.load()["a"]
    assert found.dependencies == ("x", "y")
    assert found.extras == ("ssh",)
    assert found.has_test_group


def test_chosen_by_folder_or_name() -> None:
    """A package is named as it is installed or as its folder is called; none named means all."""
    packages = workspace.load()
    assert [one.name for one in workspace.chosen(packages, ["gsql", "layer8-gsql"])] == [
        "layer8-gsql",
        "layer8-gsql",
    ]
    assert workspace.chosen(packages, []) == list(packages.values())
    with pytest.raises(ToolError, match="no package is called 'nothing'"):
        workspace.chosen(packages, ["nothing"])


def test_closure_follows_the_workspace_only() -> None:
    """The closure holds what is needed through others, and nothing of third parties."""
    packages = {
        one.name: one
        for one in (package("top", "b", "lib"), package("b", "c"), package("c"), package("d"))
    }
    found = workspace.closure(packages, packages["top"])
    assert [one.name for one in found] == ["b", "c", "top"]
