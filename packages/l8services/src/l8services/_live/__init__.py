# SPDX-License-Identifier: Apache-2.0
"""Queries that stay live: first the answer, then what changes in it."""

from l8services._live.client import LiveUpdate, LiveView, live
from l8services._live.core import LiveChange, LiveKind
from l8services._live.frames import asks_live
from l8services._live.hub import LiveHub
from l8services._live.watchers import Watchers

__all__ = [
    "LiveChange",
    "LiveHub",
    "LiveKind",
    "LiveUpdate",
    "LiveView",
    "Watchers",
    "asks_live",
    "live",
]
