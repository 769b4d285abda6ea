# SPDX-License-Identifier: Apache-2.0
"""A deterministic simulator: whole clusters of real asyncio code on one thread, from one seed.

The code runs unchanged on an event loop whose time is virtual and whose network is simulated. Hosts
can be killed, paused and started again, ways cut and spoilt; the same seed gives the same run.
See ``docs/simulation.md``.
"""

from l8test.sim._campaign import find_trial, run_seeds
from l8test.sim._cli import main
from l8test.sim._errors import BrokenPromiseError, HostDiedError, SimulatedCrash, SimulationError
from l8test.sim._host import EPOCH, Death, Host, HostClock
from l8test.sim._loop import SimLoop
from l8test.sim._network import Network
from l8test.sim._quality import LAN, Condition, LinkQuality
from l8test.sim._schedule import Fault, FaultKind, Schedule
from l8test.sim._shrink import shrink
from l8test.sim._steps import step
from l8test.sim._timeline import Entry, Timeline
from l8test.sim._trial import Outcome, Trial, minimize, run_seed
from l8test.sim._world import World, simulate

__all__ = [
    "EPOCH",
    "LAN",
    "BrokenPromiseError",
    "Condition",
    "Death",
    "Entry",
    "Fault",
    "FaultKind",
    "Host",
    "HostClock",
    "HostDiedError",
    "LinkQuality",
    "Network",
    "Outcome",
    "Schedule",
    "SimLoop",
    "SimulatedCrash",
    "SimulationError",
    "Timeline",
    "Trial",
    "World",
    "find_trial",
    "main",
    "minimize",
    "run_seed",
    "run_seeds",
    "shrink",
    "simulate",
    "step",
]
