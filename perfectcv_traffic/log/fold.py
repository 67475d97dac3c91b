"""The records of lines of any format, as ingest stores them, without a database."""

from __future__ import annotations

from typing import NamedTuple

from perfectcv_traffic.log.formats import VOTERS, Formats, LogFormat
from perfectcv_traffic.log.lines import Reject, Salvaged
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.log.whole import WholeLines
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.redaction import Redactor


class Batch(NamedTuple):
    """Records of lines in their order, and how many of the lines were none."""

    records: list[TrafficLog]
    rejected: int


class Lines:
    """Reads whole lines of any format."""

    def __init__(self) -> None:
        form = StoredForm()
        self._formats = Formats(form, Redactor())
        self._whole = WholeLines(form)

    def detect(self, data: bytes) -> LogFormat | None:
        """The format of a log that begins so; None when nothing is recognised."""
        return self._formats.detect(data.split(b"\n", VOTERS)[:VOTERS])

    def batch(self, lines: memoryview, log_format: LogFormat) -> Batch:
        """The records of lines, the last of which ends in a newline: best half a megabyte."""
        if log_format == LogFormat.NATIVE and (records := self._whole.records(lines)) is not None:
            return Batch(records, 0)
        return self._one_by_one(bytes(lines[:-1]).split(b"\n"), log_format)

    def _one_by_one(self, lines: list[bytes], log_format: LogFormat) -> Batch:
        records: list[TrafficLog] = []
        rejected = 0
        for parsed in map(self._formats.parser(log_format).parse, lines):
            if isinstance(parsed, Reject | Salvaged):
                rejected += 1
            record = parsed.record if isinstance(parsed, Salvaged) else parsed
            if isinstance(record, TrafficLog):
                records.append(record)
        return Batch(records, rejected)
