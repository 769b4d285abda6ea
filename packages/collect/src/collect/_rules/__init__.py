# SPDX-License-Identifier: Apache-2.0
"""From the answers of devices to property values, and from these to partial items."""
