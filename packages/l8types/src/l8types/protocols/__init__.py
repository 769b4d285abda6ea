# SPDX-License-Identifier: Apache-2.0
"""The interfaces, by area.

Models, data, stores, net, services, security, web, runtime, collection.
"""
