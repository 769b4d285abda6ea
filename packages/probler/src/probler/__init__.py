# SPDX-License-Identifier: Apache-2.0
"""The example application of Layer 8: a network inventory with simulated devices.

It shows the whole data path, from a device to a page.
"""
