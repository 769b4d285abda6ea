# SPDX-License-Identifier: Apache-2.0
"""Figures of an interface and of a switch at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from layer8_net._core.quality import QualityState

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
    active_streams: int
    """Answers that are made in parts now."""
    queued_messages: int
    """Received messages that wait for a handler now."""
    held_messages: int
    """Messages that wait for the connection to come back."""
    late_answers: int
    """Answers to requests that nobody waited for any more."""
    malformed_messages: int
    """Messages that could not be decoded."""
    expired_requests: int
    """Received requests that were not started, because nobody waits for their answers any more."""
    cancelled_requests: int
    """Received requests that were ended because who asked no longer waits."""
    moved_requests: int
    """Requests that were sent to another provider, since the first one did not execute them."""
    returned_messages: int
    """Received messages that went back to their senders: the node was shutting down, or does not
    offer the service any more."""
    dropped_messages: int
    """Messages to all providers of a service that came when this node was shutting down."""
    connections: int
    """Times that the interface was connected; one more than the reconnections."""
    connection_score: int
    """How well the connection does, 0 to 100."""
    connection_state: QualityState
    """What the score means."""
    failed_calls: Mapping[str, int]
    """Calls that failed by the code of their errors, without what providers answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchStatistics:
    """What a switch did since it was started."""

    connections: int
    """Nodes connected now."""
    links: int
    """Switches linked now."""
    lost_links: int
    """Links that ended."""
    dials: int
    """Attempts to link to other switches."""
    failed_dials: int
    """Attempts that did not lead to a switch, or not to an agreement with it."""
    duplicate_links: int
    """Links that were closed because there was another one to the same switch."""
    forwarded_messages: int
    """Copies of messages sent on."""
    forwarded_bytes: int
    returned_messages: int
    """Messages that came back to their senders because nobody was there to receive them."""
    dropped_messages: int
    """Answers whose receiver was gone, and failures that their receiver had no room for."""
    foreign_messages: int
    """Messages over a link under the id of a node that is elsewhere; they came back."""
    protocol_violations: int
    """Connections closed because the peer broke the protocol."""
    refused_handshakes: int
    """Connections that did not become members of the network."""
    evicted_peers: int
    """Connections closed because the peer did not keep up."""
    silent_peers: int
    """Connections closed because nothing was heard of the peer."""
    contested_nodes: int
    """Times that another switch said to have a node which showed that it is connected here."""
    stale_changes: int
    """Statements of other switches that came late or twice, and changed nothing."""
    resyncs: int
    """Times that another switch was asked for all it knows, because a statement was missed."""
    announcements_sent: int
    """Datagrams sent to be found by other switches."""
    announcements_heard: int
    """Datagrams of other switches of this network."""
    announcements_refused: int
    """Datagrams that were malformed, forged, from elsewhere or too many."""
