# SPDX-License-Identifier: Apache-2.0
"""Proves to the type checker that what this package makes fits the interfaces it is meant for."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from l8types.protocols.net import Batch, NodeDirectory, ServiceApi, Switch, VNic
    from l8types.protocols.runtime import PluginFactory, Resources
    from layer8_net import TcpSwitch, TcpVNic, create_switch, create_vnic
    from layer8_net._api import BoundServiceApi
    from layer8_net._batch import ServiceBatch
    from layer8_net._directory import DirectoryView

    def vnic(resources: Resources) -> VNic:
        """An interface."""
        return TcpVNic(resources)

    def switch(resources: Resources) -> Switch:
        """A switch."""
        return TcpSwitch(resources)

    def directory(view: DirectoryView) -> NodeDirectory:
        """The directory of either."""
        return view

    def api(bound: BoundServiceApi) -> ServiceApi:
        """The verbs of a service."""
        return bound

    def batch(made: ServiceBatch) -> Batch:
        """Messages that leave together."""
        return made

    FACTORIES: tuple[PluginFactory, ...] = (create_vnic, create_switch)
