# SPDX-License-Identifier: Apache-2.0
"""Replication: each item of a transactional service is kept by so many of its members only.

All members order the writes and know which of them hold which key; ``index``, ``placement``,
``repair`` and ``entries`` are synchronous cores, the other modules bring items to their holders.
"""
