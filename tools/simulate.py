# SPDX-License-Identifier: Apache-2.0
"""Runs whole simulated clusters of the real code, with many seeds, and prints what broke.

python -m tools.simulate --seeds 1000
"""

import sys
from typing import Final

from l8test.sim import main
from tools import _workspace as workspace

FOLDER: Final = workspace.ROOT / "tests-integration"
"""Where the trials are; their modules are found by name in this process and in its children."""

if __name__ == "__main__":
    sys.path.insert(0, str(FOLDER))
    sys.exit(main(command="python -m tools.simulate", trial="simulation.everything:TRIAL"))
