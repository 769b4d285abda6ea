# SPDX-License-Identifier: Apache-2.0
"""A network of switches and nodes in one process, for tests of one's own services.

:class:`Network` builds it from any implementation of the interfaces and tells what a test wants to
know: who handles a service where, which messages reached it, and what each node logged. With the
pytest plugin a test gets one from the fixture ``l8_network``.
"""

from l8test.network._log import NodeLog
from l8test.network._messages import CountedServices, MessageCounter, Received
from l8test.network._network import Network
from l8test.network._node import NetworkNode, Place, node_resources

__all__ = [
    "CountedServices",
    "MessageCounter",
    "Network",
    "NetworkNode",
    "NodeLog",
    "Place",
    "Received",
    "node_resources",
]
