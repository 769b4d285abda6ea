# SPDX-License-Identifier: Apache-2.0
"""Figures: ours against the bare limit of the machine, measured in one run on one machine."""
