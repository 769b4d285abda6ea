# SPDX-License-Identifier: Apache-2.0
"""Runs a trial from the command line."""

import sys

from l8test.sim._cli import main

if __name__ == "__main__":
    sys.exit(main())
