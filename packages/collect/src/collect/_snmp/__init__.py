# SPDX-License-Identifier: Apache-2.0
"""The SNMP collector. Only `_session` needs the SNMP library."""
