# SPDX-License-Identifier: Apache-2.0
"""Real faults for real processes: kill, pause, cut, silence, partition.

:class:`Nursery` starts processes that load no modules anew, so that a test can afford many;
:class:`Child` is one of them, to be asked, paused and killed. :class:`Proxy` stands between two
ends of a TCP connection and breaks it. :class:`Lan` is a network of Linux network namespaces that
can be partitioned. All of them clean up behind them, also behind a test that fails.

Linux only; :meth:`Lan.unavailable` tells why a machine has no namespaces for us.
"""

from l8test.faults._control import ChildError, Control, Refused
from l8test.faults._lan import Lan
from l8test.faults._nursery import Child, Nursery
from l8test.faults._ports import lasting_port
from l8test.faults._proxy import Proxy, Way

__all__ = [
    "Child",
    "ChildError",
    "Control",
    "Lan",
    "Nursery",
    "Proxy",
    "Refused",
    "Way",
    "lasting_port",
]
