# SPDX-License-Identifier: Apache-2.0
"""The project's own tools; each runs from the project's root as `python -m tools.NAME`."""
