# SPDX-License-Identifier: Apache-2.0
"""Builds the wheel of every package, or of those that are named, into `dist/`."""

import argparse
import sys

from tools import _workspace as workspace


def main() -> int:
    """Build the wheels and print their names."""
    parser = argparse.ArgumentParser(prog="wheels", description=__doc__)
    parser.add_argument("packages", nargs="*", help="names or folders; all when none is given")
    arguments = parser.parse_args()
    target = workspace.ROOT / "dist"
    target.mkdir(exist_ok=True)
    try:
        for package in workspace.chosen(workspace.load(), arguments.packages):
            print(workspace.build_wheel(package, target).relative_to(workspace.ROOT))
    except workspace.ToolError as error:
        print(f"wheels: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
