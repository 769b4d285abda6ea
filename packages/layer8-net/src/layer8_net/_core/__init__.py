# SPDX-License-Identifier: Apache-2.0
"""The network as state machines: bytes and events with the time in, ordered effects out.

Nothing in here waits, talks, reads a clock or throws dice; the shells beside this folder do.
"""
