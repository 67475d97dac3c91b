"""The latest records of logs that are written to: what `watch LOG` looks at again and again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from perfectcv_traffic.log.tail import Tail

if TYPE_CHECKING:
    from collections.abc import Callable

    from perfectcv_traffic.record import TrafficLog
    from perfectcv_traffic.sources.filters import Filters


class LogWindow:
    """The records of some logs from a moving moment on; every line is read once."""

    def __init__(self, logs: Iterable[Path], filters: Filters) -> None:
        """Raises `StorageError` for a log that does not exist."""
        self._tails = [Tail(log) for log in logs]
        self._passes: Callable[[TrafficLog], bool] = filters.test()
        self._records: list[TrafficLog] = []
        self._rejected = 0

    def look(self, since: str) -> tuple[list[TrafficLog], int]:
        """The records from a time on, and how many lines were none so far."""
        self._records = [one for one in self._records if (one.timestamp or "") >= since]
        for tail in self._tails:
            for batch in tail.batches():
                self._rejected += batch.rejected
                self._records += (
                    _light(one)
                    for one in batch.records
                    if (one.timestamp or "") >= since and self._passes(one)
                )
        return self._records, self._rejected


def _light(record: TrafficLog) -> TrafficLog:
    """The record without what no analysis reads, and most of its weight."""
    record.request_headers = record.response_headers = None
    record.request_body = record.response_body = None
    return record
