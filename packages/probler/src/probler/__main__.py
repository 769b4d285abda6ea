# SPDX-License-Identifier: Apache-2.0
"""``python -m probler``."""

from probler._cli import main

main()
