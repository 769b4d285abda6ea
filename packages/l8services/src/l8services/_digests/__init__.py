# SPDX-License-Identifier: Apache-2.0
"""How instances prove that they keep the same items, and repair what no count of changes shows."""
