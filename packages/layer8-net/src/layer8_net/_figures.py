# SPDX-License-Identifier: Apache-2.0
"""The figures of an interface: for who asks, for the directory, and for the metrics sink."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.values import NodeStatistics
from layer8_net._core.quality import ConnectionQuality
from layer8_net._meter import Meter
from layer8_net._statistics import VNicStatistics
from layer8_net._usage import Usage

if TYPE_CHECKING:
    from layer8_net._calls import Calls
    from layer8_net._inbound import Inbound
    from layer8_net._session import Session
    from layer8_net._streams import Outlets

__all__ = ["Figures"]

Traffic = tuple[int, int, int, int]


class Figures:
    """Collects what the parts of an interface count.

    Args:
        session: The running half of the interface.
        calls: Its calls.
    """

    def __init__(self, session: Session, calls: Calls) -> None:
        resources = session.resources
        self._session = session
        self._calls = calls
        self._clock = resources.clock
        self._meter = Meter(resources.metrics, session.me.alias, session.me.uuid)
        self._usage = Usage()
        self._earlier: Traffic = (0, 0, 0, 0)
        self._quality = ConnectionQuality(last_activity=session.now())
        self.inbound: Inbound | None = None
        self.outlets: Outlets | None = None
        self.connections = 0
        """Times that the interface was connected."""
        self.connection_errors = 0
        """Connections that were lost or could not be made."""
        self.last_message = -1.0
        """Unix seconds of the last message received."""

    def connection_ended(self, *, lost: bool) -> None:
        """Keep what the connection counted; call it while it is still known.

        Args:
            lost: Whether this side did not want it to end.
        """
        self._earlier = self._transported()
        self.connection_errors += lost

    def statistics(self) -> VNicStatistics:
        """Figures of this moment."""
        tx_messages, tx_bytes, rx_messages, rx_bytes = self._traffic()
        inbound, outlets, core = self.inbound, self.outlets, self._session.core
        quality = self._judge()
        now = self._session.now()
        return VNicStatistics(
            tx_messages=tx_messages,
            tx_bytes=tx_bytes,
            rx_messages=rx_messages,
            rx_bytes=rx_bytes,
            pending_requests=len(core.pending),
            active_handlers=0 if inbound is None else inbound.active,
            active_streams=0 if outlets is None else len(outlets),
            queued_messages=0 if inbound is None else len(inbound),
            held_messages=len(self._session.waitlist),
            late_answers=core.counters.late,
            malformed_messages=core.counters.malformed,
            expired_requests=0 if inbound is None else inbound.expired,
            cancelled_requests=0 if inbound is None else inbound.cancelled,
            moved_requests=self._calls.moved,
            returned_messages=self._session.leaving.returned,
            dropped_messages=self._session.leaving.dropped,
            connections=self.connections,
            connection_score=quality.score(now),
            connection_state=quality.state(now),
            failed_calls=dict(self._calls.trouble.counts),
        )

    def of_node(self) -> NodeStatistics:
        """What the node reports about itself."""
        tx_messages, tx_bytes, rx_messages, rx_bytes = self._traffic()
        memory_bytes, cpu_ratio = self._usage.sample()
        return NodeStatistics(
            last_message=self.last_message,
            tx_messages=tx_messages,
            tx_bytes=tx_bytes,
            rx_messages=rx_messages,
            rx_bytes=rx_bytes,
            memory_bytes=memory_bytes,
            cpu_ratio=cpu_ratio,
        )

    def measure(self) -> None:
        """Report to the metrics sink."""
        figures = self.statistics()
        meter = self._meter
        meter.count(
            {
                "layer8_messages_sent_total": figures.tx_messages,
                "layer8_bytes_sent_total": figures.tx_bytes,
                "layer8_messages_received_total": figures.rx_messages,
                "layer8_bytes_received_total": figures.rx_bytes,
                "layer8_connection_errors_total": self.connection_errors,
                "layer8_late_answers_total": figures.late_answers,
                "layer8_malformed_messages_total": figures.malformed_messages,
                "layer8_expired_requests_total": figures.expired_requests,
                "layer8_cancelled_requests_total": figures.cancelled_requests,
                "layer8_moved_requests_total": figures.moved_requests,
                "layer8_messages_returned_total": figures.returned_messages,
                "layer8_messages_dropped_total": figures.dropped_messages,
                "layer8_connects_total": figures.connections,
            }
        )
        meter.gauge(
            {
                "layer8_connected": float(self._session.online.is_set()),
                "layer8_connections_total": float(self._session.link is not None),
                "layer8_connection_score": float(figures.connection_score),
                "layer8_pending_requests": float(figures.pending_requests),
                "layer8_active_handlers": float(figures.active_handlers),
                "layer8_active_streams": float(figures.active_streams),
                "layer8_held_messages": float(figures.held_messages),
            }
        )
        for code, total in figures.failed_calls.items():
            meter.count_one("layer8_failed_calls_total", total, code=code)
        meter.latencies(self._calls.latencies)
        self._measure_breakers()

    def _measure_breakers(self) -> None:
        breakers = self._calls.breakers
        for (name, state), total in breakers.requests.items():
            self._meter.count_one(
                "layer8_circuit_breaker_requests_total", total, target=name, state=state
            )
        for one in breakers.figures():
            self._meter.gauge_one("layer8_circuit_breaker_state", one.state, target=one.name)
            self._meter.gauge_one("layer8_circuit_breaker_failures", one.failures, target=one.name)
        breakers.prune(self._session.now())

    def _judge(self) -> ConnectionQuality:
        """The quality of the connection, brought up to date."""
        quality, clock = self._quality, self._clock
        tx_messages, _, rx_messages, _ = self._traffic()
        quality.messages = tx_messages + rx_messages
        quality.errors = self.connection_errors
        quality.timeouts = self._calls.trouble.counts["timeout"]
        recent = self._calls.latencies
        if recent:
            quality.latency_sum, quality.latency_count = sum(recent), len(recent)
        if self.last_message >= 0:
            quality.last_activity = self._session.now() - (clock.now() - self.last_message)
        return quality

    def _traffic(self) -> Traffic:
        """Messages and bytes sent and received, over all connections."""
        tx_messages, tx_bytes, rx_frames, rx_bytes = self._transported()
        return tx_messages, tx_bytes, rx_frames + self._session.core.counters.packed, rx_bytes

    def _transported(self) -> Traffic:
        """The same, but a frame of several received messages counts once."""
        link = self._session.link
        if link is None:
            return self._earlier
        now = (link.tx_frames, link.tx_bytes, link.rx_frames, link.rx_bytes)
        first, second, third, fourth = (a + b for a, b in zip(self._earlier, now, strict=True))
        return first, second, third, fourth
