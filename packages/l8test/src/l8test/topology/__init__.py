# SPDX-License-Identifier: Apache-2.0
"""The standard network of tests: switches that are linked, nodes at each of them, a steady load.

:class:`Topology` builds it by one call, in one process (:class:`Local`) or as processes
(:class:`Processes`), from any implementation of switch and interface: its members are made from
``Resources``, whose factory is given by name. Places are counted from 1, and the last node of each
switch has no service.
"""

from l8test.topology._audit import Audit, audit
from l8test.topology._member import COUNTED, Member
from l8test.topology._openers import Local, Opened, Opener, Processes
from l8test.topology._topology import Place, Topology

__all__ = [
    "COUNTED",
    "Audit",
    "Local",
    "Member",
    "Opened",
    "Opener",
    "Place",
    "Processes",
    "Topology",
    "audit",
]
