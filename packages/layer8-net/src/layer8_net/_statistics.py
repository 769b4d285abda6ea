# SPDX-License-Identifier: Apache-2.0
"""Figures of an interface and of a switch at one moment."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SwitchStatistics", "VNicStatistics"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VNicStatistics:
    """What an interface did since it was started."""

    tx_messages: int
    """Messages sent, reports to the switch included."""
    tx_bytes: int
    rx_messages: int
    """Messages received, directory records included."""
    rx_bytes: int
    pending_requests: int
    """Requests that wait for their answers now."""
    active_handlers: int
    """Received messages that are being handled now."""
    queued_messages: int
    """Received messages that wait for a handler now."""
    late_answers: int
    """Answers to requests that nobody waited for any more."""
    malformed_messages: int
    """Messages that could not be decoded."""
    expired_requests: int
    """Received requests that were not started, because nobody waits for their answers any more."""
    connections: int
    """Times that the interface was connected; one more than the reconnections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchStatistics:
    """What a switch did since it was started."""

    connections: int
    """Nodes connected now."""
    forwarded_messages: int
    """Copies of messages sent on."""
    forwarded_bytes: int
    returned_messages: int
    """Messages that came back to their senders because nobody was there to receive them."""
    dropped_messages: int
    """Answers whose receiver was gone, and failures that their receiver had no room for."""
    protocol_violations: int
    """Connections closed because the peer broke the protocol."""
    refused_handshakes: int
    """Connections that did not become members of the network."""
