"""Null details of many records: equal ones are counted before they are taken apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from perfectcv_traffic import paths
from perfectcv_traffic.record import NullDetail, TrafficLog
from perfectcv_traffic.summary.summary import Summary
from perfectcv_traffic.summary.tables import UNKNOWN, Key


class Nulls:
    """How often which nulls came together in one request or response."""

    def __init__(self) -> None:
        self._found: Counter[tuple[Key, tuple[NullDetail, ...]]] = Counter()

    def add(self, records: Sequence[TrafficLog]) -> None:
        """Count the nulls of records."""
        for record in [r for r in records if r.null_params_details or r.null_response_details]:
            self._count(record)

    def _count(self, record: TrafficLog) -> None:
        route, status = record.route, record.status_code
        origin: Key = (
            (record.timestamp or "")[:13], record.method or "",
            paths.template(record.path) if route is None else route,
            UNKNOWN if status is None else status,
        )  # fmt: skip
        if record.null_params_details:
            self._found[(*origin, "request"), tuple(record.null_params_details)] += 1
        if record.null_response_details:
            self._found[(*origin, "response"), tuple(record.null_response_details)] += 1

    def into(self, summary: Summary) -> None:
        """Fold what was counted into a summary and forget it."""
        for (origin, details), times in self._found.items():
            summary.add_nulls(origin, details, times)
        self._found.clear()
