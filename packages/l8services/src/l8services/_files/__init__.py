# SPDX-License-Identifier: Apache-2.0
"""Files that are kept for people and services."""
