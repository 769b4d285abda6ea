# SPDX-License-Identifier: Apache-2.0
"""What the overlay network costs, beside its peers and the bare limit; processes apart."""
