"""When an exchange was, and how long it took, as its record says it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from perfectcv_traffic.capture.exchange import Exchange
from perfectcv_traffic.record import TrafficLog


def timestamp(wall_clock: float) -> str:
    """Seconds since 1970 as `TrafficLog.timestamp`."""
    microseconds = round(wall_clock * 1_000_000)
    return f"{_second(microseconds // 1_000_000)}.{microseconds % 1_000_000:06d}Z"


@lru_cache(64)
def _second(since_epoch: int) -> str:
    return datetime.fromtimestamp(since_epoch, UTC).isoformat()[:19]


def set_times(record: TrafficLog, exchange: Exchange) -> None:
    """How long it took, as far as it got."""
    start = exchange.started_at
    if exchange.received_at is not None:
        record.request_time_ms = round((exchange.received_at - start) * 1000, 3)
    if exchange.responded_at is not None:
        record.ttfb_ms = round((exchange.responded_at - start) * 1000, 3)
    if exchange.finished_at is not None:
        record.response_time_ms = round((exchange.finished_at - start) * 1000, 3)
