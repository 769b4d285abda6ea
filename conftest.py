# SPDX-License-Identifier: Apache-2.0
"""Guards the arrangement of the test folders, whose violation gives puzzling errors.

What the arrangement is and why, is told in docs/contributing.md.
"""

from pathlib import Path

import pytest

PACKAGES = Path(__file__).parent / "packages"


def pytest_collect_directory(path: Path) -> None:
    """Refuse a test folder that is a package: its modules would collide with those of others."""
    if path.name == "tests" and path.parent.parent == PACKAGES and (path / "__init__.py").exists():
        reason = "test folders are no packages, see docs/contributing.md"
        raise pytest.UsageError(f"remove {path / '__init__.py'}: {reason}")
