"""Logs of any format folded into a summary in memory, without a database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from perfectcv_traffic.log.formats import VOTERS, Formats, LogFormat
from perfectcv_traffic.log.lines import Parsed, Reject, Salvaged
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.log.reader import Chunk, chunks_of
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
    formats = Formats(StoredForm(), Redactor())
    for path in logs:
        log_format: LogFormat | None = None
        for chunk in chunks_of(path):
            if log_format is None:
                log_format = formats.detect(chunk.data.split(b"\n", VOTERS)[:VOTERS])
            found = _parsed(formats, log_format or LogFormat.NATIVE, chunk)
            _add(folded, [record for parsed in found if (record := _record(folded, parsed))])
    return folded


def _parsed(formats: Formats, log_format: LogFormat, chunk: Chunk) -> Iterator[Parsed]:
    parser = formats.parser(log_format)
    if chunk.long_line:
        yield parser.reject("too_long", chunk.long_line.beginning)
        return
    yield from map(parser.parse, chunk.data[:-1].split(b"\n"))


def _record(folded: Folded, parsed: Parsed) -> TrafficLog | None:
    """The record of a line, if it holds one; counts a reject."""
    if isinstance(parsed, Reject | Salvaged):
        folded.rejected += 1
        return parsed.record if isinstance(parsed, Salvaged) else None
    return parsed


def _add(folded: Folded, records: list[TrafficLog]) -> None:
    folded.records += len(records)
    folded.summary.add_all(records)
    times = [record.timestamp for record in records if record.timestamp is not None]
    if times:
        folded.first = min(folded.first or times[0], *times)
        folded.last = max(folded.last or times[0], *times)
