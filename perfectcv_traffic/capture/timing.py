"""How long an exchange took, as its record says it."""

from __future__ import annotations

from perfectcv_traffic.capture.exchange import Exchange
from perfectcv_traffic.record import TrafficLog


def set_times(record: TrafficLog, exchange: Exchange) -> None:
    """How long it took, as far as it got."""
    start = exchange.started_at
    if exchange.received_at is not None:
        record.request_time_ms = round((exchange.received_at - start) * 1000, 3)
    if exchange.responded_at is not None:
        record.ttfb_ms = round((exchange.responded_at - start) * 1000, 3)
    if exchange.finished_at is not None:
        record.response_time_ms = round((exchange.finished_at - start) * 1000, 3)
