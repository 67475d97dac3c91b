"""Logs of any format read from their first line to their last, without a database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from perfectcv_traffic.log.formats import VOTERS, Formats, LogFormat
from perfectcv_traffic.log.lines import Parsed, Reject, Salvaged
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.log.reader import Chunk, chunks_of
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.redaction import Redactor


class Batch(NamedTuple):
    """Records of a piece of a log in their order, and how many of its lines were none."""

    records: list[TrafficLog]
    rejected: int


def batches(logs: Sequence[Path]) -> Iterator[Batch]:
    """The whole lines of each log; raises `StorageError` for one that cannot be read."""
    formats = Formats(StoredForm(), Redactor())
    for path in logs:
        log_format: LogFormat | None = None
        for chunk in chunks_of(path):
            if log_format is None:
                log_format = formats.detect(chunk.data.split(b"\n", VOTERS)[:VOTERS])
            yield _batch(_parsed(formats, log_format or LogFormat.NATIVE, chunk))


def _parsed(formats: Formats, log_format: LogFormat, chunk: Chunk) -> Iterator[Parsed]:
    parser = formats.parser(log_format)
    if chunk.long_line:
        yield parser.reject("too_long", chunk.long_line.beginning)
        return
    yield from map(parser.parse, chunk.data[:-1].split(b"\n"))


def _batch(lines: Iterator[Parsed]) -> Batch:
    records: list[TrafficLog] = []
    rejected = 0
    for parsed in lines:
        if isinstance(parsed, Reject | Salvaged):
            rejected += 1
        record = parsed.record if isinstance(parsed, Salvaged) else parsed
        if isinstance(record, TrafficLog):
            records.append(record)
    return Batch(records, rejected)
