# SPDX-License-Identifier: Apache-2.0
"""``python -m layer8``."""

from layer8._cli import main

main()
