# SPDX-License-Identifier: Apache-2.0
"""Transactions: writes that a leader orders and that happen on all members or on none.

``views``, ``messages``, ``outcomes``, ``member``, ``takeover``, ``leader`` and ``frames`` are
synchronous cores; the other modules move messages, files and items for them.
"""
