"""What a source holds, and the frames that analyses make their answers of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from perfectcv_traffic import timestamps
from perfectcv_traffic.analysis.latest import MOST

if TYPE_CHECKING:
    import pandas as pd

    from perfectcv_traffic.analysis.frames import Frames
    from perfectcv_traffic.analysis.rows import Rows
    from perfectcv_traffic.record import TrafficLog

Documented = frozenset[tuple[str, str]] | None
"""Method and path of each operation of an OpenAPI document, if there is one."""


@dataclass(slots=True)
class Contents:
    """What a source holds."""

    rows: Rows
    recent: pd.DataFrame | Iterable[tuple[object, ...]]
    clients: int
    generated: Iterable[tuple[object, ...]] = ()
    runs: Iterable[tuple[object, ...]] = ()
    lines: dict[str, int] = field(default_factory=dict)
    damaged: str | None = None
    span: tuple[str | None, str | None] = (None, None)

    def frames(self, documented: Documented = None, previous: Frames | None = None) -> Frames:
        """All of it as frames; earlier traffic and a document are held against it if given."""
        from perfectcv_traffic.analysis.frames import Extras, Health, frames

        first, last = self.span
        health = Health(
            **self.lines, damaged_logs=self.damaged, first_request=first, last_request=last
        )
        extras = Extras(self.recent, self.generated, self.runs, self.clients, documented, previous)
        return frames(self.rows, health, extras)


class Fold:
    """Records at hand, folded as ingest folds them."""

    def __init__(self) -> None:
        from perfectcv_traffic.columns.folding import Folding

        self._summary = Folding()
        self._latest: list[TrafficLog] = []

    def add(self, records: list[TrafficLog]) -> None:
        """Fold records in, in any order."""
        self._summary.add(records)
        self._latest += records
        if len(self._latest) >= 2 * MOST:  # not each time: all of them are looked at
            self._latest = _latest(self._latest)

    def contents(self, *, hourly: bool) -> Contents:
        """What the records make together."""
        from perfectcv_traffic.analysis.recent import values
        from perfectcv_traffic.analysis.rows import of_summary

        clients = self._summary.client_count()
        rows = of_summary(self._summary, hourly=hourly)
        recent = map(values, _latest(self._latest))
        return Contents(rows, recent, clients, span=self._summary.span())


def _latest(records: list[TrafficLog]) -> list[TrafficLog]:
    """Those with the latest times, as many as are read; of the same time those that came last."""
    return sorted(records, key=lambda record: timestamps.rank(record.timestamp))[-MOST:]


def of_records(records: list[TrafficLog], *, rejected: int) -> Contents:
    """What records at hand hold, without the hours."""
    fold = Fold()
    fold.add(records)
    contents = fold.contents(hourly=False)
    contents.lines = {"ingested": len(records), "rejected": rejected}
    return contents
