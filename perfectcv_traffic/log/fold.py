"""Logs folded into a summary in memory, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from perfectcv_traffic.log import segment
from perfectcv_traffic.log.native import Reject, StoredForm, parser
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.redaction import Redactor
from perfectcv_traffic.summary import Summary


@dataclass(slots=True)
class Folded:
    """A summary of logs, and what became of their lines."""

    summary: Summary = field(default_factory=Summary)
    records: int = 0
    rejected: int = 0
    first: str | None = None
    last: str | None = None


def fold(logs: Sequence[Path]) -> Folded:
    """Fold the whole lines of each log; raises `StorageError` for one that cannot be read."""
    folded = Folded()
    parse = parser(StoredForm(), Redactor())
    for path in logs:
        with segment.open_log(path) as file:
            for chunk in segment.chunks(file, None):
                for line in chunk.data[:-1].split(b"\n"):
                    _add(folded, parse(line))
    return folded


def _add(folded: Folded, parsed: TrafficLog | Reject | None) -> None:
    if isinstance(parsed, Reject):
        folded.rejected += 1
    elif parsed is not None:
        folded.records += 1
        folded.summary.add(parsed)
        if parsed.timestamp is not None:
            folded.first = min(folded.first or parsed.timestamp, parsed.timestamp)
            folded.last = max(folded.last or parsed.timestamp, parsed.timestamp)
