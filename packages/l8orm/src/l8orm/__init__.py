# SPDX-License-Identifier: Apache-2.0
"""Object-relational mapping as a Layer 8 service.

It keeps model objects in a relational database and has them back after a restart.
"""
