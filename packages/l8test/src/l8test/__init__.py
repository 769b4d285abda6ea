# SPDX-License-Identifier: Apache-2.0
"""Conformance suites and test tools for Layer 8 packages.

Any implementation of a Layer 8 interface can be checked with it, ours and yours.
"""
