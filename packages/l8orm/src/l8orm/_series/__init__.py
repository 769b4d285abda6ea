# SPDX-License-Identifier: Apache-2.0
"""Time series: samples by property id, apart from the items that they belong to."""
