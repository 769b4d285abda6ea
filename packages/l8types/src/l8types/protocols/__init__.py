# SPDX-License-Identifier: Apache-2.0
"""The interfaces, by area: models, data, net, services, security, web, runtime, collection."""
