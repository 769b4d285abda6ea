# SPDX-License-Identifier: Apache-2.0
"""Foreign files become items of a service."""
