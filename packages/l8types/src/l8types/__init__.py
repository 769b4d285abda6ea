# SPDX-License-Identifier: Apache-2.0
"""The interfaces of Layer 8: protocols, values, enumerations, errors, messages; no behaviour.

Import from the area that a name belongs to:

* ``l8types.protocols.models``: type trees, properties, keys, copies and changes, registries
* ``l8types.protocols.data``: codec, elements, queries, caches
* ``l8types.protocols.stores``: what keeps items and samples
* ``l8types.protocols.net``: interfaces to the network, switches, the directory of nodes
* ``l8types.protocols.services``: handlers, the service manager, elections, transactions
* ``l8types.protocols.security``: the security provider, split by concern
* ``l8types.protocols.web``: services on the web
* ``l8types.protocols.runtime``: the resources of a node, clock, metrics, events
* ``l8types.protocols.collection``: protocols of devices and parsing rules
* ``l8types.values``, ``l8types.criteria``, ``l8types.sla``, ``l8types.settings``: frozen values
* ``l8types.enums``, ``l8types.constants``, ``l8types.naming``, ``l8types.errors``
* ``l8types.pb``: the protobuf messages
"""
