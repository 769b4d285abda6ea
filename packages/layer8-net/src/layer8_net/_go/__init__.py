# SPDX-License-Identifier: Apache-2.0
"""The ``go`` wire profile: cores and codecs byte-compatible with the nodes of the Go ecosystem."""
